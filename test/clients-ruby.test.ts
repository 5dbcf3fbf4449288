import { describeClient } from "./client-program-suite.ts";

describeClient({
  language: "ruby",
  tools: [
    ["protoc", "--version"],
    ["sh", "-c", "command -v grpc_ruby_plugin"],
    ["/usr/bin/ruby", "-e", 'require "grpc"; require "google/rpc/status_pb"'],
  ],
});
