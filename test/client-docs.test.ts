import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";

const ROOT = new URL("..", import.meta.url).pathname;
/** What the examples leave to their reader. */
const READER = `
declare function load(): Promise<string | undefined>;
declare function save(cursor: string): Promise<void>;
declare function handle(event: import("infobip-rpc/events").Event): Promise<boolean>;
`;
const CLIENT = `const client = (await import("infobip-rpc/client")).createClient({ target: "127.0.0.1:1" });\n`;

let folder: string;
afterEach(() => rm(folder, { recursive: true, force: true }));

it("every example of docs/client.md fits the client's types", async () => {
  folder = await mkdtemp(join(tmpdir(), "client-docs-"));
  const page = await readFile(join(ROOT, "docs/client.md"), "utf8");
  const examples = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = ""]) => code);
  expect(examples.length).toBeGreaterThan(3);
  const paths = Object.fromEntries(
    ["client", "messages", "events"].map((name) => [
      `infobip-rpc/${name}`,
      [join(ROOT, "src/client", `${name === "client" ? "index" : name}.ts`)],
    ]),
  );
  for (const [index, code] of examples.entries()) {
    const client = code.includes("createClient(") ? "" : CLIENT;
    await writeFile(join(folder, `example-${index}.ts`), `${client}${code}${READER}export {};\n`);
  }
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  await writeFile(join(folder, "package.json"), '{"type":"module"}');
  const compilerOptions = { paths, noEmit: true, noUnusedLocals: false };
  const config = { extends: join(ROOT, "tsconfig.json"), compilerOptions, include: ["*.ts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const checked = promisify(execFile)(join(ROOT, "node_modules/.bin/tsc"), ["-p", "."], {
    cwd: folder,
    timeout: 60_000,
  });
  expect(
    await checked.then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    ),
  ).toBe("");
}, 60_000);
