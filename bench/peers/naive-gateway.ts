import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { createValidator } from "@bufbuild/protovalidate";
import { Code, ConnectError, type ConnectRouter } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
  type SendMessagesResponse,
} from "../../gen/infobip/messages/v1/send_messages_pb.js";
import { announce, type ChildServer, startChildServer } from "../child-server.ts";
import { fromRest, toRest } from "./rest-mapping.ts";

/*
 * The gateway a good engineer writes in a day: connect-node in front, which
 * speaks gRPC and Connect, one fetch for each call behind it. It keeps
 * connections alive and translates errors; it records nothing, repeats nothing
 * and makes up no message ids.
 */

/** Starts the gateway in a process of its own. `validate` checks each request by the rules of the proto files. */
export function startNaiveGateway(
  upstreamUrl: string,
  { validate }: { validate: boolean },
): Promise<ChildServer> {
  return startChildServer(new URL(import.meta.url), [upstreamUrl, ...(validate ? ["validate"] : [])]);
}

const CODES: Readonly<Record<number, Code>> = {
  400: Code.InvalidArgument,
  401: Code.Unauthenticated,
  403: Code.PermissionDenied,
  429: Code.ResourceExhausted,
  503: Code.Unavailable,
};

async function send(
  url: string,
  request: SendMessagesRequest,
  signal: AbortSignal,
): Promise<SendMessagesResponse> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", authorization: "App unused" },
    body: toRest(request),
    signal,
  });
  if (!response.ok) {
    throw new ConnectError(await response.text(), CODES[response.status] ?? Code.Internal);
  }
  return fromRest(request, await response.json());
}

function routes(url: string, validate: boolean): (router: ConnectRouter) => void {
  const validator = validate ? createValidator() : undefined;
  return (router) =>
    router.service(MessagesService, {
      sendMessages: (request, { signal }) => {
        const checked = validator?.validate(SendMessagesRequestSchema, request);
        if (checked && checked.kind !== "valid") {
          throw new ConnectError(String(checked.error), Code.InvalidArgument);
        }
        return send(url, request, signal);
      },
    });
}

function serve(upstreamUrl: string, validate: boolean): void {
  const url = new URL("/messages-api/1/messages", upstreamUrl).href;
  const server = createServer(connectNodeAdapter({ routes: routes(url, validate) }));
  server.listen(0, "127.0.0.1", () => announce(`127.0.0.1:${(server.address() as AddressInfo).port}`));
}

if (process.argv[1] === new URL(import.meta.url).pathname) {
  serve(process.argv[2] ?? "", process.argv[3] === "validate");
}
