import { describeClient } from "./client-program-suite.ts";

describeClient({
  language: "go",
  tools: [
    ["go", "version"],
    ["protoc", "--version"],
    ["sh", "-c", "command -v protoc-gen-go protoc-gen-go-grpc"],
    ["test", "-d", "/usr/share/gocode/src/google.golang.org/grpc"],
    ["test", "-d", "/usr/share/gocode/src/google.golang.org/protobuf"],
  ],
});
