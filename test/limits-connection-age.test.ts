import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { ManualTimer } from "./fixtures/manual-timer.ts";
import { callOver, GRPC_HEADERS, grpcRequest, openSession, SEND } from "./fixtures/tls-rig.ts";
import { readToEnd } from "./fixtures/webhook-target.ts";
import { echo, Rig, signalled } from "./server-rig.ts";

const AGE_MS = 60_000;
const GRACE_MS = 5_000;

/** An HTTP listener on a clock of the test's own, and a call that waits for its answer. */
async function startRig() {
  const timer = new ManualTimer();
  const limits = { maxConnectionAgeMs: AGE_MS, maxConnectionAgeGraceMs: GRACE_MS };
  const rig = await Rig.start({ timer, httpLimits: limits });
  onTestFinished(() => rig[Symbol.asyncDispose]());
  const begun = signalled();
  const answer = signalled();
  const hold = () => {
    rig.behaviour.send = async (message) => {
      begun.fire();
      await answer.promise;
      return echo(message);
    };
  };
  return { rig, timer, hold, begun: begun.promise, answer: answer.fire };
}

describe("an HTTP/2 connection of the HTTP listener", () => {
  test("gets a GOAWAY at its age; its call ends in peace, and then it closes", async () => {
    const { rig, timer, hold, begun, answer } = await startRig();
    const session = openSession(rig.httpAddress);
    expect(await callOver(session)).toBe("0");
    hold();
    const kept = callOver(session);
    await begun;
    timer.advance(AGE_MS - 1);
    expect(session.closed).toBe(false);
    const goaway = once(session, "goaway");
    timer.advance(1);
    const [code, , text] = await goaway;
    expect([code, String(text)]).toEqual([0, "max_age"]);
    const closed = once(session, "close");
    answer();
    expect(await kept).toBe("0");
    await closed;
    // Nothing is left to be done for it.
    await expect.poll(() => timer.size).toBe(0);
  });

  test("is cut when its calls last longer than the grace", async () => {
    const { rig, timer, hold, begun } = await startRig();
    hold();
    const session = openSession(rig.httpAddress);
    const stream = session.request(GRPC_HEADERS);
    stream.on("error", () => undefined).end(grpcRequest());
    await begun;
    timer.advance(AGE_MS);
    await once(session, "goaway");
    expect(stream.destroyed).toBe(false);
    const closed = once(session, "close");
    timer.advance(GRACE_MS);
    await closed;
  });
});

describe("an HTTP/1.1 connection of the HTTP listener", () => {
  test("closes at its age when it is idle", async () => {
    const { rig, timer } = await startRig();
    const [host = "", port] = rig.httpAddress.split(":");
    const socket = connect(Number(port), host);
    socket.write(`GET ${SEND} HTTP/1.1\r\nhost: x\r\n\r\n`);
    await once(socket, "data");
    timer.advance(AGE_MS);
    await readToEnd(socket);
    // Nothing is left to be done for it.
    await expect.poll(() => timer.size).toBe(0);
  });

  test("closes with the answer of the call that is on it", async () => {
    const { rig, timer, hold, begun, answer } = await startRig();
    hold();
    const agent = new Agent({ keepAlive: true });
    onTestFinished(() => agent.destroy());
    const [host, port] = rig.httpAddress.split(":");
    const headers = { "content-type": "application/json" };
    const outgoing = request({ host, port, method: "POST", path: SEND, agent, headers });
    outgoing.end(
      '{"messages":[{"message":{"channel":"CHANNEL_SMS","destinations":[{"toDestination":{"to":"385000000000"}}],"content":{"body":{"text":{"text":"hi"}}}}}]}',
    );
    await begun;
    timer.advance(AGE_MS);
    const [socket] = Object.values(agent.sockets).flat();
    const closed = once(socket as NonNullable<typeof socket>, "close");
    const answered = once(outgoing, "response");
    answer();
    const [response] = await answered;
    expect(response.statusCode).toBe(200);
    response.resume();
    await closed;
  });
});

test("the gRPC listener asks connections to end at their age too", async () => {
  const limits = { maxConnectionAgeMs: 100, maxConnectionAgeGraceMs: 5_000 };
  const rig = await Rig.start({ grpcLimits: limits });
  onTestFinished(() => rig[Symbol.asyncDispose]());
  const session = openSession(rig.grpcAddress);
  const [code, , text] = await once(session, "goaway");
  expect([code, String(text)]).toEqual([0, "max_age"]);
});
