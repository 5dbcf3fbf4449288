import { create } from "@bufbuild/protobuf";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterEach, describe, expect, it } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesResponseSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { formatListenAddress } from "../src/config/listen-address.ts";
import type { Role } from "../src/roles.ts";
import { createGrpcListener, type Listener } from "../src/server/grpc-listener.ts";
import type { CallReport } from "../src/server/guards.ts";
import { createHttpListener } from "../src/server/http-listener.ts";
import { guardRole } from "../src/server/role-guard.ts";
import { bindService } from "../src/server/service-binding.ts";
import { detailsOf } from "./server-clients.ts";
import { ackFrame, partialEvents, partialMessages, startedFrame, validRequest } from "./server-rig.ts";

const TCP = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
const reports: CallReport[] = [];
const made: string[] = [];
const listeners: Listener[] = [];
afterEach(async () => {
  await Promise.all(listeners.map((listener) => listener[Symbol.asyncDispose]()));
  for (const list of [reports, made, listeners]) list.length = 0;
});

/** Starts a process with these roles; gives a transport for each way to it. */
async function start(roles: readonly Role[], isDraining = () => false) {
  const guards = {
    isDraining,
    onCall: (report: CallReport) => reports.push(report),
    onInternalError: () => undefined,
    newErrorId: () => "id",
  };
  const implementMessages = () => {
    made.push("messages");
    return partialMessages({ sendMessages: async () => create(SendMessagesResponseSchema, { bulkId: "b" }) });
  };
  const implementEvents = () => {
    made.push("events");
    return partialEvents({
      async *watchEvents() {
        yield startedFrame("1");
      },
    });
  };
  const messages = { service: MessagesService, role: "send", implement: implementMessages } as const;
  const events = { service: EventsService, role: "events", implement: implementEvents } as const;
  const services = [
    bindService(MessagesService, guardRole(messages, roles, guards)),
    bindService(EventsService, guardRole(events, roles, guards)),
  ];
  const [grpc, http] = [
    createGrpcListener({ address: TCP, services }),
    createHttpListener({ address: TCP, services }),
  ];
  listeners.push(grpc, http);
  const [grpcUrl, httpUrl] = [await grpc.start(), await http.start()].map(
    (address) => `http://${formatListenAddress(address)}`,
  ) as [string, string];
  return [
    createGrpcTransport({ baseUrl: grpcUrl }),
    createConnectTransport({ baseUrl: httpUrl, httpVersion: "1.1", useBinaryFormat: false }),
  ];
}

async function failureOf(call: Promise<unknown>): Promise<object> {
  const error = await call.then(
    () => "it went well",
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConnectError)) throw new Error(String(error));
  const { code, message, info } = detailsOf(error);
  return { code, message, reason: info?.reason, domain: info?.domain, metadata: info?.metadata };
}

const SEND_DISABLED = {
  code: "Unimplemented",
  message: "this instance does not send messages; call one with the role send",
  reason: "ROLE_DISABLED",
  domain: "infobip-rpc",
  metadata: { role: "send", outcome: "NOT_SENT" },
};
const EVENTS_DISABLED = {
  ...SEND_DISABLED,
  message: "this instance does not serve events; call one with the role events",
  metadata: { role: "events", outcome: "NOT_SENT" },
};

describe("a process without the role", () => {
  it("refuses each kind of call over each protocol, valid or not, and counts it", async () => {
    for (const transport of await start(["events"])) {
      const client = createClient(MessagesService, transport);
      expect(await failureOf(client.sendMessages(validRequest()))).toEqual(SEND_DISABLED);
      expect(await failureOf(client.sendMessages({}))).toEqual(SEND_DISABLED);
      const watched = createClient(EventsService, transport).watchEvents({})[Symbol.asyncIterator]().next();
      expect((await watched).value?.frame.case).toBe("started");
    }
    expect(made).toEqual(["events"]);
    const refused = reports.filter(({ reason }) => reason === "ROLE_DISABLED");
    expect(refused.map(({ method }) => method)).toEqual(
      Array(4).fill("infobip.messages.v1.MessagesService/SendMessages"),
    );
  });

  it("refuses streams at once, also those whose client says nothing", async () => {
    const [grpc, http] = await start(["send", "intake"]);
    if (grpc === undefined || http === undefined) throw new Error("no transport");
    for (const transport of [grpc, http]) {
      const client = createClient(EventsService, transport);
      expect(await failureOf(client.watchEvents({})[Symbol.asyncIterator]().next())).toEqual(EVENTS_DISABLED);
      expect((await createClient(MessagesService, transport).sendMessages(validRequest())).bulkId).toBe("b");
    }
    const held = Promise.withResolvers<string>();
    const silent = (async function* () {
      yield ackFrame(await held.promise);
    })();
    const stream = createClient(EventsService, grpc).subscribe(silent)[Symbol.asyncIterator]();
    expect(await failureOf(stream.next())).toEqual(EVENTS_DISABLED);
    held.resolve("late");
  });

  it("says of a stream that it drains before all else, and of a unary call that another one has the role", async () => {
    const [grpc] = await start(["events"], () => true);
    if (grpc === undefined) throw new Error("no transport");
    const client = createClient(MessagesService, grpc);
    const stream = client
      .streamMessages((async function* () {})())
      [Symbol.asyncIterator]()
      .next();
    expect(await failureOf(stream)).toMatchObject({ reason: "DRAINING" });
    expect(await failureOf(client.sendMessages(validRequest()))).toMatchObject({ reason: "ROLE_DISABLED" });
  });
});
