import type { Http2Server, ServerHttp2Session } from "node:http2";
import { Server } from "@grpc/grpc-js";
import { adaptService, type GrpcService } from "./grpc-adapter.ts";
import type { GrpcCallContext } from "./grpc-call-context.ts";
import { keepRequestEncoding } from "./grpc-compression.ts";
import { answerUnknownMethods, describeOwnErrors } from "./grpc-error-info.ts";
import type { GrpcLimits, GrpcListenerOptions } from "./grpc-listener.ts";
import type { SlowRequests } from "./grpc-slow-requests.ts";
import { limitStreamResets, nghttp2ResetOptions, streamResetLimits } from "./stream-resets.ts";

/** nghttp2 counts 32 bytes for each header field beside its text. */
const MIN_METADATA_BYTES = 4 * 1024;

/** What the calls of a listener are kept in. */
export interface CallsInProgress {
  readonly calls: Set<GrpcCallContext>;
  readonly slow: SlowRequests;
}

/** Makes the grpc-js server with its services and limits; it listens on nothing itself. */
export function createGrpcServer(
  options: GrpcListenerOptions,
  limits: GrpcLimits,
  { calls, slow }: CallsInProgress,
): Server {
  const onRefusal = options.onRefusal ?? (() => undefined);
  const onTcp = options.address.kind === "tcp";
  const server = new Server({
    interceptors: [describeOwnErrors(onRefusal), keepRequestEncoding, slow.interceptor],
    "grpc.enable_channelz": 0,
    "grpc.max_receive_message_length": limits.maxReceiveBytes,
    "grpc.max_concurrent_streams": limits.maxConcurrentStreams,
    "grpc.max_connection_idle_ms": limits.maxConnectionIdleMs,
    ...(onTcp && {
      "grpc.max_connection_age_ms": limits.maxConnectionAgeMs,
      "grpc.max_connection_age_grace_ms": limits.maxConnectionAgeGraceMs,
      "grpc.keepalive_time_ms": limits.keepaliveTimeMs,
      "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    }),
  });
  const settings = {
    maxConcurrentStreams: limits.maxConcurrentStreams,
    maxHeaderListSize: Math.max(limits.maxMetadataBytes, MIN_METADATA_BYTES),
  };
  Object.assign(Reflect.get(server, "commonServerOptions") as object, {
    settings,
    ...nghttp2ResetOptions(streamResetLimits(limits.maxConcurrentStreams)),
  });
  answerUnknownMethods(server, onRefusal);
  const now = options.now ?? Date.now;
  for (const binding of options.services)
    addService(server, adaptService(binding, { calls, onRefusal, now, requestRead: slow.received }));
  for (const service of options.rawServices ?? []) addService(server, service);
  return server;
}

/** To be called once there is an injector: grpc-js keeps the HTTP/2 server behind an injector to itself. */
export function limitResets(server: Server, { maxConcurrentStreams }: GrpcLimits): void {
  const limits = streamResetLimits(maxConcurrentStreams);
  const servers = Reflect.get(server, "http2Servers") as ReadonlyMap<Http2Server, unknown>;
  for (const http2 of servers.keys())
    http2.on("session", (session: ServerHttp2Session) => limitStreamResets(session, limits));
}

function addService(server: Server, service: GrpcService): void {
  server.addService(service.definition, service.handlers);
}
