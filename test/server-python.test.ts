import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { SendMessagesResponseSchema } from "../gen/infobip/messages/v1/send_messages_pb.js";
import { ServiceError } from "../src/errors.ts";
import { createStreamMessages } from "../src/messages/stream-messages.ts";
import { createHealth } from "../src/server/health.ts";
import { healthService } from "../src/server/health-descriptor.ts";
import { createReflection } from "../src/server/reflection.ts";
import { aborted, echo, Rig, startedFrame } from "./server-rig.ts";

const PYTHON = "/usr/bin/python3";
const ROOT = join(import.meta.dirname, "..");
const CLIENT = join(import.meta.dirname, "python/client.py");
const resolve = createRequire(import.meta.url).resolve;
const run = promisify(execFile);

function hasGrpcio(): boolean {
  try {
    execFileSync(PYTHON, ["-c", "import grpc, google.protobuf"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Builds one descriptor set of our .proto files and gRPC's own; gives its path. */
function buildDescriptors(folder: string): string {
  execFileSync(process.execPath, [join(ROOT, "proto/export-dependencies.ts")], { cwd: ROOT });
  const protos = join(folder, "protos");
  const health = join(dirname(resolve("grpc-health-check/package.json")), "proto");
  const reflection = join(dirname(resolve("@grpc/reflection/package.json")), "build/proto/grpc/reflection");
  const sources = [
    [join(ROOT, "proto"), "."],
    [join(ROOT, ".proto-dependencies"), "."],
    [health, "grpc"],
    [reflection, "grpc/reflection"],
  ] as const;
  for (const [source, target] of sources) cpSync(source, join(protos, target), { recursive: true });
  const set = join(folder, "descriptors.binpb");
  const buf = resolve("@bufbuild/buf/package.json").replace("package.json", "bin/buf");
  execFileSync(process.execPath, [buf, "build", protos, "-o", set, "--as-file-descriptor-set"]);
  return set;
}

/** StreamMessages that answers each send with its sender. */
function echoStream() {
  return createStreamMessages({
    send: async (request) => {
      const { bulkId } = await echo(request);
      return create(SendMessagesResponseSchema, { bulkId: `bulk-${bulkId}` });
    },
    maxFrameBytes: 4 * 1024 * 1024,
    maxDestinations: 10_000,
    draining: new AbortController().signal,
    drainStopTime: Date.now,
    errors: { newErrorId: () => "error-id-1" },
  });
}

const available = hasGrpcio();
const required = process.env.CI === "true";
if (!available && !required) {
  process.stderr.write(`\nSKIPPED: ${PYTHON} has no grpcio; install python3-grpcio\n\n`);
}

describe.skipIf(!available && !required)("python3-grpcio", () => {
  const folder = mkdtempSync(join(tmpdir(), "infobip-rpc-python-"));
  const health = createHealth([MessagesService.typeName]);
  let rig: Rig;
  let descriptors = "";

  beforeAll(() => {
    descriptors = buildDescriptors(folder);
    health.setServing(true);
  }, 60_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  beforeEach(async () => {
    rig = await Rig.start({
      extra: [health.binding],
      messages: { streamMessages: echoStream() },
      raw: createReflection([MessagesService, EventsService, healthService]),
    });
  });
  afterEach(async () => {
    await rig[Symbol.asyncDispose]();
  });

  async function python(name: string, target: string) {
    const { stdout } = await run(PYTHON, [CLIENT, descriptors, target, name]);
    return JSON.parse(stdout) as Record<string, unknown> & { details: Record<string, string> };
  }

  describe.each([
    ["the gRPC listener over TCP", () => rig.grpcAddress],
    ["the gRPC listener over a unix socket", () => rig.unixAddress],
    ["the HTTP listener", () => rig.httpAddress],
  ])("on %s", (_name, target) => {
    it("calls a unary method with metadata both ways", async () => {
      const seen: (string | null)[] = [];
      rig.behaviour.send = async (request, context) => {
        seen.push(context.requestHeader.get("x-tenant"), context.requestHeader.get("x-key-bin"));
        context.responseHeader.set("x-answer", "head");
        context.responseHeader.set("x-answer-bin", "AQID");
        context.responseTrailer.set("x-cost", "2");
        return echo(request);
      };
      expect(await python("unary", target())).toEqual({
        bulkId: "python",
        header: "head",
        binary: [1, 2, 3],
        trailer: "2",
      });
      expect(seen).toEqual(["blue", "AAEC"]);
    });

    it("gets an error with its details", async () => {
      rig.behaviour.send = async () => {
        throw new ServiceError(Code.Unavailable, "UPSTREAM_UNREACHABLE", "nothing was sent: wärten", {
          metadata: { outcome: "NOT_SENT" },
          retryDelayMs: 1500,
        });
      };
      const error = await python("error", target());
      expect(error).toMatchObject({ code: "UNAVAILABLE", message: "nothing was sent: wärten" });
      expect(error.details["google.rpc.ErrorInfo"]).toContain('reason: "UPSTREAM_UNREACHABLE"');
      expect(error.details["google.rpc.RetryInfo"]).toContain("nanos: 500000000");
    });

    it("gets the field of an invalid request", async () => {
      const error = await python("invalid", target());
      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(error.details["google.rpc.ErrorInfo"]).toContain("REQUEST_INVALID");
      expect(error.details["google.rpc.BadRequest"]).toContain('field: "messages[0].message.destinations"');
    });

    it("is refused with 5 MiB, and the next call works", async () => {
      const error = await python("too_large", target());
      expect(error).toMatchObject({ code: "RESOURCE_EXHAUSTED", next: "next" });
      expect(error.details["google.rpc.ErrorInfo"]).toContain("REQUEST_TOO_LARGE");
    });

    it("compresses both ways", async () => {
      rig.behaviour.send = async (request) => {
        const { bulkId } = await echo(request);
        return create(SendMessagesResponseSchema, { bulkId });
      };
      expect(await python("compressed", target())).toEqual({ length: 5000 });
    });

    it("brings its deadline to the implementation", async () => {
      let timeLeftMs: number | undefined;
      rig.behaviour.send = async (_request, context) => {
        timeLeftMs = context.timeoutMs();
        await aborted(context.signal);
        throw context.signal.reason;
      };
      expect(await python("deadline", target())).toMatchObject({ code: "DEADLINE_EXCEEDED" });
      // Which side's clock runs out first is open: the service may see its client leave instead.
      const ends = expect.stringMatching(/^(DEADLINE_EXCEEDED|CANCELLED)$/);
      await expect.poll(() => rig.reports).toMatchObject([{ reason: ends }]);
      expect(timeLeftMs).toBeGreaterThan(0);
      expect(timeLeftMs).toBeLessThanOrEqual(200);
    });

    it("gets the first frame at once and can cancel", async () => {
      rig.behaviour.watch = async function* () {
        yield startedFrame("7");
        await new Promise(() => undefined);
      };
      expect(await python("cancel", target())).toMatchObject({ first: "7", code: "CANCELLED" });
      await expect.poll(() => rig.reports).toMatchObject([{ reason: "CANCELLED" }]);
    });

    it("talks both ways on one stream and closes its side", async () => {
      expect(await python("bidi", target())).toEqual({ texts: ["a", "b", "c"], code: "OK" });
      await expect.poll(() => rig.reports).toMatchObject([{ code: undefined }]);
    });

    it("gets the field of an invalid message of a stream", async () => {
      const error = await python("bidi_invalid", target());
      expect(error.code).toBe("INVALID_ARGUMENT");
      expect(error.details["google.rpc.BadRequest"]).toContain('field: "ack.event_ids[0]"');
    });

    it("cancels a stream in both directions", async () => {
      expect(await python("bidi_cancel", target())).toMatchObject({ first: "a", code: "CANCELLED" });
      await expect.poll(() => rig.reports).toMatchObject([{ reason: "CANCELLED" }]);
    });

    it("sends several requests over one stream", async () => {
      expect(await python("stream", target())).toEqual({
        credits: 1_000,
        results: { a: "bulk-one", b: Code.InvalidArgument, c: "bulk-two" },
        code: "OK",
      });
    });

    it("learns that a method is unknown", async () => {
      const error = await python("unknown_method", target());
      expect(error.code).toBe("UNIMPLEMENTED");
      expect(error.details["google.rpc.ErrorInfo"]).toContain("METHOD_UNKNOWN");
    });

    it("asks for health", async () => {
      expect(await python("health", target())).toEqual({
        check: 1,
        watch: 1,
        unknownWatch: 3,
        unknownOpen: true,
        unknownCheck: "NOT_FOUND",
      });
    });
  });

  it.each(["reflection", "reflection_alpha"])("builds the service from its %s", async (name) => {
    expect(await python(name, rig.grpcAddress)).toEqual({
      services: [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "infobip.events.v1.EventsService",
        "infobip.messages.v1.MessagesService",
      ],
      method: "WatchEvents",
      fields: expect.arrayContaining(["cursor", "start", "filter"]) as string[],
    });
  });
});
