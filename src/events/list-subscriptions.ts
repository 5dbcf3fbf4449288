import { create } from "@bufbuild/protobuf";
import {
  ListSubscriptionsRequestSchema,
  ListSubscriptionsResponseSchema,
} from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import { DEFAULT_PAGE_SIZE } from "./event-page.ts";
import { argumentsDigest, decodePageToken, encodePageToken, PageKind } from "./page-token.ts";
import type { EventsMethod, SubscriptionContext } from "./subscription-context.ts";
import { describeSubscription } from "./subscription-view.ts";

/** Makes the implementation of EventsService.ListSubscriptions. */
export function createListSubscriptions(context: SubscriptionContext): EventsMethod<"listSubscriptions"> {
  return async (request) => {
    const { pageSize, pageToken } = request;
    const digest = argumentsDigest(ListSubscriptionsRequestSchema, request);
    const after = pageToken === "" ? "" : decodePageToken(PageKind.SUBSCRIPTIONS, pageToken, digest);
    const size = pageSize === 0 ? DEFAULT_PAGE_SIZE : pageSize;
    const found = context.engine.list(after, size + 1);
    const page = found.slice(0, size);
    const subscriptions = await Promise.all(page.map((record) => describeSubscription(context, record)));
    const last = page.at(-1);
    const nextPageToken =
      found.length > size && last !== undefined
        ? encodePageToken(PageKind.SUBSCRIPTIONS, last.id, digest)
        : "";
    return create(ListSubscriptionsResponseSchema, { subscriptions, nextPageToken });
  };
}
