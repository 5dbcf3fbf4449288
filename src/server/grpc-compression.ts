import { promisify } from "node:util";
import { gzip as gzipCallback } from "node:zlib";
import type { Metadata, ServerInterceptor } from "@grpc/grpc-js";

const gzip = promisify(gzipCallback);
/** Messages below this many bytes are not worth compressing. */
const MIN_COMPRESSED_BYTES = 1024;
const ENCODING_HEADER = "grpc-encoding";
/** Offset of the message in the frame that grpc-js builds, after the compressed flag and the length. */
const FRAME_HEADER_BYTES = 5;

/**
 * Keeps `grpc-encoding` of the request in its metadata, which grpc-js strips
 * before any handler sees it. Uncompressed calls pay nothing.
 */
export const keepRequestEncoding: ServerInterceptor = (_method, call) => {
  const encoding: unknown = Reflect.get(call, "incomingEncoding");
  if (encoding === "gzip") {
    const start = call.start.bind(call);
    call.start = (listener) => {
      const onReceiveMetadata = listener.onReceiveMetadata.bind(listener);
      listener.onReceiveMetadata = (metadata) => {
        metadata.set(ENCODING_HEADER, "gzip");
        onReceiveMetadata(metadata);
      };
      start(listener);
    };
  }
  // The call is returned as it is: wrapping it would cost every call for what only few need.
  return call as never;
};

/** How to compress responses: as the client compresses its requests, which is also what grpc-go does. */
export function responseEncoding(metadata: Metadata): "gzip" | undefined {
  return metadata.get(ENCODING_HEADER)[0] === "gzip" ? "gzip" : undefined;
}

/** A message as a Buffer, which is what grpc-js takes; shares the memory. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/**
 * Compresses one response message, where it is large enough.
 *
 * grpc-js writes the compressed flag as 0 and then copies the message behind
 * it, so the message sets the flag when it is copied. Without this grpc-js
 * cannot send compressed responses at all.
 */
export async function compressMessage(bytes: Uint8Array): Promise<Uint8Array> {
  if (bytes.byteLength < MIN_COMPRESSED_BYTES) return bytes;
  const compressed = await gzip(bytes);
  compressed.copy = (target: Uint8Array, start = 0) => {
    if (start === FRAME_HEADER_BYTES) target[0] = 1;
    return Buffer.prototype.copy.call(compressed, target, start);
  };
  return compressed;
}
