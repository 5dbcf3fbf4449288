import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { tokenHash, tokenOf } from "../src/callers/caller-token.ts";
import { ClientService } from "./client-program-service.ts";
import { createAuthority } from "./nats-certificates.ts";

const CLIENTS = new URL("../docs/clients/", import.meta.url).pathname;
/** Longest build of a program, in milliseconds. */
const BUILD_MS = 300_000;
/** Longest run of a program, in milliseconds. */
const RUN_MS = 60_000;
/** Silence after which a program connects anew, in the tests. */
const SILENCE_SECONDS = "3";
/** A recipient of the simulator of whom nothing more is heard. */
const NO_REPORT = "385910099011";

/** A program in docs/clients. */
export interface ClientProgram {
  /** Its folder. */
  readonly language: string;
  /** Commands that all end with 0 where its tools are installed. */
  readonly tools: readonly (readonly [string, ...string[]])[];
}

/** A run of a program, with its lines as they come. */
class Run {
  readonly lines: string[] = [];
  readonly errors: string[] = [];
  readonly exited: Promise<number | null>;
  readonly child: ChildProcess;

  constructor(language: string, args: readonly string[], environment: Readonly<Record<string, string>>) {
    const child = spawn(join(CLIENTS, language, "run.sh"), args, {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that what a shell has started ends with it.
      detached: true,
    });
    this.child = child;
    createInterface(child.stdout).on("line", (line) => this.lines.push(line));
    createInterface(child.stderr).on("line", (line) => this.errors.push(line));
    this.exited = once(child, "close").then(([code]) => code as number | null);
  }

  /** Lines that begin with a word, as fields. */
  fields(word: string): string[][] {
    return this.lines.map((line) => line.split(" ")).filter(([first]) => first === word);
  }

  /** Waits for a condition while the program runs. */
  async until(isMet: () => boolean, what: string): Promise<void> {
    const met = expect.poll(isMet, { timeout: RUN_MS, interval: 20, message: what }).toBe(true);
    const ended = this.exited.then((code) => {
      throw new Error(`ended with ${code} before ${what}:\n${[...this.lines, ...this.errors].join("\n")}`);
    });
    // The program ends later on as well, when nobody waits for it any more.
    ended.catch(() => undefined);
    await Promise.race([met, ended]);
  }

  async expectLines(word: string, count: number): Promise<void> {
    await this.until(() => this.fields(word).length >= count, `${count} lines of ${word}`);
  }

  async expectSuccess(): Promise<void> {
    const code = await this.exited;
    expect({ code, errors: code === 0 ? [] : this.errors }).toEqual({ code: 0, errors: [] });
  }

  kill(): void {
    if (this.child.pid === undefined || this.child.exitCode !== null) return;
    process.kill(-this.child.pid, "SIGKILL");
  }
}

/** Tests a program of docs/clients against the service: skipped loudly where its tools are missing, or failed when INFOBIP_RPC_REQUIRE_CLIENTS=1. */
export function describeClient(program: ClientProgram): void {
  const name = `docs/clients/${program.language}`;
  const missing = program.tools.filter(([command, ...args]) => spawnSync(command, args).status !== 0);
  if (missing.length === 0) {
    describe(name, { timeout: RUN_MS }, () => suite(program.language));
    return;
  }
  const tools = missing.map((words) => words.join(" ")).join(", ");
  process.stderr.write(`\n*** NOT TESTED, ${name}: missing ${tools}\n\n`);
  if (process.env.INFOBIP_RPC_REQUIRE_CLIENTS === "1") {
    it(`${name} needs its tools`, () => expect.fail(`INFOBIP_RPC_REQUIRE_CLIENTS=1 and missing: ${tools}`));
  }
  describe.skip(name, () => suite(program.language));
}

