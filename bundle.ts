/**
 * Builds dist/infobip-rpc.mjs: the whole service in one file that needs nothing
 * but Node. The file holds the service in parts, compressed, and a loader that
 * unpacks each when it is imported: what only some commands or settings need is
 * neither parsed nor held, which a single piece of code would be (twice the
 * time to start, 7 MiB more). With an argument it is built into that folder,
 * which is emptied first.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { type BuildOptions, build, type OutputFile, type Plugin } from "esbuild";

const FOLDER = process.argv[2] ?? "dist";
const PROGRAM = "infobip-rpc";
const WRITER = "writer-thread";
const ZSTD_LEVEL = 19;

/**
 * What packages ask for only where it is switched on, which it never is here: grpc-js's channelz service loads proto files,
 * and undici has a second HTTP parser.
 */
const LEFT_OUT = /^@grpc\/proto-loader$|^\.\.\/milo\//;

const leaveOut: Plugin = {
  name: "leave-out",
  setup(bundler) {
    bundler.onResolve({ filter: LEFT_OUT }, ({ path }) => ({ path, namespace: "left-out" }));
    bundler.onLoad({ filter: /.*/, namespace: "left-out" }, ({ path }) => ({
      contents: `throw new Error("${path} is not part of the bundle");`,
    }));
  },
};

/**
 * Node's own modules as CommonJS gives them: an import statement reads every export of a module, and so loads what is
 * behind the lazy ones, such as Node's copy of undici behind node:http.
 */
const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup(bundler) {
    bundler.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "builtin" } : undefined,
    );
    bundler.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

/**
 * Each file of descriptors builds a registry of all it imports, and of what that imports, again for each way there. Once is
 * enough, and saves 20 to 30 ms at start.
 */
const registerOnce: Plugin = {
  name: "register-once",
  setup(bundler) {
    bundler.onLoad({ filter: /protobuf\/dist\/esm\/registry\.js$/ }, ({ path }) => {
      const begin = "addFile(file, skipTypes, withDeps) {";
      const text = readFileSync(path, "utf8");
      if (!text.includes(begin))
        throw new Error(`${path} is not what it was: see whether it still needs this`);
      const known = "if (withDeps && !skipTypes && files.get(file.proto.name) === file) return;";
      return { contents: text.replace(begin, `${begin} ${known}`) };
    });
  },
};

/** Text with everything beyond ASCII as escapes. V8 holds a source with any other character at two bytes each. */
function inAscii({ path, text }: OutputFile): string {
  const ascii = text.replaceAll(
    /[^\0-\x7f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (ascii.includes("String.raw")) throw new Error(`${path}: escapes mean something else in String.raw`);
  return ascii;
}

const shared = {
  bundle: true,
  write: false,
  outdir: FOLDER,
  outExtension: { ".js": ".mjs" },
  chunkNames: "[name]-[hash]",
  platform: "node",
  target: "node26",
  format: "esm",
  // Names stay, so that a stack trace can be read.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: "none",
  plugins: [leaveOut, lazyBuiltins, registerOnce],
  // Packages in CommonJS ask for require and __dirname.
  banner: {
    js: [
      'const require = process.getBuiltinModule("node:module").createRequire(import.meta.url);',
      "const __filename = import.meta.filename;",
      "const __dirname = import.meta.dirname;",
    ].join("\n"),
  },
} satisfies BuildOptions & { write: false };

/**
 * Flags of V8 that the loader sets before anything else is parsed. These are the ones that V8 reads again while it runs: the sizes
 * of the heap's spaces it takes only when Node starts. Figures are in docs/performance.md.
 *
 * - `--semi-space-growth-factor=1`: the young generation stays at its first size, 1 MiB, until there is work; what the start leaves
 *   behind would otherwise grow it. 11 MiB less when idle.
 * - `--heap-growing-percent`: the old generation is collected when it has grown by so much, not several times over. Some
 *   50 MiB less at full load.
 */
const V8_FLAGS = ["--semi-space-growth-factor=1", "--heap-growing-percent=100"];
/** How often it is looked at whether the young generation may grow, in milliseconds. */
const YOUNG_LOOK_MS = 1_000;
/** CPU in microseconds between two looks, from which on it may: a fifth of a core. A small one costs CPU under load. */
const YOUNG_BUSY_US = 200_000;
/** Bytes above which it may not: it doubles, so it ends at up to 27 MiB instead of 53. 30 MiB less at full load. */
const YOUNG_ENOUGH_BYTES = 12 * 2 ** 20;

/** Runs the parts: this text begins the bundle, after the table of them. */
const LOADER = `
const v8 = process.getBuiltinModule("node:v8");
for (const flag of ${JSON.stringify(V8_FLAGS)}) v8.setFlagsFromString(flag);
let used = Infinity;
setInterval(() => {
  const { user, system } = process.cpuUsage();
  const young = v8.getHeapSpaceStatistics().find((space) => space.space_name === "new_space");
  const mayGrow = user + system - used > ${YOUNG_BUSY_US} && young.space_size < ${YOUNG_ENOUGH_BYTES};
  v8.setFlagsFromString("--semi-space-growth-factor=" + (mayGrow ? 2 : 1));
  used = user + system;
}, ${YOUNG_LOOK_MS}).unref();
const { registerHooks } = process.getBuiltinModule("node:module");
const { zstdDecompressSync } = process.getBuiltinModule("node:zlib");
// Every part has an address below that of this file, where nothing else can be.
const home = import.meta.url + "/";
registerHooks({
  resolve(specifier, context, next) {
    const isPart = specifier.startsWith("./") ? context.parentURL?.startsWith(home) : specifier.startsWith(home);
    if (!isPart) return next(specifier, context);
    return { url: new URL(specifier, home).href, format: "module", shortCircuit: true };
  },
  load(url, context, next) {
    if (!url.startsWith(home)) return next(url, context);
    return { source: unpack(url.slice(home.length)), format: "module", shortCircuit: true };
  },
});
function unpack(name) {
  return zstdDecompressSync(Buffer.from(PARTS[name], "base64")).toString("latin1");
}
globalThis[Symbol.for("infobip-rpc.writer")] = () => unpack("${WRITER}.js");
await import(home + "${PROGRAM}.mjs");
`;

// A thread shares no module with the program: in a build of its own it is one part.
const builds = await Promise.all([
  build({
    ...shared,
    splitting: true,
    entryPoints: {
      [PROGRAM]: "src/main.ts",
      protovalidate: "src/validation/protovalidate.ts",
      "xml-parser": "src/infobip/reports/xml-parser.ts",
    },
  }),
  build({
    ...shared,
    format: "cjs",
    banner: {},
    outExtension: {},
    entryPoints: { [WRITER]: "src/eventlog/embedded/writer-thread.ts" },
  }),
]);
const parts = builds
  .flatMap(({ outputFiles }) => outputFiles)
  .map((file) => [basename(file.path), packed(file)]);
rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(FOLDER);
writeFileSync(
  `${FOLDER}/${PROGRAM}.mjs`,
  `#!/usr/bin/env node\nconst PARTS = ${JSON.stringify(Object.fromEntries(parts), undefined, 0)};${LOADER}`,
);
chmodSync(`${FOLDER}/${PROGRAM}.mjs`, 0o755);

function packed(file: OutputFile): string {
  const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL };
  return zstdCompressSync(Buffer.from(inAscii(file), "latin1"), { params }).toString("base64");
}
