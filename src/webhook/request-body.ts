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
export function declaredLength(request: IncomingMessage): number | undefined {
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

/**
 * Reads the whole body and undoes its content encoding, within the limit.
 * Throws a WebhookRefusal, or {@link SenderGone}.
 */
export async function readBody(
  request: IncomingMessage,
  collector: BodyCollector,
  maxBytes: number,
  lease: BodyLease,
): Promise<Uint8Array> {
  const sent = await collect(request, collector);
  const encoding = (request.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  return inflateBody(sent, encoding, maxBytes, lease);
}

/** After a refusal the request is left paused and unread: the listener decides what becomes of the rest. */
function collect(request: IncomingMessage, collector: BodyCollector): Promise<Uint8Array> {
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
