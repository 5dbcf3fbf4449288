import { describeClient } from "./client-program-suite.ts";

describeClient({
  language: "python",
  tools: [
    ["protoc", "--version"],
    ["sh", "-c", "command -v grpc_python_plugin"],
    ["/usr/bin/python3", "-c", "import grpc, google.protobuf"],
  ],
});
