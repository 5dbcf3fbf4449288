import type {
  BaseFailover,
  BaseMessage,
  Failover,
  Message,
  TemplateFailover,
  TemplateMessage,
} from "../../gen/infobip/messages/v1/message_pb.js";

/** The message inside its union; undefined when none is set. */
export function messageOf(base: BaseMessage): Message | TemplateMessage | undefined {
  return base.kind.value;
}

/** The failover step inside its union; undefined when none is set. */
export function failoverOf(base: BaseFailover): Failover | TemplateFailover | undefined {
  return base.kind.value;
}
