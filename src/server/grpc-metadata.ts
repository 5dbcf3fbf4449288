import { decodeBinaryHeader, encodeBinaryHeader } from "@connectrpc/connect";
import type { Metadata } from "@grpc/grpc-js";

const BINARY_SUFFIX = "-bin";
/** Names that belong to the protocol: never an implementation's to set, never shown to it. */
const RESERVED = new Set(["content-type", "content-length", "te", "connection", "transfer-encoding"]);

function isReserved(name: string): boolean {
  return name.startsWith("grpc-") || RESERVED.has(name);
}

/** Metadata of a gRPC request as Headers; binary entries are base64 text, as over HTTP. */
export function headersFromMetadata(metadata: Metadata): Headers {
  const headers = new Headers();
  for (const name of Object.keys(metadata.getMap())) {
    if (isReserved(name)) continue;
    for (const value of metadata.get(name)) {
      headers.append(name, typeof value === "string" ? value : encodeBinaryHeader(value));
    }
  }
  return headers;
}

/**
 * Adds Headers to gRPC metadata; base64 text of binary entries becomes bytes.
 * Names that belong to the protocol are left out.
 */
export function addHeadersToMetadata(headers: Headers, target: Metadata): void {
  headers.forEach((value, name) => {
    if (isReserved(name)) return;
    if (!name.endsWith(BINARY_SUFFIX)) {
      target.add(name, value);
      return;
    }
    for (const part of value.split(",")) target.add(name, Buffer.from(decodeBinaryHeader(part.trim())));
  });
}
