import { describeClient } from "./client-program-suite.ts";

// Its build checks the types as well.
describeClient({ language: "typescript", tools: [["protoc", "--version"]] });
