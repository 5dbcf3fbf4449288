import { create, fromBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { EventSchema } from "../../gen/infobip/events/v1/event_pb.js";
import {
  type DeadLetter,
  DeadLetterSchema,
  DeliveryFailure,
} from "../../gen/infobip/events/v1/subscription_pb.js";
import {
  ListDeadLettersRequestSchema,
  ListDeadLettersResponseSchema,
} from "../../gen/infobip/events/v1/subscription_requests_pb.js";
import type { DeadLetterRecord } from "../eventlog/subscription-engine.ts";
import { EventPage, MAX_PAGE_BYTES } from "./event-page.ts";
import { argumentsDigest, decodePageToken, encodePageToken, PageKind } from "./page-token.ts";
import type { EventsMethod, SubscriptionContext } from "./subscription-context.ts";
import { deadLetterName, subscriptionId } from "./subscription-names.ts";

/** Makes the implementation of EventsService.ListDeadLetters. */
export function createListDeadLetters({ engine }: SubscriptionContext): EventsMethod<"listDeadLetters"> {
  return async (request) => {
    const { parent, pageSize, pageToken, includeRawBody } = request;
    const digest = argumentsDigest(ListDeadLettersRequestSchema, request);
    const after = pageToken === "" ? 0 : Number(decodePageToken(PageKind.DEAD_LETTERS, pageToken, digest));
    const page = new EventPage(pageSize);
    const limit = page.room + 1;
    const includeRaw = includeRawBody ?? false;
    const found = await engine.deadLetters(subscriptionId(parent), after, {
      limit,
      maxBytes: MAX_PAGE_BYTES,
      includeRaw,
    });
    const taken = found.filter(({ record }) => page.add(record));
    const isLast = taken.length === found.length && found.length < limit && page.byteRoom > 0;
    const last = taken.at(-1)?.record.sequence;
    return create(ListDeadLettersResponseSchema, {
      deadLetters: taken.map((deadLetter) => describe(parent, deadLetter)),
      nextPageToken:
        isLast || last === undefined ? "" : encodePageToken(PageKind.DEAD_LETTERS, String(last), digest),
    });
  };
}

function describe(parent: string, deadLetter: DeadLetterRecord): DeadLetter {
  const { record, attempts, deadTimeMs, lastFailure, redriven } = deadLetter;
  return create(DeadLetterSchema, {
    name: deadLetterName(parent, record.sequence),
    event: fromBinary(EventSchema, record.encoded),
    attempts,
    deadTime: timestampFromMs(deadTimeMs),
    lastFailure: DeliveryFailure[lastFailure],
    redriven,
  });
}
