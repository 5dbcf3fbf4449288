/**
 * A stand-in for grpcurl, of which it knows `[-plaintext | -cacert file] [-H header] -d json|@ address service/method`. It
 * takes its types from gen/, not from the service's reflection, and prints messages as grpcurl does: JSON, one after the other.
 */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import {
  type DescMethod,
  type DescMethodStreaming,
  fromJsonString,
  type Message,
  toJsonString,
} from "@bufbuild/protobuf";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { SERVICES } from "./named-things.ts";

// grpcurl writes its flags with one dash.
const { values, positionals } = parseArgs({
  args: process.argv.slice(2).map((argument) => argument.replace(/^-(?=[a-z]{2})/, "--")),
  allowPositionals: true,
  options: {
    plaintext: { type: "boolean" },
    cacert: { type: "string" },
    d: { type: "string", short: "d" },
    H: { type: "string", short: "H", multiple: true },
  },
});
const [address = "", path = "", ...others] = positionals;
const { method } = SERVICES.flatMap((service) =>
  service.methods.map((each) => ({ service, method: each })),
).find((each) => `${each.service.typeName}/${each.method.name}` === path) ?? { method: undefined };
if (method === undefined || others.length > 0)
  throw new Error(`the stand-in for grpcurl does not know: ${positionals}`);

const headers = new Headers((values.H ?? []).map((line) => line.split(/:\s*/, 2) as [string, string]));
const transport = createGrpcTransport({
  baseUrl: `${values.plaintext ? "http" : "https"}://${address}`,
  ...(values.cacert === undefined ? {} : { nodeOptions: { ca: readFileSync(values.cacert) } }),
});
const { message } = await transport.stream(
  // One request and one answer travel as streams do.
  method as DescMethodStreaming,
  undefined,
  undefined,
  headers,
  requests(method),
);
for await (const answer of message) {
  process.stdout.write(`${toJsonString(method.output, answer, { prettySpaces: 2 })}\n`);
}

/** Each line of stdin is a request, where -d is @. */
async function* requests({ input }: DescMethod): AsyncGenerator<Message> {
  const lines = values.d === "@" ? createInterface(process.stdin) : [values.d ?? "{}"];
  for await (const line of lines) yield fromJsonString(input, line);
}
