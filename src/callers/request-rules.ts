import type { Message } from "@bufbuild/protobuf";
import type { WatchEventsRequest } from "../../gen/infobip/events/v1/events_service_pb.js";
import type { ListEventsRequest } from "../../gen/infobip/events/v1/history_pb.js";
import type {
  CreateSubscriptionRequest,
  UpdateSubscriptionRequest,
} from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import type {
  SendEventsRequest,
  ValidateMessagesRequest,
} from "../../gen/infobip/messages/v1/messages_service_pb.js";
import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { SubmitMessagesRequest } from "../../gen/infobip/messages/v1/submission_pb.js";
import type { RequestDefaults } from "../messages/request-defaults.ts";
import type { Caller } from "../rpc/caller.ts";
import { isNarrow, narrowFilter } from "./event-visibility.ts";
import { ownedRequestId } from "./request-owner.ts";
import type { SendAllowance } from "./send-allowance.ts";
import {
  countDestinations,
  countEventDestinations,
  type MessagesToSend,
  permitEvents,
  permitMessages,
} from "./send-rules.ts";

/** Checks a request of a method for its caller, and fills in what follows from who calls. Throws ServiceError. */
export type RequestRule = (request: Message, caller: Caller) => void;

/** What the rules work with. */
export interface RequestRulesOptions {
  /** What the service fills in: the limits hold for that too. */
  readonly defaults: RequestDefaults;
  readonly allowance: SendAllowance;
}

/** What is asked of single requests. */
export class RequestRules {
  readonly #options: RequestRulesOptions;
  /** By the local names of the methods. Each is given requests of its own method only. */
  readonly #byMethod: Readonly<Record<string, RequestRule | undefined>>;

  constructor(options: RequestRulesOptions) {
    this.#options = options;
    const rules = {
      sendMessages: (request: SendMessagesRequest, caller: Caller) => this.send(request, caller),
      validateMessages: (request: ValidateMessagesRequest, caller: Caller) => this.#permit(request, caller),
      submitMessages: (request: SubmitMessagesRequest, caller: Caller) => {
        this.#permit(request, caller);
        request.requestId = ownedRequestId(caller, request.requestId);
      },
      sendEvents: (request: SendEventsRequest, caller: Caller) => {
        if (!caller.scopes.has("admin")) permitEvents(request, caller);
        options.allowance.spend(caller, countEventDestinations(request));
      },
      watchEvents: narrow,
      listEvents: narrow,
      createSubscription: narrowNew,
      updateSubscription: narrowChange,
    };
    this.#byMethod = rules as unknown as Readonly<Record<string, RequestRule>>;
  }

  /** The rule of a method by its local name; undefined when nothing is asked of its requests. */
  of(method: string): RequestRule | undefined {
    return this.#byMethod[method];
  }

  /** A call of SendMessages, or a send of a stream. */
  send(request: SendMessagesRequest, caller: Caller): void {
    this.#permit(request, caller);
    if (request.requestId !== undefined) request.requestId = ownedRequestId(caller, request.requestId);
  }

  /** What is refused takes nothing off the allowance. */
  #permit(request: MessagesToSend, caller: Caller): void {
    if (!caller.scopes.has("admin")) permitMessages(request, caller, this.#options.defaults);
    this.#options.allowance.spend(caller, countDestinations(request));
  }
}

function narrow(request: WatchEventsRequest | ListEventsRequest, caller: Caller): void {
  if (isNarrow(caller)) request.filter = narrowFilter(request.filter, caller, "filter");
}

function narrowNew({ subscription }: CreateSubscriptionRequest, caller: Caller): void {
  if (subscription === undefined || !isNarrow(caller)) return;
  subscription.filter = narrowFilter(subscription.filter, caller, "subscription.filter");
}

/** A filter that is named and not set would go back to everything. */
function narrowChange({ subscription, updateMask }: UpdateSubscriptionRequest, caller: Caller): void {
  if (subscription === undefined || !isNarrow(caller)) return;
  const paths = updateMask?.paths ?? [];
  const isNamed = paths.some((path) => path === "*" || path === "filter");
  if (subscription.filter === undefined && !isNamed) return;
  subscription.filter = narrowFilter(subscription.filter, caller, "subscription.filter");
}
