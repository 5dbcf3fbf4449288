import { EventsService } from "../../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../../gen/infobip/messages/v1/messages_service_pb.js";
import { readEnvironment } from "../../src/config/environment-source.ts";

/** The services of the API. */
export const SERVICES = [MessagesService, EventsService] as const;

const METHODS: ReadonlySet<string> = new Set(
  SERVICES.flatMap(({ typeName, methods }) => methods.map(({ name }) => `${typeName}/${name}`)),
);

/** Names of methods in a text, such as `infobip.messages.v1.MessagesService/SendMessages`, that no service has. */
export function unknownMethods(text: string): string[] {
  return [...text.matchAll(/\binfobip\.\w+\.v1\.\w+\/\w+/g)]
    .map(([name]) => name)
    .filter((name) => !METHODS.has(name));
}

/** What looks like a setting's variable and is none: streams of NATS with the default prefix, and variables of the tests. */
const NO_SETTING = /^INFOBIP_RPC_(EVENTS|ANSWERS|OUTBOX|OWNERS|SUBSCRIPTIONS|(REQUIRE|CRASH|FLEET)_\w+)$/;

/** Variables of the service in a text, such as `INFOBIP_RPC_LOG_LEVEL`, that it does not know. */
export function unknownVariables(text: string): string[] {
  const named = text.match(/\bINFOBIP_RPC_[A-Z0-9_]*[A-Z0-9]\b(?![_*])/g) ?? [];
  const isUnknown = (name: string) =>
    readEnvironment({ [name]: "" }).problems.some(({ setting }) => setting === name);
  return named.filter((name) => !NO_SETTING.test(name) && isUnknown(name));
}
