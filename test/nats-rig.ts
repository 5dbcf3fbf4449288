import { onTestFinished } from "vitest";
import { type ConnectionTimings, connectNats } from "../src/nats/connect-nats.ts";
import { createPublisher } from "../src/nats/jetstream-publisher.ts";
import type { NatsLink } from "../src/nats/nats-link.ts";
import type { NatsOptions } from "../src/nats/nats-options.ts";
import type { Publisher } from "../src/nats/publisher.ts";
import type { StreamLayout } from "../src/nats/stream-layout.ts";
import { type ClockTimer, systemTimer } from "../src/timer.ts";

/** Short waits between attempts, so that tests of lost connections take no time. */
export const QUICK: Partial<ConnectionTimings> = { waits: { first: 5, longest: 20 } };

/** Pings so often that a server which hangs is noticed soon; on a busy machine one that does not hang may be, too. */
export const WATCHFUL: Partial<ConnectionTimings> = { ...QUICK, pingIntervalMs: 100 };

/** Options of a connection without credentials. */
export function natsOptions(url: string, options: Partial<NatsOptions> = {}): NatsOptions {
  return {
    servers: [url],
    auth: { kind: "none" },
    tls: undefined,
    name: "test",
    connectTimeoutMs: 5_000,
    requestTimeoutMs: 5_000,
    maxInFlightBytes: 16 * 1024 * 1024,
    ...options,
  };
}

/** A connection that ends with the test. */
export async function openLink(
  url: string,
  options: Partial<NatsOptions> = {},
  timings = QUICK,
): Promise<NatsLink> {
  const link = await connectNats(natsOptions(url, options), timings);
  onTestFinished(() => link[Symbol.asyncDispose]());
  return link;
}

/** A publisher that ends with the test. */
export function openPublisher(
  link: NatsLink,
  options: { requestTimeoutMs?: number; maxInFlightBytes?: number; timer?: ClockTimer } = {},
): Publisher {
  const publisher = createPublisher(link, {
    requestTimeoutMs: 5_000,
    maxInFlightBytes: 16 * 1024 * 1024,
    timer: systemTimer,
    ...options,
  });
  onTestFinished(() => publisher[Symbol.asyncDispose]());
  return publisher;
}

/** A stream's layout; its subjects begin with the name in lower case. */
export function streamLayout(name: string, changes: Partial<StreamLayout> = {}): StreamLayout {
  return {
    name,
    subjects: [`${name.toLowerCase()}.>`],
    description: "of a test",
    replicas: 1,
    maxMessagesPerSubject: -1,
    maxAgeMs: 0,
    maxBytes: 64 * 1024 * 1024,
    discard: "new",
    duplicateWindowMs: 60_000,
    ...changes,
  };
}

/** Resolves when the connection is lost. */
export function disconnected(link: NatsLink): Promise<void> {
  return new Promise((resolve) => {
    const off = link.onDisconnected(() => {
      off();
      resolve();
    });
  });
}

/** Resolves on the next connection after the first. */
export function reconnected(link: NatsLink): Promise<void> {
  return new Promise((resolve) => {
    const off = link.onReconnected(() => {
      off();
      resolve();
    });
  });
}

/** Text of an error and of all its causes. */
export function wholeText(error: unknown): string {
  const texts: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) texts.push(`${at.name}: ${at.message}`);
  return texts.join(" <- ");
}

/** The error with which a promise rejects. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { reason?: string }> {
  return promise.then(
    () => {
      throw new Error("it did not reject");
    },
    (error: Error) => error,
  );
}
