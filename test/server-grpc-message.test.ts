import { Code } from "@connectrpc/connect";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ServiceError } from "../src/errors.ts";
import { encodeStatusMessage } from "../src/server/grpc-message.ts";
import { CLIENTS, failure } from "./server-clients.ts";
import { Rig, validRequest } from "./server-rig.ts";

describe("encodeStatusMessage", () => {
  it.each([
    ["plain: a, b; c = {d}", "plain: a, b; c = {d}"],
    ["100 %", "100 %25"],
    ["žena\n", "%C5%BEena%0A"],
    ["\ud800", "%EF%BF%BD"],
  ])("%j", (text, encoded) => {
    expect(encodeStatusMessage(text)).toBe(encoded);
  });
});

describe.each(CLIENTS)("%s", (_name, makeClient) => {
  let rig: Rig;
  beforeEach(async () => {
    rig = await Rig.start();
  });
  afterEach(async () => {
    await rig[Symbol.asyncDispose]();
  });

  it("reads the text of an error as it was written", async () => {
    using client = makeClient(rig);
    rig.behaviour.send = async () => {
      throw new ServiceError(Code.InvalidArgument, "REQUEST_INVALID", "a rule: 100 %, čitaj; [x]");
    };
    expect((await failure(client.send(validRequest()))).message).toBe("a rule: 100 %, čitaj; [x]");
  });
});
