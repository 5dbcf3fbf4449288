/** What the rules are judged by when a message is not certainly valid; loaded by {@link loadProtovalidate}. */
export { CompilationError, createValidator } from "@bufbuild/protovalidate";
