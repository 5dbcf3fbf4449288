import { create, fromBinary } from "@bufbuild/protobuf";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Client, credentials } from "@grpc/grpc-js";
import { Pool } from "undici";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import {
  SendMessagesRequestSchema,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import {
  checkJson,
  checkResponse,
  newRequestId,
  SAMPLE,
  SAMPLE_BYTES,
  SAMPLE_JSON,
  sampleWithRequestId,
} from "./send-request.ts";
import { openStreamCaller } from "./send-stream-caller.ts";

/** Whom calls go to, and how. */
export interface SendTarget {
  /**
   * gRPC and Connect unary calls, sends within StreamMessages, or POSTs as
   * Infobip takes them: by undici's `request`, the cheapest way there is, or by `fetch`.
   */
  readonly protocol: "grpc" | "connect" | "stream" | "undici" | "fetch";
  /** host:port */
  readonly address: string;
  /** Connections that calls are spread over, one stream on each; POSTs have as many as calls in flight. */
  readonly connections: number;
  /** Give each call a request id of its own. */
  readonly requestIds: boolean;
}

/** Sends the sample request again and again. */
export interface SendCaller extends AsyncDisposable {
  /** One call. Rejects when it is not answered as it should be. */
  call(): Promise<void>;
}

/** Opens a caller that has up to `inFlight` calls at one time. */
export async function openCaller(target: SendTarget, inFlight: number): Promise<SendCaller> {
  if (target.protocol === "undici") return undiciCaller(target.address, inFlight);
  if (target.protocol === "fetch") return fetchCaller(target.address);
  const open = { grpc: grpcCaller, connect: connectCaller, stream: openStreamCaller }[target.protocol];
  const lanes: SendCaller[] = [];
  for (let n = 0; n < target.connections; n++) lanes.push(await open(target, inFlight));
  let next = 0;
  return {
    call: () => (lanes[next++ % lanes.length] as SendCaller).call(),
    [Symbol.asyncDispose]: async () => {
      for (const lane of lanes) await lane[Symbol.asyncDispose]();
    },
  };
}

const PATH = "/infobip.messages.v1.MessagesService/SendMessages";

function grpcCaller({ address, requestIds }: SendTarget): SendCaller {
  // Without a pool of its own grpc-js would share one connection among all clients of an address.
  const client = new Client(address, credentials.createInsecure(), { "grpc.use_local_subchannel_pool": 1 });
  const asIs = (bytes: Buffer): Buffer => bytes;
  const call = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const bytes = requestIds ? sampleWithRequestId(newRequestId()) : SAMPLE_BYTES;
      client.makeUnaryRequest(PATH, asIs, asIs, bytes, (error, answer) => {
        if (error || !answer) return reject(error ?? new Error("a call has no answer"));
        try {
          resolve(checkResponse(fromBinary(SendMessagesResponseSchema, answer)));
        } catch (refused) {
          reject(refused);
        }
      });
    });
  return { call, [Symbol.asyncDispose]: async () => client.close() };
}

function connectCaller({ address, requestIds }: SendTarget): SendCaller {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  const transport = createConnectTransport({ baseUrl, httpVersion: "2", sessionManager });
  const client = createClient(MessagesService, transport);
  return {
    call: async () => {
      const request = requestIds
        ? create(SendMessagesRequestSchema, { messages: SAMPLE.messages, requestId: newRequestId() })
        : SAMPLE;
      checkResponse(await client.sendMessages(request));
    },
    [Symbol.asyncDispose]: async () => sessionManager.abort(),
  };
}

const REST_PATH = "/messages-api/1/messages";
const REST_HEADERS = { "content-type": "application/json", authorization: "App unused" };

function fetchCaller(address: string): SendCaller {
  const url = `http://${address}${REST_PATH}`;
  return {
    call: async () => {
      const response = await fetch(url, { method: "POST", headers: REST_HEADERS, body: SAMPLE_JSON });
      if (!response.ok) throw new Error(`the upstream answered ${response.status}`);
      checkJson(await response.json());
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

function undiciCaller(address: string, inFlight: number): SendCaller {
  const pool = new Pool(`http://${address}`, { connections: inFlight, pipelining: 1 });
  return {
    call: async () => {
      const { statusCode, body } = await pool.request({
        method: "POST",
        path: REST_PATH,
        headers: REST_HEADERS,
        body: SAMPLE_JSON,
      });
      if (statusCode !== 200) throw new Error(`the upstream answered ${statusCode}`);
      checkJson(await body.json());
    },
    [Symbol.asyncDispose]: () => pool.close(),
  };
}
