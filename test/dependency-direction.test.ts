import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { expect, test } from "vitest";

const SOURCE = join(import.meta.dirname, "../src");

/**
 * Which rooms (folders of src), or files of src, each room may import, beside
 * itself, the generated code and {@link SHARED}. Files that lie in src itself put the rooms
 * together and may import all of them.
 */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  infobip: ["rpc"],
  nats: [],
  eventlog: ["nats"],
  fleet: ["nats", "rpc"],
  rpc: [],
  validation: [],
  outbox: ["eventlog", "infobip", "rpc"],
  messages: ["eventlog", "infobip", "outbox", "rpc"],
  events: ["eventlog", "infobip", "rpc"],
  webhook: ["eventlog", "infobip"],
  callers: ["eventlog", "events", "messages", "outbox", "rpc", "server"],
  config: ["infobip", "nats", "webhook"],
  server: ["config", "eventlog", "rpc", "webhook"],
  telemetry: ["config", "eventlog", "infobip", "messages", "outbox", "rpc", "server", "webhook"],
  simulator: ["config", "infobip"],
  client: [],
  cli: ["callers", "config", "eventlog", "infobip", "rpc", "service.ts", "simulator", "webhook"],
};

/** Files of src itself that any room may import; of src they import each other only, `infobip` and `validation`. */
const SHARED = [
  "alarm.ts",
  "errors.ts",
  "ip-target.ts",
  "log-level.ts",
  "log-line.ts",
  "log.ts",
  "roles.ts",
  "secret.ts",
  "settles-within.ts",
  "start-error.ts",
  "timer.ts",
  "validation.ts",
  "watched-files.ts",
];

const IMPORT =
  /^(?:import|export)\b[^;"]*?\bfrom "(\.[^"]+)";|^import "(\.[^"]+)";|\bimport\("(\.[^"]+)"\)/gm;

test("rooms import downwards only", async () => {
  const imports = await readImports();
  const breaches = imports.filter((line) => !isAllowed(line)).map(({ from, to }) => `${from} -> ${to}`);
  expect(breaches).toEqual([]);
});

test("every room has its line, and every line is needed", async () => {
  const imports = await readImports();
  const rooms = new Set(imports.map(({ from }) => roomOf(from)).filter((room) => room !== ""));
  expect([...rooms].filter((room) => !(room in ALLOWED))).toEqual([]);
  const isUsed = (room: string, other: string) =>
    imports.some(({ from, to }) => roomOf(from) === room && (roomOf(to) === other || to === other));
  const unused = Object.entries(ALLOWED).flatMap(([room, others]) =>
    others.filter((other) => !isUsed(room, other)).map((other) => `${room} -> ${other}`),
  );
  expect(unused).toEqual([]);
});

interface Import {
  readonly from: string;
  readonly to: string;
}

function isAllowed({ from, to }: Import): boolean {
  const [room, other] = [roomOf(from), roomOf(to)];
  if (room === other && room !== "") return true;
  if (SHARED.includes(from)) return SHARED.includes(to) || other === "infobip" || other === "validation";
  if (room === "") return true;
  return SHARED.includes(to) || [other, to].some((name) => ALLOWED[room]?.includes(name));
}

/** The folder of src that a file is in; empty for a file of src itself. */
function roomOf(file: string): string {
  return file.includes("/") ? (file.split("/")[0] ?? "") : "";
}

/** Every import of one file of src by another, as paths below src. */
async function readImports(): Promise<Import[]> {
  const names = await readdir(SOURCE, { recursive: true });
  const files = names.filter((name) => name.endsWith(".ts")).map((name) => name.split(sep).join("/"));
  const found = await Promise.all(files.map(importsOf));
  return found.flat().filter(({ to }) => !to.startsWith(".."));
}

async function importsOf(from: string): Promise<Import[]> {
  const text = await readFile(join(SOURCE, from), "utf8");
  return [...text.matchAll(IMPORT)].map((match) => {
    const target = join(SOURCE, dirname(from), match[1] ?? match[2] ?? match[3] ?? "");
    return { from, to: relative(SOURCE, target).split(sep).join("/") };
  });
}
