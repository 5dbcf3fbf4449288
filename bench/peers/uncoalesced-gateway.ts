import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type handleUnaryCall,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { Pool } from "undici";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  type SendMessagesResponse,
  SendMessagesResponseSchema,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { announce, type ChildServer, startChildServer } from "../child-server.ts";
import { fromRest, toRest } from "./rest-mapping.ts";

/*
 * The same gateway of cheaper parts: grpc-js in front, undici behind it, one
 * request for each call. What the product adds to or takes from this is
 * neither the server's nor the HTTP client's doing.
 */

/** Starts the gateway in a process of its own. */
export function startUncoalescedGateway(upstreamUrl: string): Promise<ChildServer> {
  return startChildServer(new URL(import.meta.url), [upstreamUrl]);
}

const SEND_MESSAGES: MethodDefinition<SendMessagesRequest, SendMessagesResponse> = {
  path: "/infobip.messages.v1.MessagesService/SendMessages",
  requestStream: false,
  responseStream: false,
  requestSerialize: (request) => Buffer.from(toBinary(SendMessagesRequestSchema, request)),
  requestDeserialize: (bytes) => fromBinary(SendMessagesRequestSchema, bytes),
  responseSerialize: (response) => Buffer.from(toBinary(SendMessagesResponseSchema, response)),
  responseDeserialize: (bytes) => fromBinary(SendMessagesResponseSchema, bytes),
};

const CODES: Readonly<Record<number, status>> = {
  400: status.INVALID_ARGUMENT,
  401: status.UNAUTHENTICATED,
  403: status.PERMISSION_DENIED,
  429: status.RESOURCE_EXHAUSTED,
  503: status.UNAVAILABLE,
};

async function send(pool: Pool, request: SendMessagesRequest): Promise<SendMessagesResponse> {
  const { statusCode, body } = await pool.request({
    method: "POST",
    path: "/messages-api/1/messages",
    headers: { "content-type": "application/json", accept: "application/json", authorization: "App unused" },
    body: toRest(request),
  });
  if (statusCode === 200) return fromRest(request, await body.json());
  throw Object.assign(new Error(await body.text()), { code: CODES[statusCode] ?? status.INTERNAL });
}

function serve(upstreamUrl: string): void {
  const pool = new Pool(upstreamUrl, { pipelining: 1 });
  const sendMessages: handleUnaryCall<SendMessagesRequest, SendMessagesResponse> = (call, callback) => {
    send(pool, call.request).then(
      (response) => callback(null, response),
      (error: ServiceError) => callback(error),
    );
  };
  const server = new Server();
  server.addService({ sendMessages: SEND_MESSAGES }, { sendMessages });
  server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
    if (error) throw error;
    announce(`127.0.0.1:${port}`);
  });
}

if (process.argv[1] === new URL(import.meta.url).pathname) serve(process.argv[2] ?? "");
