/**
 * Builds dist/infobip-rpc.mjs: the whole service in one file that needs
 * nothing but Node. The event log's writer runs in a worker thread, so its
 * source is bundled first and carried inside as text.
 */
import { chmodSync, readFileSync } from "node:fs";
import { type BuildOptions, build } from "esbuild";

const OUT = "dist/infobip-rpc.mjs";
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

const shared = {
  bundle: true,
  platform: "node",
  target: "node26",
  minifySyntax: true,
  legalComments: "none",
} satisfies BuildOptions;

async function writerSource(): Promise<string> {
  const result = await build({
    ...shared,
    entryPoints: ["src/eventlog/embedded/writer-thread.ts"],
    format: "cjs",
    write: false,
  });
  const [file] = result.outputFiles;
  if (!file) throw new Error("esbuild gave no output for the writer thread");
  return file.text;
}

await build({
  ...shared,
  entryPoints: ["src/main.ts"],
  outfile: OUT,
  format: "esm",
  define: {
    __EVENTLOG_WRITER_SOURCE__: JSON.stringify(await writerSource()),
    __INFOBIP_RPC_VERSION__: JSON.stringify(version),
  },
  // Packages in CommonJS ask for require and __dirname.
  banner: {
    js: [
      'import { createRequire as __createRequire } from "node:module";',
      'import { dirname as __dirnameOf } from "node:path";',
      'import { fileURLToPath as __fileURLToPath } from "node:url";',
      "const require = __createRequire(import.meta.url);",
      "const __filename = __fileURLToPath(import.meta.url);",
      "const __dirname = __dirnameOf(__filename);",
    ].join("\n"),
  },
});
chmodSync(OUT, 0o755);
