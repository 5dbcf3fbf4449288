import { type Client, createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";

/** A gRPC client with a connection of its own. */
export interface EventsClient extends Disposable {
  readonly events: Client<typeof EventsService>;
}

export function connectEvents(address: string): EventsClient {
  const baseUrl = `http://${address}`;
  const sessionManager = new Http2SessionManager(baseUrl);
  return {
    events: createClient(EventsService, createGrpcTransport({ baseUrl, sessionManager })),
    [Symbol.dispose]: () => sessionManager.abort(),
  };
}
