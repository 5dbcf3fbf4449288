import type { DescMethod, Message } from "@bufbuild/protobuf";
import type { SendMessagesRequest } from "../../gen/infobip/messages/v1/send_messages_pb.js";
import type { RequestDefaults } from "../messages/request-defaults.ts";
import type { CallContext } from "../rpc/call-context.ts";
import type { Caller } from "../rpc/caller.ts";
import type { AccessControl, MethodAccess } from "../server/guards.ts";
import type { CallerDirectory } from "./caller-directory.ts";
import { credentialsMissing, credentialsUnknown, scopeMissing } from "./caller-errors.ts";
import { MAX_TOKEN_LENGTH } from "./caller-token.ts";
import { scopesOf } from "./method-scopes.ts";
import { RequestRules } from "./request-rules.ts";
import { SendAllowance } from "./send-allowance.ts";

const HEADER = "authorization";
const BEARER = /^bearer +([^\s,]+)$/i;
/** Length of the scheme with the space after it, and some more spaces. */
const MAX_HEADER_LENGTH = MAX_TOKEN_LENGTH + 16;

/** What {@link CallerAccess} works with. */
export interface CallerAccessOptions {
  readonly directory: Pick<CallerDirectory, "byToken" | "byCertificate" | "byName">;
  readonly defaults: RequestDefaults;
  /** Milliseconds on a clock that never goes back. */
  readonly monotonicNow: () => number;
}

/** Who may call what, by the callers file. */
export class CallerAccess implements AccessControl {
  readonly #directory: CallerAccessOptions["directory"];
  readonly #allowance: SendAllowance;
  readonly #rules: RequestRules;

  constructor({ directory, defaults, monotonicNow }: CallerAccessOptions) {
    this.#directory = directory;
    this.#allowance = new SendAllowance(monotonicNow);
    this.#rules = new RequestRules({ defaults, allowance: this.#allowance });
  }

  forMethod(method: DescMethod): MethodAccess {
    const scopes = scopesOf(method);
    const rule = method.methodKind === "bidi_streaming" ? undefined : this.#rules.of(method.localName);
    return {
      admit: (context) => {
        const caller = this.#identify(context);
        context.caller = caller;
        if (caller.scopes.has("admin") || scopes.some((scope) => caller.scopes.has(scope))) return;
        throw scopeMissing(scopes);
      },
      ...(rule && {
        authorise: (request: Message, context: CallContext) => rule(request, callerOf(context)),
      }),
    };
  }

  /**
   * Checks one send of a stream, as a call of SendMessages by the stream's
   * caller, as it stands in the callers file now. Throws ServiceError.
   */
  readonly authoriseSend = (request: SendMessagesRequest, context: CallContext): void => {
    const caller = this.#directory.byName(callerOf(context).name);
    if (caller === undefined) throw credentialsUnknown();
    if (!caller.scopes.has("admin") && !caller.scopes.has("send")) throw scopeMissing(["send"]);
    this.#rules.send(request, caller);
  };

  /** The callers have changed: forgets what was counted of those who are gone. */
  callersChanged(names: readonly string[]): void {
    this.#allowance.retain(names);
  }

  /** A token counts before a certificate. */
  #identify(context: CallContext): Caller {
    const header = headerOf(context);
    if (header !== undefined) return this.#byHeader(header);
    const { peerIdentity } = context;
    if (peerIdentity === undefined) throw credentialsMissing();
    const caller = this.#directory.byCertificate(peerIdentity);
    if (caller === undefined) throw credentialsUnknown();
    return caller;
  }

  #byHeader(header: string): Caller {
    const token = header.length <= MAX_HEADER_LENGTH ? BEARER.exec(header)?.[1] : undefined;
    const caller = token === undefined ? undefined : this.#directory.byToken(token);
    if (caller === undefined) throw credentialsUnknown();
    return caller;
  }
}

function headerOf(context: CallContext): string | undefined {
  if (context.metadataValue !== undefined) return context.metadataValue(HEADER);
  return context.requestHeader.get(HEADER) ?? undefined;
}

function callerOf({ caller }: CallContext): Caller {
  if (caller === undefined) throw new Error("the call was not admitted");
  return caller;
}
