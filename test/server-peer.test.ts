import { Agent, request } from "node:http";
import { create, toJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  SendMessagesRequestSchema,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import { CLIENTS } from "./server-clients.ts";
import { Rig, validRequest } from "./server-rig.ts";

let rig: Rig;
let peers: (string | undefined)[] = [];

beforeAll(async () => {
  rig = await Rig.start();
  rig.behaviour.send = async (_request, context) => {
    peers.push(context.peer);
    return create(SendMessagesResponseSchema);
  };
});

afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

function expectTwoConnections(): void {
  const [first, , second] = peers;
  expect(first).toBeTruthy();
  expect(second).toBeTruthy();
  expect(first).not.toBe(second);
  expect(peers).toEqual([first, first, second, second]);
  peers = [];
}

const OVER_HTTP2 = CLIENTS.filter(([name]) => !name.includes("1.1"));

test.each(OVER_HTTP2)(
  "%s: calls of one connection have one peer, and those of another one another",
  async (_name, makeClient) => {
    for (let client = 0; client < 2; client++) {
      using connected = makeClient(rig);
      await connected.send(validRequest());
      await connected.send(validRequest());
    }
    expectTwoConnections();
  },
);

test("over HTTP/1.1 too", async () => {
  for (let client = 0; client < 2; client++) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    await post(agent);
    await post(agent);
    agent.destroy();
  }
  expectTwoConnections();
});

function post(agent: Agent): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const sent = request(`http://${rig.httpAddress}/infobip.messages.v1.MessagesService/SendMessages`, {
    agent,
    method: "POST",
    headers: { "content-type": "application/json" },
  });
  sent.on("error", reject);
  sent.on("response", (response) => {
    expect(response.statusCode).toBe(200);
    response.resume().on("end", resolve);
  });
  sent.end(toJsonString(SendMessagesRequestSchema, validRequest()));
  return promise;
}
