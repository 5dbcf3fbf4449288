import type { JsonObject } from "@bufbuild/protobuf";
import type {
  MessageFormBody,
  MessageFormPage,
  MessageSelectFormPage,
} from "../../gen/infobip/messages/v1/message_form_pb.js";
import type {
  MessageListSection,
  MessageProductBody,
} from "../../gen/infobip/messages/v1/message_list_pb.js";
import { type CelPredicate, celPredicate } from "./cel-predicate.ts";
import { hasRepeats } from "./repeats.ts";

const AMOUNTS = [
  "MessageOrderItem.amount",
  "MessageOrderItem.sale_amount",
  "DescriptiveTotalAmount.value",
  "MessagePayment.subtotal",
  "MessageDescriptiveTaxAmount.value",
  "MessageDescriptiveDiscountAmount.value",
  "MessageShipping.amount",
];
const MAX_LIST_ITEMS = 100;
/** Amounts of this size and above are not looked at. */
const HUGE_AMOUNT = 10_000_000_000;
const THREE_DS = 1;
const APPLE_PAY_NETWORKS: ReadonlySet<number> = new Set([1, 3, 7, 8, 9]);
/** Nesting of free-form data that is certainly no trouble to protovalidate. */
const MAX_SURE_DEPTH = 50;

/** Rules of what messages hold. */
export const CONTENT_PREDICATES: readonly CelPredicate[] = [
  celPredicate<MessageListSection>(
    "list_item_ids_unique",
    ["MessageListSection"],
    "size(this.items) > 100 || this.items.filter(i, has(i.id)).map(i, i.id).unique()",
    ({ items }) => {
      const named = items.filter(({ id }) => id !== undefined);
      return items.length > MAX_LIST_ITEMS || !hasRepeats(named, ({ id }) => id);
    },
  ),
  celPredicate<MessageProductBody>(
    "product_sections_titled",
    ["MessageProductBody"],
    "size(this.sections) <= 1 || this.sections.all(s, has(s.title))",
    ({ sections }) => sections.length <= 1 || sections.every(({ title }) => title !== undefined),
  ),
  celPredicate<JsonObject>(
    "flow_data_not_empty",
    ["MessageFlowActionPayload.data"],
    "size(this) > 0",
    (data) => Object.keys(data).length > 0 && isShallow(data, MAX_SURE_DEPTH),
  ),
  celPredicate<number>(
    "two_decimal_places",
    AMOUNTS,
    "!(this > -10000000000.0 && this < 10000000000.0) || (this * 100.0 - double(int(this * 100.0 + (this < 0.0 ? -0.5 : 0.5))) < 0.001 && this * 100.0 - double(int(this * 100.0 + (this < 0.0 ? -0.5 : 0.5))) > -0.001)",
    hasTwoDecimals,
  ),
  celPredicate<readonly number[]>(
    "apple_pay_requires_3ds",
    ["MessageApplePayPaymentConfiguration.merchant_capabilities"],
    "size(this) == 0 || 1 in this",
    (capabilities) => capabilities.length === 0 || capabilities.includes(THREE_DS),
  ),
  celPredicate<readonly number[]>(
    "apple_pay_networks",
    ["MessageApplePayPaymentConfiguration.supported_networks"],
    "size(this) == 0 || this.exists(n, n in [1, 3, 7, 8, 9])",
    (networks) => networks.length === 0 || networks.some((network) => APPLE_PAY_NETWORKS.has(network)),
  ),
  celPredicate<MessageFormBody>(
    "form_start_page_exists",
    ["MessageFormBody"],
    "this.pages.exists(p, (has(p.select) && p.select.page_identifier == this.start_page_identifier) || (has(p.picker) && p.picker.page_identifier == this.start_page_identifier) || (has(p.date_picker) && p.date_picker.page_identifier == this.start_page_identifier) || (has(p.input) && p.input.page_identifier == this.start_page_identifier))",
    ({ pages, startPageIdentifier = "" }) => pages.some((page) => identifierOf(page) === startPageIdentifier),
  ),
  celPredicate<MessageSelectFormPage>(
    "select_item_next_page",
    ["MessageSelectFormPage"],
    "!has(this.multiple_selection) || !this.multiple_selection || this.items.all(i, !has(i.next_page_identifier))",
    ({ multipleSelection, items }) =>
      !multipleSelection || items.every(({ nextPageIdentifier }) => nextPageIdentifier === undefined),
  ),
  celPredicate<Readonly<Record<string, string>>>(
    "placeholder_key_type_reserved",
    ["TemplateTextHeader.placeholders", "TemplateTextBody.placeholders"],
    "!('type' in this)",
    (placeholders) => !Object.hasOwn(placeholders, "type"),
  ),
];

/** undefined for a page that has none. */
function identifierOf({ type }: MessageFormPage): string | undefined {
  if (type.case === undefined || type.case === "intro") return undefined;
  return type.value.pageIdentifier ?? "";
}

function hasTwoDecimals(amount: number): boolean {
  if (!(amount > -HUGE_AMOUNT && amount < HUGE_AMOUNT)) return true;
  const hundredths = amount * 100;
  const rest = hundredths - Math.trunc(hundredths + (amount < 0 ? -0.5 : 0.5));
  return rest < 0.001 && rest > -0.001;
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depth > 0 && Object.values(value).every((inner) => isShallow(inner, depth - 1));
}
