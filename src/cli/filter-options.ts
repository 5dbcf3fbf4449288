import { create } from "@bufbuild/protobuf";
import type { Command } from "commander";
import { type EventFilter, EventFilterSchema } from "../../gen/infobip/events/v1/event_filter_pb.js";
import { EventTypeSchema } from "../../gen/infobip/events/v1/event_pb.js";
import { ChannelSchema } from "../../gen/infobip/messages/v1/channel_pb.js";
import { enumNumber } from "./enum-names.ts";
import { listOption, repeatedOption } from "./option-values.ts";

/** Flags that choose events. */
export interface FilterOptions {
  readonly type?: readonly string[];
  readonly channel?: readonly string[];
  readonly messageId?: readonly string[];
  readonly bulkId?: readonly string[];
  readonly sender?: readonly string[];
  readonly destination?: readonly string[];
  readonly applicationId?: readonly string[];
  readonly entityId?: readonly string[];
  readonly finalOnly?: boolean;
}

/** Adds the flags that choose events. */
export function addFilterOptions(command: Command): Command {
  return command
    .option(
      "--type <types>",
      "only these kinds of event, such as delivery_report,seen_report,click,send_result,submission",
      listOption,
    )
    .option("--channel <channels>", "only these channels, such as sms,whatsapp", listOption)
    .option("--message-id <id>", "only this message; repeatable", repeatedOption)
    .option("--bulk-id <id>", "only this bulk; repeatable", repeatedOption)
    .option("--sender <sender>", "only this sender; repeatable", repeatedOption)
    .option("--destination <address>", "only this destination; repeatable", repeatedOption)
    .option("--application-id <id>", "only this CPaaS X application; repeatable", repeatedOption)
    .option("--entity-id <id>", "only this CPaaS X entity; repeatable", repeatedOption)
    .option("--final-only", "only events after which no report of the message is expected");
}

/** The filter that the flags describe. Throws a usage error for a kind or channel that is not known. */
export function filterOf(options: FilterOptions): EventFilter {
  return create(EventFilterSchema, {
    types: options.type?.map((name) => enumNumber(EventTypeSchema, name)),
    channels: options.channel?.map((name) => enumNumber(ChannelSchema, name)),
    messageIds: options.messageId && [...options.messageId],
    bulkIds: options.bulkId && [...options.bulkId],
    senders: options.sender && [...options.sender],
    destinations: options.destination && [...options.destination],
    applicationIds: options.applicationId && [...options.applicationId],
    entityIds: options.entityId && [...options.entityId],
    finalOnly: options.finalOnly,
  });
}
