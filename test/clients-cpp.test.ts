import { describeClient } from "./client-program-suite.ts";

describeClient({
  language: "cpp",
  tools: [
    ["g++", "--version"],
    ["make", "--version"],
    ["protoc", "--version"],
    ["sh", "-c", "command -v grpc_cpp_plugin"],
    ["pkg-config", "--exists", "grpc++", "protobuf"],
  ],
});
