import type { DescMethod } from "@bufbuild/protobuf";
import { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { Scope } from "../rpc/caller.ts";

/** Scopes of the methods of a service by their local names: one of them is enough. */
type Scopes<S extends { readonly method: object }> = Readonly<Record<keyof S["method"], readonly Scope[]>>;

const MESSAGES: Scopes<typeof MessagesService> = {
  sendMessages: ["send"],
  streamMessages: ["send"],
  validateMessages: ["send"],
  sendEvents: ["send"],
  submitMessages: ["submit"],
  getSubmission: ["submit"],
  listSubmissions: ["submit"],
  cancelSubmission: ["submit"],
};

const EVENTS: Scopes<typeof EventsService> = {
  watchEvents: ["events"],
  listEvents: ["events"],
  getMessage: ["events"],
  // Where the log begins and ends is what a consumer of either kind needs, and no secret.
  getEventLog: ["events", "subscriptions"],
  createSubscription: ["subscriptions"],
  getSubscription: ["subscriptions"],
  listSubscriptions: ["subscriptions"],
  updateSubscription: ["subscriptions"],
  deleteSubscription: ["subscriptions"],
  seekSubscription: ["subscriptions"],
  subscribe: ["subscriptions"],
  pullEvents: ["subscriptions"],
  acknowledgeEvents: ["subscriptions"],
  listDeadLetters: ["subscriptions"],
  redriveDeadLetters: ["subscriptions"],
};

const BY_SERVICE: Readonly<Record<string, Readonly<Record<string, readonly Scope[]>>>> = {
  [MessagesService.typeName]: MESSAGES,
  [EventsService.typeName]: EVENTS,
};

/** Scopes that let a caller call a method; `admin` lets it call all. Throws an Error for a method without any. */
export function scopesOf(method: DescMethod): readonly Scope[] {
  const scopes = BY_SERVICE[method.parent.typeName]?.[method.localName];
  if (scopes === undefined) throw new Error(`${method.toString()} has no scope`);
  return scopes;
}
