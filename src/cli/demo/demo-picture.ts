import { ChannelSchema } from "../../../gen/infobip/messages/v1/channel_pb.js";
import { enumName } from "../enum-names.ts";
import { paintOf } from "../event-text.ts";
import type { Style } from "../style.ts";
import { alignTable, pad } from "../table.ts";
import type { DemoTally, Funnel, MessageRecord } from "./demo-tally.ts";

/** Final status groups, in the order of the table's columns. */
const STATUSES = ["DELIVERED", "UNDELIVERABLE", "EXPIRED", "REJECTED"] as const;
const MAX_BAR_WIDTH = 50;
const LABEL_WIDTH = 22;
const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of a fraction of `width` columns, to an eighth of a column. */
function bar(fraction: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, fraction)) * width * 8);
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}

/** Messages by the channel of their final report and its status. */
export function statusTable(tally: DemoTally, style: Style): string[] {
  const rows = new Map<string, MessageRecord[]>();
  for (const record of tally.records) {
    const channel = enumName(ChannelSchema, record.finalChannel);
    rows.set(channel, [...(rows.get(channel) ?? []), record]);
  }
  const heading = ["channel", "messages", ...STATUSES, "seen", "answered"].map(style.bold);
  const body = [...rows.keys()].sort().map((channel) => statusRow(channel, rows.get(channel) ?? [], style));
  const total = statusRow("total", tally.records, style).map(style.bold);
  return alignTable([heading, ...body, total], ["left", ...Array<"right">(7).fill("right")]);
}

function statusRow(name: string, records: readonly MessageRecord[], style: Style): string[] {
  const cell = (count: number, paint: (text: string) => string): string =>
    count === 0 ? style.dim("·") : paint(String(count));
  const statuses = STATUSES.map((status) =>
    cell(records.filter((record) => record.finalStatus === status).length, paintOf(status, style)),
  );
  const seen = cell(records.filter((record) => record.isSeen).length, style.info);
  const answered = cell(records.filter((record) => record.isAnswered).length, style.info);
  return [name, String(records.length), ...statuses, seen, answered];
}

/** The road of the messages as bars that get shorter. */
export function funnelPicture(funnel: Funnel, style: Style, columns: number): string[] {
  const width = Math.max(10, Math.min(MAX_BAR_WIDTH, columns - LABEL_WIDTH - 12));
  const steps = [
    ["sent over gRPC", funnel.requested, style.info],
    ["accepted by Infobip", funnel.accepted, style.info],
    ["final report came", funnel.final, style.info],
    ["delivered", funnel.delivered, style.good],
    ["seen", funnel.seen, style.good],
    ["answered", funnel.answered, style.good],
  ] as const;
  return steps.map(([label, count, paint]) => {
    const share = funnel.requested === 0 ? 0 : count / funnel.requested;
    const percent = `${Math.round(share * 100)}%`;
    return `${pad(label, LABEL_WIDTH)}${paint(bar(share, width))} ${count} ${style.dim(percent)}`;
  });
}

/** `[██████    ] 31/40 final`. */
export function progressBar(done: number, total: number, style: Style): string {
  return `[${style.good(pad(bar(total === 0 ? 1 : done / total, 24), 24))}] ${done}/${total} final`;
}
