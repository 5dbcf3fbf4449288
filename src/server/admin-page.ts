import type { IncomingMessage } from "node:http";

const JSON_TYPE = "application/json";
const TEXT_TYPE = "text/plain; charset=utf-8";

/** Answer of a page. */
export interface AdminAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a page is asked with. */
export interface AdminRequest {
  readonly method: "GET" | "PUT";
  /** Without its question mark. */
  readonly query: string;
  readonly incoming: IncomingMessage;
}

/** One page of the admin listener. */
export interface AdminPage {
  /** What it is good for, for the index; one line. */
  readonly title: string;
  /** HEAD goes with GET. */
  readonly methods: readonly AdminRequest["method"][];
  /** A page that throws or rejects is answered with 503. */
  readonly answer: (request: AdminRequest) => AdminAnswer | Promise<AdminAnswer>;
}

/** An answer of JSON. */
export function jsonAnswer(
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): AdminAnswer {
  return { status, type: JSON_TYPE, text: `${JSON.stringify(body)}\n`, headers };
}

/** The index: every page in one line. */
export function indexPage(pages: ReadonlyMap<string, AdminPage>): AdminPage {
  return {
    title: "this list",
    methods: ["GET"],
    answer: () => {
      const lines = [...pages].map(([path, page]) => `${path.padEnd(12)} ${page.title}`);
      return { status: 200, type: TEXT_TYPE, text: `infobip-rpc admin\n\n${lines.join("\n")}\n` };
    },
  };
}
