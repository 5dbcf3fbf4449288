import { setTimeout as wait } from "node:timers/promises";
import { expect, it } from "vitest";
import { EventType } from "../gen/infobip/events/v1/event_pb.js";
import { SendOutcome } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { connectEvents } from "./crash/events-client.ts";
import { connectMessages } from "./crash/messages-client.ts";
import { messageTo } from "./crash/submission-story.ts";
import { EventsRun } from "./fleet/events-run.ts";
import { FleetUpstream } from "./fleet/fleet-upstream.ts";
import { readyz } from "./fleet/probe.ts";
import { describeNats, startNatsServer, uniquePrefix } from "./nats-server.ts";

const EVENTS = 6_000;
const OUTAGE_MS = 8_000;
const LIMIT_MS = 60_000;
/** Default of `nats.request_timeout`, with what a busy machine adds. */
const LONGEST_ANSWER_MS = 5_000 + 2_000;
/** How long an answer waits for its events to be stored at most, with what a busy machine adds. */
const LONGEST_SEND_MS = 2_000 + 2_500;

describeNats("a fleet whose NATS server hangs for 8 s", () => {
  it("answers webhooks 503 in time, goes on sending, and loses nothing", {
    timeout: LIMIT_MS + 10_000,
  }, async () => {
    const limit = AbortSignal.timeout(LIMIT_MS);
    await using nats = await startNatsServer();
    await using upstream = await FleetUpstream.start();
    await using run = await EventsRun.start({
      natsUrl: nats.url,
      prefix: uniquePrefix(),
      upstream: upstream.baseUrl,
      members: [
        { name: "E1", roles: "intake" },
        { name: "G1", roles: "send,events,intake" },
        { name: "G2", roles: "events,send" },
      ],
      intakes: ["E1", "G1"],
      gateways: ["G1", "G2"],
      consumersPerGateway: 2,
      messages: EVENTS / 3,
      seed: 3,
      // What is sent meanwhile is recorded as well, if not always.
      types: [EventType.DELIVERY_REPORT],
    });
    const seen: { sends: number; longestSendMs: number; readable: number } = {
      sends: 0,
      longestSendMs: 0,
      readable: 0,
    };
    const outcome = await run.run(async (signal) => {
      await run.untilTaken(0.3, signal);
      const g1 = run.fleet.member("G1");
      using messages = connectMessages(g1.addresses?.grpc ?? "");
      using events = connectEvents(g1.addresses?.grpc ?? "");
      const over = new AbortController();
      nats.pause();
      const sends = (async () => {
        while (!over.signal.aborted) {
          const startedAt = performance.now();
          const { results } = await messages.messages.sendMessages({
            messages: [messageTo(["385910000001"], "x")],
          });
          seen.longestSendMs = Math.max(seen.longestSendMs, performance.now() - startedAt);
          if (results[0]?.outcome === SendOutcome.SENT) seen.sends++;
        }
      })();
      await wait(OUTAGE_MS);
      const [send, reads, intake, edge] = await Promise.all([
        readyz(g1, "send"),
        readyz(g1, "events"),
        readyz(g1, "intake"),
        readyz(run.fleet.member("E1")),
      ]);
      expect([send.status, reads.status, intake.status, edge.status]).toEqual([200, 200, 503, 503]);
      expect(send.body.roles?.send?.degraded).toMatch(/eventlog/);
      seen.readable = (await events.events.listEvents({ pageSize: 10 })).events.length;
      nats.resume();
      over.abort();
      await sends;
    }, limit);
    expect(outcome.violations).toEqual([]);
    expect(outcome.crashes).toBe(0);
    expect(outcome.longestPostMs).toBeLessThan(LONGEST_ANSWER_MS);
    expect(outcome.statuses.get(503)).toBeGreaterThan(0);
    expect([...outcome.statuses.keys()].toSorted()).toEqual([200, 503]);
    // Neither watcher lost its stream.
    expect(outcome.streams).toBe(2);
    expect(seen.readable).toBe(10);
    expect(seen.sends).toBeGreaterThan(10);
    expect(seen.longestSendMs).toBeLessThan(LONGEST_SEND_MS);
    for (const name of ["G1", "G2", "E1"]) expect((await readyz(run.fleet.member(name))).status).toBe(200);
  });
});
