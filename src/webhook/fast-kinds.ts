import { DeliveryResultSchema } from "../../gen/infobip/events/v1/delivery_report_pb.js";
import { EventSchema } from "../../gen/infobip/events/v1/event_pb.js";
import { SeenResultSchema } from "../../gen/infobip/events/v1/seen_report_pb.js";
import { type TranscodePlan, transcodePlanOf } from "../infobip/codec/transcode-plan.ts";
import type { ReportKind } from "./report-kind.ts";

/** How the payload of a kind of report is transcoded. */
export interface FastKind {
  readonly kind: "DELIVERY" | "SEEN";
  readonly plan: TranscodePlan;
  /** Tag of the payload's field in Event. */
  readonly payloadTag: number;
}

const LENGTH_DELIMITED = 2;
const DELIVERY = toFastKind(
  "DELIVERY",
  transcodePlanOf(DeliveryResultSchema),
  EventSchema.field.deliveryReport,
);
const SEEN = toFastKind("SEEN", transcodePlanOf(SeenResultSchema), EventSchema.field.seenReport);

/** The plan of a kind; undefined for kinds whose payloads are read into messages. */
export function fastKindOf(kind: ReportKind | undefined): FastKind | undefined {
  if (kind === "DELIVERY") return DELIVERY;
  return kind === "SEEN" ? SEEN : undefined;
}

function toFastKind(
  kind: FastKind["kind"],
  plan: TranscodePlan | undefined,
  field: { readonly number: number },
): FastKind | undefined {
  return plan && { kind, plan, payloadTag: field.number * 8 + LENGTH_DELIMITED };
}
