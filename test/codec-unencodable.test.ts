import { create } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { RequestSchedulingSettingsSchema } from "../gen/infobip/messages/v1/request_options_pb.js";
import { TemplateFlowButtonSchema } from "../gen/infobip/messages/v1/template_button_pb.js";
import { encodeRest, UnencodableError } from "../src/infobip/codec/encode.ts";

it.each([Number.NaN, Number.POSITIVE_INFINITY])("refuses %s in free-form JSON, at any depth", (number) => {
  const button = create(TemplateFlowButtonSchema, { data: { deep: [{ er: number }] } });
  expect(() => encodeRest(TemplateFlowButtonSchema, button)).toThrow(new UnencodableError("data"));
});

it("refuses an instant that is none", () => {
  const settings = create(RequestSchedulingSettingsSchema, { sendAt: { seconds: 0n, nanos: -5 } });
  expect(() => encodeRest(RequestSchedulingSettingsSchema, settings)).toThrow(
    new UnencodableError("send_at"),
  );
});
