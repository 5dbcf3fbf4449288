import type { IncomingMessage } from "node:http";
import type { BodyLease } from "./body-budget.ts";
import { BodyCollector } from "./body-collector.ts";
import { inflateBody } from "./inflate-body.ts";

/** The sender went away before its body was complete: there is nobody to answer. */
export class SenderGone extends Error {
  override readonly name = "SenderGone";
}

/** Whether a request announces a body. */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers["transfer-encoding"] !== undefined || declaredLength(request) !== 0;
}

/** Length that the request announces; undefined when it comes in chunks. */
function declaredLength(request: IncomingMessage): number | undefined {
  if (request.headers["transfer-encoding"] !== undefined) return undefined;
  return Number(request.headers["content-length"] ?? 0);
}

/**
 * Makes room for the body that the request announces, before any of it is
 * read. Throws a WebhookRefusal: 413 over the limit, 503 over the budget.
 */
export function openBody(request: IncomingMessage, maxBytes: number, lease: BodyLease): BodyCollector {
  const collector = new BodyCollector(maxBytes, lease);
  collector.reserve(declaredLength(request) ?? Math.min(1, maxBytes));
  return collector;
}

/** Undoes the content encoding of a body, within the limit. Throws a WebhookRefusal. */
export function decodeBody(
  request: IncomingMessage,
  sent: Uint8Array,
  maxBytes: number,
  lease: BodyLease,
): Promise<Uint8Array> {
  const encoding = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  return inflateBody(sent, encoding, maxBytes, lease);
}

/**
 * Reads the whole body as it was sent. Throws a WebhookRefusal, or
 * {@link SenderGone}. After a refusal the request is left paused and unread:
 * the listener decides what becomes of the rest.
 */
export function readBody(request: IncomingMessage, collector: BodyCollector): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      request.off("data", onData).off("end", onEnd).off("close", onGone).off("error", onGone);
      request.pause();
      act();
    };
    const onData = (piece: Buffer) => {
      try {
        collector.add(piece);
      } catch (refusal) {
        settle(() => reject(refusal));
      }
    };
    const onEnd = () => settle(() => resolve(collector.bytes));
    const onGone = () => settle(() => reject(new SenderGone("the sender went away")));
    request.on("data", onData).on("end", onEnd).on("close", onGone).on("error", onGone);
  });
}
