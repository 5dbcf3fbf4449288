import * as z from "zod";
import { type CallbackItem, INBOUND_CHANNELS, TYPING_CHANNELS } from "./callback-bodies.ts";
import { formatInstant } from "./date-format.ts";

const MAX_CONTENT_PARTS = 50;
const address = z.string().min(1).max(1_000);
const platform = z.strictObject({ entityId: z.string().optional(), applicationId: z.string().optional() });
const shared = {
  sender: address,
  destination: address,
  pairedMessageId: z.string().optional(),
  callbackData: z.string().optional(),
  platform: platform.optional(),
  messageId: z.string().optional(),
};

/** A message to come in, as the control endpoint takes it. */
export const inboundSchema = z
  .strictObject({
    channel: z.enum([...INBOUND_CHANNELS]),
    ...shared,
    text: z.string().optional(),
    content: z
      .array(z.looseObject({ type: z.string() }))
      .min(1)
      .max(MAX_CONTENT_PARTS)
      .optional(),
    campaignReferenceId: z.string().optional(),
    correlationData: z.string().optional(),
  })
  .refine((input) => (input.text === undefined) !== (input.content === undefined), {
    message: "give text or content, one of them",
  });

/** A typing event to come in, as the control endpoint takes it. */
export const typingSchema = z
  .strictObject({
    event: z.enum(["TYPING_STARTED", "TYPING_STOPPED"]).default("TYPING_STARTED"),
    channel: z.string(),
    ...shared,
  })
  .refine((input) => TYPING_CHANNELS[input.event].has(input.channel), {
    message:
      "the channel has no such event: TYPING_STARTED is for APPLE_MB and RCS, TYPING_STOPPED for APPLE_MB",
  });

/** A message that a recipient sends: `text`, or `content` as Infobip's inbound webhook holds it. */
export type InboundInput = z.input<typeof inboundSchema>;
/** A typing event that a recipient causes. */
export type TypingInput = z.input<typeof typingSchema>;

/** Makes the webhook item of an inbound message. */
export function inboundItem(input: InboundInput, nowMs: number, nextId: () => string): CallbackItem {
  const { text, content, correlationData, messageId, ...rest } = inboundSchema.parse(input);
  return {
    channel: rest.channel,
    sender: rest.sender,
    destination: rest.destination,
    content: content ?? [{ text, cleanText: text, type: "TEXT" }],
    receivedAt: formatInstant(nowMs),
    messageId: messageId ?? nextId(),
    pairedMessageId: rest.pairedMessageId,
    callbackData: rest.callbackData,
    messageCount: 1,
    platform: rest.platform,
    campaignReferenceId: rest.campaignReferenceId,
    metadata: correlationData === undefined ? undefined : { correlationData },
    event: "MO",
  };
}

/** Makes the webhook item of a typing event. */
export function typingInputItem(input: TypingInput, nowMs: number, nextId: () => string): CallbackItem {
  const { event, messageId, ...rest } = typingSchema.parse(input);
  return { ...rest, receivedAt: formatInstant(nowMs), messageId: messageId ?? nextId(), event };
}
