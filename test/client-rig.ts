import { freePort } from "../src/cli/free-port.ts";
import {
  type CommonClientOptions,
  createClient,
  type InfobipRpcClient,
  textMessage,
} from "../src/client/index.ts";
import { Channel } from "../src/client/messages.ts";
import { type ServiceRig, startServiceRig } from "./fixtures/service-rig.ts";

/** Makes a client of a rig's service on one of the transports. */
export type ConnectTo = (rig: ServiceRig, options?: CommonClientOptions) => InfobipRpcClient;

/** One surface on two transports: every test of the client runs on both. */
export const TRANSPORTS: readonly (readonly [string, ConnectTo])[] = [
  ["grpc", (rig, options) => createClient({ ...options, target: rig.addresses.grpc })],
  [
    "connect",
    (rig, options) =>
      createClient({ ...options, transport: "connect", baseUrl: `http://${rig.addresses.http}` }),
  ],
];

/** A service on ports that stay the same when it is started again. */
export async function startStayingRig(flags: Readonly<Record<string, string>> = {}): Promise<ServiceRig> {
  const listeners = ["--grpc-listen", "--http-listen"];
  const ports = await Promise.all(listeners.map(async (flag) => [flag, `127.0.0.1:${await freePort()}`]));
  return startServiceRig({ flags: { ...Object.fromEntries(ports), ...flags } });
}

/** A request with one text message. */
export function sms(...to: readonly string[]) {
  return { messages: [textMessage({ channel: Channel.SMS, from: "ShopDesk", to, text: "x" })] };
}
