/** A typed client of the service, on gRPC or Connect. */
export type {
  ClientOptions,
  ClientTls,
  CommonClientOptions,
  ConnectClientOptions,
  GrpcClientOptions,
  Reconnect,
} from "./client-options.ts";
export { createClient, type InfobipRpcClient } from "./create-client.ts";
export {
  InfobipRpcError,
  type RpcCode,
  type RpcErrorDetails,
  type RpcOutcome,
  type RpcViolation,
} from "./rpc-error.ts";
export type { ConsumeOptions, Delivery, SubscribeOptions } from "./subscribe-options.ts";
export { type TextMessage, textMessage } from "./text-message.ts";
export type { EventGap, WatchFrom, WatchOptions } from "./watch-options.ts";
