import { type Attributes, SpanKind, SpanStatusCode, type Tracer } from "@opentelemetry/api";
import { ServiceError } from "../../errors.ts";
import type { IntakeObserver } from "../../webhook/intake-trace.ts";
import { WebhookRefusal } from "../../webhook/webhook-answer.ts";
import { ATTRIBUTE } from "../conventions.ts";
import { linksTo, parentContext } from "./span-contexts.ts";

/** What Infobip is called as a messaging system. */
const SYSTEM = "infobip";

// Of OpenTelemetry's conventions for messaging.
const SYSTEM_NAME = "messaging.system.name";
const OPERATION_NAME = "messaging.operation.name";
const OPERATION_TYPE = "messaging.operation.type";
const DESTINATION_NAME = "messaging.destination.name";
const BATCH_COUNT = "messaging.batch.message_count";

/**
 * Makes a CONSUMER span of each body of a webhook or a fetch, from when its
 * reading begins until its events are stored, with links to the calls that
 * sent the messages which it tells of. Its time is known before its links are,
 * so it is made at its end. `now` gives Unix milliseconds with fractions.
 */
export function bodySpans(tracer: Tracer, now: () => number): IntakeObserver {
  return (route) => {
    const startTime = now();
    return ({ items, traceParents, error }) => {
      const attributes: Attributes = {
        [SYSTEM_NAME]: SYSTEM,
        [OPERATION_NAME]: "process",
        [OPERATION_TYPE]: "process",
        [DESTINATION_NAME]: route,
        [BATCH_COUNT]: items,
      };
      const links = linksTo(traceParents.map((traceparent) => ({ traceparent })));
      const options = { kind: SpanKind.CONSUMER, startTime, attributes, links };
      const span = tracer.startSpan(`process ${route}`, options, parentContext(undefined, false));
      if (error !== undefined) {
        span.setAttribute(ATTRIBUTE.errorType, errorTypeOf(error));
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end(now());
    };
  };
}

function errorTypeOf(error: unknown): string {
  return error instanceof WebhookRefusal || error instanceof ServiceError ? error.reason : "_OTHER";
}
