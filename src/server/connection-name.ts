import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { type ContextValues, createContextKey, createContextValues } from "@connectrpc/connect";

/** The socket or HTTP/2 session that a request came on. */
const CONNECTION = createContextKey<object | undefined>(undefined, {
  description: "connection that a request came on",
});

const names = new WeakMap<object, string>();
let lastNumber = 0;

/**
 * A name for a connection, an HTTP/2 session or a socket, that no other one
 * has while the process lives; unlike an address it also tells apart the
 * connections over a unix socket. Empty for one that is gone.
 */
export function connectionName(connection: unknown): string {
  if (typeof connection !== "object" || connection === null) return "";
  let name = names.get(connection);
  if (name === undefined) {
    name = `c${++lastNumber}`;
    names.set(connection, name);
  }
  return name;
}

/** Values for the context of a Connect call that tell the connection of its request. */
export function connectionValues(request: IncomingMessage | Http2ServerRequest): ContextValues {
  const connection = "stream" in request ? request.stream.session : request.socket;
  return createContextValues().set(CONNECTION, connection);
}

/** The connection that {@link connectionValues} has told; undefined when it has told none. */
export function connectionIn(values: ContextValues): object | undefined {
  return values.get(CONNECTION);
}
