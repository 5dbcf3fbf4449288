/**
 * Sends a message, watches and consumes what becomes of it, and reads errors.
 *
 * Usage: client.ts all | send [TO] | watch MESSAGE_ID | subscribe MESSAGE_ID | errors
 */
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { type Event, EventType } from "./build/infobip/events/v1/event_pb.js";
import {
  EventsService,
  WatchEventsRequestSchema,
  type WatchEventsResponse,
} from "./build/infobip/events/v1/events_service_pb.js";
import { OnExpired, StartPosition } from "./build/infobip/events/v1/positions_pb.js";
import { Channel } from "./build/infobip/messages/v1/channel_pb.js";
import type { BaseMessageSchema } from "./build/infobip/messages/v1/message_pb.js";
import { MessagesService } from "./build/infobip/messages/v1/messages_service_pb.js";
import { SendOutcome } from "./build/infobip/messages/v1/send_messages_pb.js";
import { DEADLINE_MS, errorLines, openTransport } from "./connection.ts";
import { Session } from "./session.ts";
import { backoffMs, reconnecting, SILENCE_MS } from "./streams.ts";

const SUBSCRIPTION = "subscriptions/example-typescript";
const MAX_SENDS = 4;

const transport = openTransport();
const messages = createClient(MessagesService, transport);
const events = createClient(EventsService, transport);
const print = (...lines: string[]) => process.stdout.write(`${lines.join("\n")}\n`);

function sms(text: string, ...recipients: string[]): MessageInitShape<typeof BaseMessageSchema> {
  const value = {
    channel: Channel.SMS,
    sender: "ShopDesk",
    destinations: recipients.map((to) => ({ kind: { case: "toDestination" as const, value: { to } } })),
    content: { body: { type: { case: "text" as const, value: { text } } } },
  };
  return { kind: { case: "message", value } };
}

/** Sends one SMS; gives its message id. */
async function send(to: string): Promise<string> {
  // Keep the id beside your own record: a repeat with it sends nothing twice.
  const request = { messages: [sms("Your parcel is on its way.", to)], requestId: randomUUID() };
  const { results } = await repeating((timeoutMs) => messages.sendMessages(request, { timeoutMs }));
  for (const { messageIndex, destinationIndex, messageId, outcome, status } of results) {
    print(`result ${messageIndex}/${destinationIndex} ${messageId} ${SendOutcome[outcome]} ${status?.name}`);
  }
  return results[0]?.messageId ?? "";
}

/** Repeats a call that carries a request_id while the service is not there. */
async function repeating<T>(call: (timeoutMs: number) => Promise<T>): Promise<T> {
  const deadline = performance.now() + DEADLINE_MS;
  for (let failures = 1; ; failures++) {
    try {
      return await call(Math.round(deadline - performance.now()));
    } catch (error) {
      const pauseMs = backoffMs(failures);
      const isOver = failures === MAX_SENDS || performance.now() + pauseMs >= deadline;
      if (ConnectError.from(error).code !== Code.Unavailable || isOver) throw error;
      await sleep(pauseMs);
    }
  }
}

function show(kind: string, event: Event, extra = ""): void {
  const { sequence, type, messageId, final } = event;
  print(`${kind} ${sequence} ${EventType[type]} ${messageId} final=${final}${extra}`);
}

/** Prints the events of a message until the one after which none is expected. */
async function watch(messageId: string): Promise<void> {
  const request = create(WatchEventsRequestSchema, {
    from: { case: "start", value: StartPosition.EARLIEST },
    filter: { messageIds: [messageId] },
    onExpired: OnExpired.RESUME,
    progressInterval: durationFromMs(SILENCE_MS / 3),
  });
  await reconnecting(async (signal, heard) => {
    for await (const { frame } of events.watchEvents(request, { signal })) {
      heard();
      if (frame.case === "draining") return false;
      if (frame.case === "events" && showAll(frame.value.events)) return true;
      // The position. A consumer that must go on after its own restart stores it together with its work.
      const cursor = cursorAfter(frame);
      if (cursor) request.from = { case: "cursor", value: cursor };
    }
    return false;
  });
}

/** Handles events; gives true once the final one was there. */
function showAll(all: readonly Event[]): boolean {
  for (const event of all) show("event", event);
  return all.some(({ final }) => final);
}

/** Where to go on once a frame is handled. */
function cursorAfter(frame: WatchEventsResponse["frame"]): string | undefined {
  switch (frame.case) {
    case "started":
    case "progress":
      return frame.value.cursor;
    case "events":
      return frame.value.events.at(-1)?.cursor;
    case "gap":
      process.stderr.write("events were removed before they were read\n");
      return frame.value.toCursor;
    default:
      return undefined;
  }
}

/** Handles and acknowledges events until the last one of a message. */
async function subscribe(messageId: string): Promise<void> {
  await createSubscription();
  await reconnecting(async (signal, heard) => {
    // At least once: after a lost ack the same event.id comes again.
    const session = new Session(SUBSCRIPTION, ({ event, attempt }) => {
      if (event) show("delivered", event, ` attempt=${attempt}`);
      return event?.messageId === messageId && event.final;
    });
    try {
      for await (const { frame } of events.subscribe(session.requests, { signal })) {
        heard();
        session.take(frame);
      }
      return session.isLast && session.isSettled;
    } finally {
      session.close();
    }
  });
}

async function createSubscription(): Promise<void> {
  const filter = { types: [EventType.SEND_RESULT, EventType.DELIVERY_REPORT] };
  const from = { case: "start" as const, value: StartPosition.EARLIEST };
  const request = { subscription: { name: SUBSCRIPTION, filter }, from };
  try {
    await events.createSubscription(request, { timeoutMs: DEADLINE_MS });
  } catch (error) {
    if (ConnectError.from(error).code !== Code.AlreadyExists) throw error;
  }
}

/** Sends a message without a destination, to be refused. */
async function provokeError(): Promise<void> {
  try {
    await messages.sendMessages({ messages: [sms("To nobody.")] }, { timeoutMs: DEADLINE_MS });
  } catch (reason) {
    const error = ConnectError.from(reason);
    if (error.code !== Code.InvalidArgument) throw error;
    print(...errorLines(error));
  }
}

const [command = "all", argument = "385910000001"] = process.argv.slice(2);
const isAsked = (name: string) => command === name || command === "all";
try {
  if (isAsked("errors")) await provokeError();
  const messageId = isAsked("send") ? await send(argument) : argument;
  if (isAsked("watch")) await watch(messageId);
  if (isAsked("subscribe")) await subscribe(messageId);
  process.exit(0); // the connection would keep the process
} catch (error) {
  process.stderr.write(`${errorLines(ConnectError.from(error)).join("\n")}\n`);
  process.exit(1);
}
