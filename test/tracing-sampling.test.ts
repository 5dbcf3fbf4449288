import { ROOT_CONTEXT, SpanKind, trace as spans } from "@opentelemetry/api";
import { SamplingDecision } from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import { createSampler } from "../src/telemetry/tracing/linked-sampler.ts";
import { toSpanContext } from "../src/telemetry/tracing/span-contexts.ts";
import { traceOf } from "./fixtures/traced-message.ts";

const SAMPLED = toSpanContext({ traceparent: traceOf(1).header }, true);
const UNSAMPLED = toSpanContext({ traceparent: traceOf(2, "00").header }, true);
const NEW_TRACE = "0af7651916cd43dd8448eb211c80319c";

type Options = { readonly parent?: typeof SAMPLED; readonly links?: (typeof SAMPLED)[] };

function isKept(followsCaller: boolean, ratio: number, { parent, links = [] }: Options): boolean {
  const context = parent === undefined ? ROOT_CONTEXT : spans.setSpanContext(ROOT_CONTEXT, parent);
  const { decision } = createSampler({ followsCaller, ratio }).shouldSample(
    context,
    parent?.traceId ?? NEW_TRACE,
    "span",
    SpanKind.CLIENT,
    {},
    links.map((linked) => ({ context: linked })),
  );
  return decision === SamplingDecision.RECORD_AND_SAMPLED;
}

test.each([
  // followsCaller, ratio, sampled parent, unsampled parent, root
  [true, 1, true, false, true],
  [true, 0, true, false, false],
  [false, 1, true, true, true],
  [false, 0, false, false, false],
])("follows the caller %s, share %d", (followsCaller, ratio, ofSampled, ofUnsampled, ofRoot) => {
  const kept = (options: Options) => isKept(followsCaller, ratio, options);
  expect(kept({ parent: SAMPLED })).toBe(ofSampled);
  expect(kept({ parent: UNSAMPLED })).toBe(ofUnsampled);
  expect(kept({})).toBe(ofRoot);
  // A span with links is kept when one of those that it links to is.
  expect(kept({ links: [SAMPLED] })).toBe(ofSampled);
  expect(kept({ links: [UNSAMPLED] })).toBe(ofUnsampled);
  expect(kept({ links: [UNSAMPLED, SAMPLED] })).toBe(ofSampled || ofUnsampled);
});

test("keeps a share of the traces that begin here, the same for a call and its requests", () => {
  const kept = Array.from({ length: 2_000 }, (_, n) => {
    const traceId = (BigInt(n + 1) * 0x9e3779b97f4a7c15n * 0xbf58476d1ce4e5b9n)
      .toString(16)
      .padStart(32, "1")
      .slice(-32);
    const linked = { ...SAMPLED, traceId };
    const asParent = isKept(false, 0.25, { parent: linked });
    expect(isKept(false, 0.25, { links: [linked] })).toBe(asParent);
    return asParent;
  }).filter(Boolean).length;
  expect(kept).toBeGreaterThan(350);
  expect(kept).toBeLessThan(650);
});
