import { execFileSync } from "node:child_process";
import { createFileRegistry, type DescFile, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

const ROOT = new URL("..", import.meta.url).pathname;
/** Largest descriptor set that is read, in bytes. */
const MAX_BYTES = 64 * 1024 * 1024;

/** All .proto files with their comments, which the generated code does not carry. Runs buf. */
export function readProtoFiles(): DescFile[] {
  const run = { cwd: ROOT, maxBuffer: MAX_BYTES };
  execFileSync(process.execPath, ["proto/export-dependencies.ts"], run);
  const bytes = execFileSync("node_modules/.bin/buf", ["build", "--as-file-descriptor-set", "-o", "-"], run);
  return [...createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes)).files].toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}
