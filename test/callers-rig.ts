import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRegistry } from "@bufbuild/protobuf";
import {
  type Client,
  ConnectError,
  createClient,
  type Interceptor,
  type Transport,
} from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { stringify } from "yaml";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  file_google_rpc_error_details,
  RetryInfoSchema,
} from "../gen/google/rpc/error_details_pb.js";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { Channel } from "../gen/infobip/messages/v1/channel_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { tokenHash } from "../src/callers/caller-token.ts";
import { type ServiceRig, type ServiceRigOptions, startServiceRig } from "./fixtures/service-rig.ts";

/** Errors within answers are google.protobuf.Any, which JSON clients have to know. */
const JSON_OPTIONS = { registry: createRegistry(file_google_rpc_error_details) };

/** An entry of a callers file, less its tokens. */
export type Entry = Readonly<Record<string, unknown>>;

/** Both services, for one caller on one listener. */
export interface CallerClients {
  readonly messages: Client<typeof MessagesService>;
  readonly events: Client<typeof EventsService>;
}

/** A service that knows its callers. */
export interface CallersRig extends ServiceRig {
  readonly callersFile: string;
  /** Clients with the token of a caller; `undefined`: with none. */
  as(name: string | undefined, listener?: "grpc" | "http"): CallerClients;
  /** Clients that send this `authorization`. */
  withHeader(authorization: string | undefined, listener?: "grpc" | "http"): CallerClients;
  /** Replaces the callers file, and has the service read it. */
  replace(entries: readonly Entry[]): Promise<void>;
}

/** The token of a caller in these tests. */
export function tokenFor(name: string): string {
  return `irpc_${name.padEnd(43, "0")}`;
}

/** A callers file; each caller has the token that {@link tokenFor} tells, or those it names. */
export function callersYaml(entries: readonly Entry[]): string {
  const callers = entries.map((entry) => ({
    token_sha256: [tokenHash(tokenFor(String(entry.name)))],
    ...entry,
  }));
  return stringify({ callers }, { aliasDuplicateObjects: false });
}

/** Starts a service with these callers. */
export async function startCallersRig(
  entries: readonly Entry[],
  options: ServiceRigOptions = {},
): Promise<CallersRig> {
  const folder = await mkdtemp(join(tmpdir(), "infobip-rpc-callers-"));
  const path = join(folder, "callers.yaml");
  await writeFile(path, callersYaml(entries));
  const flags = { "--auth-callers-file": path, ...options.flags };
  const rig = await startServiceRig({ ...options, flags });
  const withHeader = (
    authorization: string | undefined,
    listener: "grpc" | "http" = "grpc",
  ): CallerClients => {
    const transport = transportTo(rig, listener, authorization);
    return {
      messages: createClient(MessagesService, transport),
      events: createClient(EventsService, transport),
    };
  };
  return Object.assign(Object.create(rig) as ServiceRig, {
    callersFile: path,
    withHeader,
    as: (name: string | undefined, listener?: "grpc" | "http") =>
      withHeader(name === undefined ? undefined : `Bearer ${tokenFor(name)}`, listener),
    async replace(changed: readonly Entry[]) {
      await writeFile(`${path}.new`, callersYaml(changed));
      await rename(`${path}.new`, path);
      await rig.service.reloadFiles();
    },
    async [Symbol.asyncDispose]() {
      await rig[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  });
}

function transportTo(
  rig: ServiceRig,
  listener: "grpc" | "http",
  authorization: string | undefined,
): Transport {
  const sign: Interceptor = (next) => (request) => {
    if (authorization !== undefined) request.header.set("authorization", authorization);
    return next(request);
  };
  const common = { baseUrl: `http://${rig.addresses[listener]}`, interceptors: [sign] };
  return listener === "grpc"
    ? createGrpcTransport(common)
    : createConnectTransport({
        ...common,
        httpVersion: "2",
        useBinaryFormat: false,
        jsonOptions: JSON_OPTIONS,
      });
}

/** One SMS. */
export function sms(changes: object = {}, to: readonly string[] = ["41790000001"]) {
  return {
    kind: {
      case: "message",
      value: {
        channel: Channel.SMS,
        sender: "Desk",
        destinations: to.map((address) => ({
          kind: { case: "toDestination", value: { to: address } } as const,
        })),
        content: { body: { type: { case: "text", value: { text: "hello" } } } },
        ...changes,
      },
    } as const,
  };
}

/** How a call failed. */
export interface Failure {
  readonly code: number | undefined;
  readonly reason: string | undefined;
  readonly outcome: string | undefined;
  readonly fields: readonly string[];
  readonly retries: boolean;
  readonly text: string;
}

/** The failure of a call; throws when it succeeds. */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error = await call.then(
    () => {
      throw new Error("the call succeeded");
    },
    (thrown: unknown) => ConnectError.from(thrown),
  );
  const [info] = error.findDetails(ErrorInfoSchema);
  const [broken] = error.findDetails(BadRequestSchema);
  return {
    code: error.code,
    reason: info?.reason,
    outcome: info?.metadata.outcome,
    fields: broken?.fieldViolations.map(({ field }) => field) ?? [],
    retries: error.findDetails(RetryInfoSchema).length > 0,
    text: error.message,
  };
}
