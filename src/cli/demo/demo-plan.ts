import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { Channel } from "../../../gen/infobip/messages/v1/channel_pb.js";
import type { MessageSchema } from "../../../gen/infobip/messages/v1/message_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesRequestSchema,
} from "../../../gen/infobip/messages/v1/send_messages_pb.js";

/** What the demo sends and what must come back. Addresses that end so make the simulator behave so. */
interface Scenario {
  readonly channel: Channel;
  /** Last five digits of the destination: docs/simulator.md. */
  readonly suffix: string;
  readonly text: string;
  /** Channel to fail over to. */
  readonly failover?: Channel;
  /** A seen report must come. */
  readonly isSeen?: boolean;
  /** The recipient must answer. */
  readonly isAnswered?: boolean;
}

const SCENARIOS: readonly Scenario[] = [
  { channel: Channel.SMS, suffix: "99000", text: "Your parcel is on its way." },
  { channel: Channel.WHATSAPP, suffix: "99001", text: "Your table is booked for eight.", isSeen: true },
  { channel: Channel.RCS, suffix: "99001", text: "Boarding starts at gate 12.", isSeen: true },
  { channel: Channel.VIBER_BM, suffix: "99012", text: "Your code is ready.", failover: Channel.SMS },
  { channel: Channel.SMS, suffix: "99002", text: "Your invoice is ready." },
  { channel: Channel.MMS, suffix: "99008", text: "A picture of your order." },
  { channel: Channel.WHATSAPP, suffix: "99013", text: "Shall we call you back?", isAnswered: true },
  { channel: Channel.VIBER_BM, suffix: "99017", text: "Your driver is here.", isSeen: true },
  { channel: Channel.SMS, suffix: "99003", text: "Your session ends soon." },
  { channel: Channel.RCS, suffix: "99009", text: "Your seat has changed." },
  { channel: Channel.SMS, suffix: "99007", text: "Your appointment is tomorrow." },
  { channel: Channel.MESSENGER, suffix: "99000", text: "Thanks for your question." },
  { channel: Channel.SMS, suffix: "99004", text: "Your subscription was renewed." },
  { channel: Channel.APPLE_MB, suffix: "99010", text: "Your repair is done." },
  { channel: Channel.SMS, suffix: "99006", text: "Your meter reading is due." },
  { channel: Channel.WHATSAPP, suffix: "99005", text: "Rate your stay." },
];

/** One message of the demo. */
export interface DemoMessage {
  readonly messageId: string;
  readonly channel: Channel;
  readonly request: SendMessagesRequest;
  readonly isSeen: boolean;
  readonly isAnswered: boolean;
}

/** The demo's messages: the scenarios in turn, as often as it takes. */
export function demoMessages(count: number): DemoMessage[] {
  return Array.from({ length: count }, (_, index) => {
    const scenario = SCENARIOS[index % SCENARIOS.length] as Scenario;
    const messageId = `demo-${String(index + 1).padStart(4, "0")}`;
    return {
      messageId,
      channel: scenario.channel,
      request: create(SendMessagesRequestSchema, {
        messages: [{ kind: { case: "message", value: messageOf(scenario, messageId, index) } }],
      }),
      isSeen: scenario.isSeen === true,
      isAnswered: scenario.isAnswered === true,
    };
  });
}

function messageOf(
  scenario: Scenario,
  messageId: string,
  index: number,
): MessageInitShape<typeof MessageSchema> {
  const { channel, failover, suffix, text } = scenario;
  const to = `4179${String(index % 10_000).padStart(4, "0")}${suffix}`;
  const content = { body: { type: { case: "text" as const, value: { text } } } };
  const common = {
    channel,
    sender: "InfobipRpc",
    content,
    webhooks: { delivery: { intermediateReport: true } },
  };
  if (failover === undefined) {
    return {
      ...common,
      destinations: [{ kind: { case: "toDestination" as const, value: { to, messageId } } }],
    };
  }
  const byChannel = [channel, failover].map((each) => ({ channel: each, to }));
  return {
    ...common,
    destinations: [{ kind: { case: "channelsDestination" as const, value: { messageId, byChannel } } }],
    failover: [
      { kind: { case: "failover" as const, value: { channel: failover, sender: "InfobipRpc", content } } },
    ],
  };
}
