import { create, createFileRegistry, setExtension } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
  MessageOptionsSchema,
} from "@bufbuild/protobuf/wkt";
import {
  file_buf_validate_validate,
  MessageRulesSchema,
  message as messageRules,
} from "@bufbuild/protovalidate/gen/buf/validate/validate_pb.js";
import { expect, test } from "vitest";
import { validate } from "../src/validation.ts";

/** Validates a message `{n: int32}` whose one rule is the expression. */
function judge(expression: string, n: number) {
  const options = create(MessageOptionsSchema);
  const rules = create(MessageRulesSchema, { cel: [{ id: "rule", message: "broken", expression }] });
  setExtension(options, messageRules, rules);
  const name = `M${expression.replace(/\W/g, "_")}`;
  const field = {
    name: "n",
    number: 1,
    type: FieldDescriptorProto_Type.INT32,
    label: FieldDescriptorProto_Label.OPTIONAL,
  };
  const file = create(FileDescriptorProtoSchema, {
    name: `${name}.proto`,
    syntax: "proto3",
    dependency: [file_buf_validate_validate.proto.name],
    messageType: [{ name, field: [field], options }],
  });
  const registry = createFileRegistry(file, (path) =>
    path === file_buf_validate_validate.proto.name ? file_buf_validate_validate : undefined,
  );
  const schema = registry.getMessage(name);
  if (!schema) throw new Error("the message is missing");
  const subject = reflect(schema);
  const [desc] = schema.fields;
  if (desc) subject.set(desc, n);
  return validate(schema, subject.message);
}

test("a rule that holds, and one that does not", () => {
  expect(judge("10 / this.n == 5", 2)).toEqual([]);
  expect(judge("10 / this.n == 5", 3)).toEqual([{ field: "", description: "broken", reason: "rule" }]);
});

test("a rule that cannot be evaluated for this message is the caller's violation", () => {
  expect(judge("10 / this.n == 5", 0)).toEqual([
    {
      field: "",
      description: "the request is too large or too deep for its rules to be evaluated",
      reason: "rule_evaluation",
    },
  ]);
});

test("a rule that is broken in itself is thrown", () => {
  expect(() => judge("this.", 1)).toThrow(/compile/);
});
