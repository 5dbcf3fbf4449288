import { trace as spans } from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { SamplerConfig } from "../../config/traces-config.ts";

/** The sampler that the configuration names. */
export function createSampler({ followsCaller, ratio }: SamplerConfig): Sampler {
  const root = rootSampler(ratio);
  return linkedSampler(followsCaller ? new ParentBasedSampler({ root }) : root);
}

function rootSampler(ratio: number): Sampler {
  if (ratio >= 1) return new AlwaysOnSampler();
  return ratio <= 0 ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
}

/**
 * Decides about a span that has links and no parent as about a child of each
 * of them: it is kept when one of those would be. So a request that several
 * calls share is seen whenever one of the calls is, and not otherwise.
 */
export function linkedSampler(base: Sampler): Sampler {
  return {
    shouldSample(context, traceId, name, kind, attributes, links) {
      if (links.length === 0 || spans.getSpanContext(context) !== undefined) {
        return base.shouldSample(context, traceId, name, kind, attributes, links);
      }
      const isKept = links.some(({ context: linked }) => {
        const child = spans.setSpanContext(context, linked);
        const { decision } = base.shouldSample(child, linked.traceId, name, kind, attributes, []);
        return decision === SamplingDecision.RECORD_AND_SAMPLED;
      });
      return { decision: isKept ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
    },
    toString: () => `Linked{${base.toString()}}`,
  };
}
