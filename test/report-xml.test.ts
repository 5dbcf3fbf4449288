import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { type Event, EventSchema, EventType } from "../gen/infobip/events/v1/event_pb.js";
import { decodeReportBody } from "../src/infobip/reports/report-body.ts";
import { buildEvents } from "../src/webhook/event-batch.ts";
import { bodyOf, deliveryReport } from "./fixtures/webhook-target.ts";

const PROLOG = '<?xml version="1.0" encoding="UTF-8"?>';

function items(xml: string) {
  return decodeReportBody(Buffer.from(xml), { xml: true });
}

function events(xml: string): Event[] {
  return buildEvents(items(xml), "delivery").map((event) => fromBinary(EventSchema, event.encoded));
}

function wrapped(...reports: string[]): string {
  const list = reports.map((report) => `<results>${report}</results>`).join("\n  ");
  return `${PROLOG}\n<MessagesApiDeliveryReportResponse>\n <results>\n  ${list}\n </results>\n</MessagesApiDeliveryReportResponse>\n`;
}

function toXml(value: object): string {
  return Object.entries(value)
    .map(([name, content]) => `<${name}>${typeof content === "object" ? toXml(content) : content}</${name}>`)
    .join("\n");
}

describe("XML delivery reports", () => {
  test("say the same as their JSON, and are the same event", () => {
    const [fromXml] = events(wrapped(toXml(deliveryReport())));
    const json = buildEvents(items(bodyOf(deliveryReport())), "delivery")[0];
    expect(fromXml).toEqual(json && fromBinary(EventSchema, json.encoded));
  });

  test("come in the other shape too, one or many, with the element's text kept", () => {
    const xml = `<DeliveryReports>\r\n<results>\r\n<result a="1"><messageId>007</messageId></result>\r\n<result><messageId>é</messageId></result></results></DeliveryReports>`;
    expect(events(xml).map((event) => event.messageId)).toEqual(["007", "é"]);
    expect(items(xml).map((item) => Buffer.from(item.raw).toString())).toEqual([
      '<result a="1"><messageId>007</messageId></result>',
      "<result><messageId>é</messageId></result>",
    ]);
    expect(items("<DeliveryReports><results/></DeliveryReports>")).toEqual([]);
  });

  test("numbers and booleans are made only where the field has them", () => {
    const [event] = events(
      wrapped(
        "<messageId>007</messageId><sender> 1e3 </sender><callbackData>true</callbackData><messageCount> 2 </messageCount><mccMnc>x</mccMnc><error><id>5</id><permanent>true</permanent></error>",
      ),
    );
    expect(event?.payload.value).toMatchObject({
      messageId: "007",
      sender: " 1e3 ",
      callbackData: "true",
      messageCount: 2,
      error: { id: 5, permanent: true },
    });
    expect(event?.payload.value).not.toHaveProperty("mccMnc");
  });

  test("white space around what identifies a report makes no other report", () => {
    const spaced = toXml(deliveryReport()).replace(
      /<(event|channel|messageId|doneAt|id|groupId)>(.*?)</g,
      "<$1>\n  $2\t<",
    );
    const [plain, same] = [toXml(deliveryReport()), spaced].map((report) => events(wrapped(report))[0]);
    expect(spaced).not.toBe(toXml(deliveryReport()));
    expect(same?.id).toBe(plain?.id);
    expect(same).toMatchObject({
      messageId: "message-1",
      channel: plain?.channel,
      occurTime: plain?.occurTime,
    });
  });

  test("other elements of the list, and reports nested too deep, are unparsed and spoil nothing", () => {
    const deep = `${"<a>".repeat(70)}${"</a>".repeat(70)}`;
    const built = events(
      `<r><results><result><messageId>a</messageId></result><other>x</other><result>${deep}</result></results></r>`,
    );
    expect(built.map((event) => [event.type, event.messageId])).toEqual([
      [EventType.DELIVERY_REPORT, "a"],
      [EventType.UNPARSED, undefined],
      [EventType.UNPARSED, undefined],
    ]);
    expect(Buffer.from(items("<r><results><other>x</other></results></r>")[0]?.raw ?? []).toString()).toBe(
      "<other>x</other>",
    );
  });

  test("a report that is far too long is unparsed, with all its text", () => {
    const report = `<messageId>a</messageId><callbackData>${"&#65;".repeat(60_000)}</callbackData>`;
    const xml = wrapped(report, "<messageId>b</messageId>");
    expect(events(xml).map((event) => [event.type, event.messageId])).toEqual([
      [EventType.UNPARSED, undefined],
      [EventType.DELIVERY_REPORT, "b"],
    ]);
    expect(items(xml)[0]?.raw).toHaveLength(report.length + "<results></results>".length);
  });

  test("references, CDATA and comments are read as XML has them", () => {
    const [event] = events(
      wrapped(
        "<messageId>a&amp;lt;&#65;&#x42;&#0;&nbsp;</messageId><callbackData>x<![CDATA[<b>&amp;]]><!-- c -->y</callbackData>",
      ),
    );
    expect(event?.messageId).toBe("a&lt;AB&#0;&nbsp;");
    expect(event?.callbackData).toBe("x<b>&amp;y");
  });

  test("a report that is broken inside spoils only itself", () => {
    const built = events(
      wrapped("<messageId>a</messageId>", "<__proto__>1</__proto__>", "words", "<messageId>c</messageId>"),
    );
    expect(built.map((event) => [event.type, event.messageId])).toEqual([
      [EventType.DELIVERY_REPORT, "a"],
      [EventType.UNPARSED, undefined],
      [EventType.UNPARSED, undefined],
      [EventType.DELIVERY_REPORT, "c"],
    ]);
  });

  test("declared entities are never replaced", () => {
    const lol = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join("");
    const type = `<!DOCTYPE r [<!ENTITY plain "words"><!ENTITY l0 "lol">${lol}]>`;
    const xml = (id: string) => `${type}${wrapped(`<messageId>${id}</messageId>`).slice(PROLOG.length)}`;
    expect(events(xml("&l9;&plain;")).map((event) => event.messageId)).toEqual(["&l9;&plain;"]);
  });

  test("external entities make a document that is refused", () => {
    const type = `<!DOCTYPE r [<!ENTITY file SYSTEM "file:///etc/passwd">]>`;
    const xml = `${type}${wrapped("<messageId>&file;</messageId>").slice(PROLOG.length)}`;
    expect(() => items(xml)).toThrow("the body is not XML");
  });

  test.each([
    ["breaks off in the list", wrapped("<messageId>a</messageId>").slice(0, -60)],
    ["breaks off in a report", wrapped("<messageId>a</messageId>").slice(0, 100)],
    ["is nested too deep", "<a>".repeat(200)],
    ["is only a prolog", PROLOG],
  ])("a document that %s is no XML", (_, xml) => {
    expect(() => items(xml)).toThrow("the body is not XML");
  });

  test("large documents of little take time in proportion", () => {
    const count = 300_000;
    for (const part of ["<a", "<!--", "&#65;", "<![CDATA[", "<a/>", "<results>", "'", "\r\n"]) {
      const xml = `<r><results><results>${part.repeat(count)}`;
      const start = performance.now();
      expect(() => items(xml)).toThrow();
      expect(performance.now() - start).toBeLessThan(5_000);
    }
  });
});
