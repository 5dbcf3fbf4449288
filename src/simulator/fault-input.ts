import * as z from "zod";
import { ENDPOINTS, FAULT_KINDS, type FaultRule } from "./fault.ts";
import { MAX_FAULT_RULES, MAX_VIOLATIONS } from "./limits.ts";

const MAX_DURATION_MS = 600_000;

const ruleSchema = z.strictObject({
  kind: z.enum(FAULT_KINDS),
  count: z.int().min(1).optional(),
  probability: z.number().min(0).max(1).optional(),
  endpoints: z.array(z.enum(ENDPOINTS)).min(1).optional(),
  accept: z.boolean().optional(),
  retryAfterSeconds: z.int().min(0).optional(),
  violations: z
    .array(z.strictObject({ property: z.string(), violation: z.string() }))
    .max(MAX_VIOLATIONS)
    .optional(),
  style: z.enum(["api-error", "legacy"]).optional(),
  durationMs: z.number().min(0).max(MAX_DURATION_MS).optional(),
}) satisfies z.ZodType<FaultRule>;

/**
 * Reads one fault rule or a list of them.
 * @throws ZodError that names what is wrong.
 */
export function readFaultRules(input: unknown): FaultRule[] {
  return Array.isArray(input)
    ? z.array(ruleSchema).max(MAX_FAULT_RULES).parse(input)
    : [ruleSchema.parse(input)];
}