function suite(language: string): void {
  let service: ClientService;
  const runs: Run[] = [];

  beforeAll(async () => {
    // A compiler must not take the processor away from the tests that run beside it.
    const build = ["-n", "19", join(CLIENTS, language, "run.sh"), "build"];
    await promisify(execFile)("nice", build, { timeout: BUILD_MS });
    service = await ClientService.start();
  }, BUILD_MS);
  afterEach(() => {
    service.unpause();
    for (const run of runs.splice(0)) run.kill();
  });
  afterAll(async () => {
    await service[Symbol.asyncDispose]();
  });

  function run(...args: string[]): Run {
    return runWith({}, ...args);
  }

  function runWith(environment: Readonly<Record<string, string>>, ...args: string[]): Run {
    const started = new Run(language, args, {
      INFOBIP_RPC_TARGET: service.grpc,
      INFOBIP_RPC_URL: `http://${service.http}`,
      INFOBIP_RPC_SILENCE_SECONDS: SILENCE_SECONDS,
      ...environment,
    });
    runs.push(started);
    return started;
  }

  /** Sends a message of which no report comes but those of the test; gives its id. */
  async function sendUnreported(): Promise<string> {
    const sent = run("send", NO_REPORT);
    await sent.expectSuccess();
    expect(sent.fields("result")).toEqual([
      ["result", "0/0", expect.any(String), "SENT", expect.stringMatching(/ACCEPTED/)],
    ]);
    return sent.fields("result")[0]?.[2] ?? "";
  }

  it("does all of it in one run that ends by itself", async () => {
    const all = run("all");
    await all.expectSuccess();
    expect(all.lines).toEqual(expect.arrayContaining(refusal()));
    const id = all.fields("result")[0]?.[2];
    for (const word of ["event", "delivered"]) {
      expect(all.fields(word).map((fields) => fields.slice(2, 5))).toEqual(
        expect.arrayContaining([
          ["SEND_RESULT", id, "final=false"],
          ["DELIVERY_REPORT", id, "final=true"],
        ]),
      );
    }
    await expectNothingLeft();
  });

  it("watches over a restart and a silence without a gap or a repeat", async () => {
    const id = await sendUnreported();
    const watch = run("watch", id);
    await watch.expectLines("event", 1);
    await service.report(id, 1, 7);
    await watch.expectLines("event", 2);
    await service.restart();
    await service.report(id, 3, 2);
    await watch.expectLines("event", 3);
    service.pause();
    await watch.until(() => watch.errors.some((line) => line.includes("silence")), "a silence is seen");
    service.unpause();
    await service.report(id, 3, 5);
    await watch.expectSuccess();
    expectEvents(watch.fields("event"), id);
    expect(watch.errors.join("\n")).toMatch(/reconnecting in/);
  });

  it("consumes over a restart, and what it acknowledged does not come again", async () => {
    const id = await sendUnreported();
    const consumer = run("subscribe", id);
    const ours = () => consumer.fields("delivered").filter((fields) => fields[3] === id);
    const seen = (count: number) => consumer.until(() => ours().length >= count, `${count} events`);
    await seen(1);
    await service.report(id, 1, 7);
    await seen(2);
    // What is not acknowledged by now may come again.
    await expectNothingLeft();
    await service.restart();
    await service.report(id, 3, 2);
    await seen(3);
    await service.report(id, 3, 5);
    await consumer.expectSuccess();
    expectEvents(ours(), id);
    expect(ours().map((fields) => fields[5])).toEqual(Array(4).fill("attempt=1"));
    await expectNothingLeft();
  });

  it("ends with an error, in time, when there is no service", async () => {
    const nowhere = { INFOBIP_RPC_TARGET: "127.0.0.1:1", INFOBIP_RPC_URL: "http://127.0.0.1:1" };
    const sent = runWith(nowhere, "send");
    expect(await sent.exited).toBe(1);
    expect(sent.errors.join("\n")).toMatch(/unavailable/i);
  });

  it("does the same over TLS, as a caller with a token", async () => {
    const authority = await createAuthority();
    const { certFile, keyFile } = await authority.issue("service", "IP:127.0.0.1");
    const token = tokenOf(randomBytes(32));
    const callersFile = join(dirname(certFile), "callers.yaml");
    const scopes = "[send, events, subscriptions]";
    await writeFile(
      callersFile,
      `callers: [{name: shop, token_sha256: [${tokenHash(token)}], scopes: ${scopes}}]\n`,
    );
    await using secured = await ClientService.start({
      INFOBIP_RPC_TLS_CERT_FILE: certFile,
      INFOBIP_RPC_TLS_KEY_FILE: keyFile,
      INFOBIP_RPC_AUTH_CALLERS_FILE: callersFile,
    });
    const access = {
      INFOBIP_RPC_TARGET: secured.grpc,
      INFOBIP_RPC_URL: `https://${secured.http}`,
      INFOBIP_RPC_TLS_CA: authority.caFile,
    };
    const all = runWith({ ...access, INFOBIP_RPC_TOKEN: token }, "all");
    await all.expectSuccess();
    expect(all.fields("delivered").map((fields) => fields[2])).toEqual(["SEND_RESULT", "DELIVERY_REPORT"]);
    const stranger = runWith({ ...access, INFOBIP_RPC_TOKEN: tokenOf(randomBytes(32)) }, "send");
    expect(await stranger.exited).toBe(1);
    expect(stranger.errors).toContain("reason CREDENTIALS_UNKNOWN");
  });

  async function expectNothingLeft(): Promise<void> {
    const lag = async () => {
      const answer = await fetch(`http://${service.http}/infobip.events.v1.EventsService/GetSubscription`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ name: `subscriptions/example-${language}` }),
      });
      const { subscription } = (await answer.json()) as { subscription: { status?: { lagEvents?: string } } };
      return subscription.status?.lagEvents ?? "0";
    };
    await expect.poll(lag).toBe("0");
  }
}

/** What the programs print of the error that they provoke. */
function refusal(): unknown[] {
  return [
    expect.stringMatching(/^code INVALID_ARGUMENT$/i),
    "reason REQUEST_INVALID",
    "domain infobip-rpc",
    "metadata outcome=NOT_SENT",
    expect.stringMatching(/^violation messages\[0\]\.message\.destinations: ./),
  ];
}

/** One send result and three reports, the last one final, each once and in order. */
function expectEvents(fields: readonly string[][], id: string): void {
  expect(fields.map(([, , type, message, final]) => [type, message, final])).toEqual([
    ["SEND_RESULT", id, "final=false"],
    ["DELIVERY_REPORT", id, "final=false"],
    ["DELIVERY_REPORT", id, "final=false"],
    ["DELIVERY_REPORT", id, "final=true"],
  ]);
  const sequences = fields.map(([, sequence]) => Number(sequence));
  expect(sequences).toEqual([...new Set(sequences)].sort((a, b) => a - b));
}
