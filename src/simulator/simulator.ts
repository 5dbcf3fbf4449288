import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { AcceptedMessage } from "./accepted-message.ts";
import { writeAnswer } from "./answer-writer.ts";
import { errorAnswer } from "./api-errors.ts";
import { CONTROL_PREFIX, handleControl } from "./control-handler.ts";
import type { EndpointName, FaultRule } from "./fault.ts";
import { type InboundInput, inboundItem, type TypingInput, typingInputItem } from "./inbound-input.ts";
import type { MessageIdCounts } from "./ledger.ts";
import { MAX_CONNECTIONS } from "./limits.ts";
import { resolveOptions, type SimulatorOptions } from "./options.ts";
import type { RecordedRequest } from "./request-journal.ts";
import { handleRest } from "./rest-handler.ts";
import { SimulatorState } from "./state.ts";
import { type SimulatorStats, statsOf } from "./stats.ts";

/** A stand-in for Infobip's side of the Messages API. docs/simulator.md says what it does. */
export interface Simulator extends AsyncDisposable {
  /**
   * Begins to listen and resolves to the base URL, such as `http://127.0.0.1:40123`.
   * @throws the error of node:net when the port cannot be had; Error when started before.
   */
  start(): Promise<string>;
  /** Resolves when no callback is planned, under way or waiting for a retry. */
  idle(): Promise<void>;
  /** Counters since the start or the last reset. */
  stats(): SimulatorStats;
  /** How often one message id was accepted and refused. */
  counts(messageId: string): MessageIdCounts;
  /** The latest accepted messages, oldest first. */
  messages(): AcceptedMessage[];
  /** The latest REST requests, oldest first. */
  requests(): RecordedRequest[];
  /** Resolves when an endpoint has got that many requests since the start or the last reset. */
  whenReceived(endpoint: EndpointName, count: number): Promise<void>;
  /**
   * Puts faults into force, behind those that are already.
   * @throws RangeError when too many are.
   */
  injectFaults(...rules: FaultRule[]): void;
  /** Takes all faults out of force. */
  clearFaults(): void;
  /**
   * Lets a recipient send a message, and returns its id.
   * @throws ZodError for an input that Infobip could not have.
   */
  receiveInbound(input: InboundInput): string;
  /**
   * Lets a recipient begin or stop typing, and returns the event's message id.
   * @throws ZodError for an input that Infobip could not have.
   */
  receiveTyping(input: TypingInput): string;
  /** Forgets messages, reports, faults and counters, and drops every callback still to come. */
  reset(): void;
}

/** Request URLs have no origin; the parser wants one. */
const ANY_ORIGIN = "http://simulator";

/** Makes a simulator. It opens no socket before `start()`; dispose of it to close all of them at once. */
export function createSimulator(options: SimulatorOptions = {}): Simulator {
  return new LoopbackSimulator(new SimulatorState(resolveOptions(options)));
}

class LoopbackSimulator implements Simulator {
  readonly #state: SimulatorState;
  readonly #server: Server;

  constructor(state: SimulatorState) {
    this.#state = state;
    this.#server = createServer((request, response) => void this.#handle(request, response));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  async start(): Promise<string> {
    const { host, port } = this.#state.options;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#server.once("error", reject);
    this.#server.listen(port, host, resolve);
    await promise;
    this.#server.off("error", reject);
    const address = this.#server.address() as AddressInfo;
    const name = address.family === "IPv6" ? `[${address.address}]` : address.address;
    return `http://${name}:${address.port}`;
  }

  idle(): Promise<void> {
    return this.#state.outstanding.idle();
  }

  stats(): SimulatorStats {
    return statsOf(this.#state);
  }

  counts(messageId: string): MessageIdCounts {
    return this.#state.ledger.counts(messageId);
  }

  messages(): AcceptedMessage[] {
    return this.#state.ledger.messages();
  }

  requests(): RecordedRequest[] {
    return this.#state.journal.recorded();
  }

  whenReceived(endpoint: EndpointName, count: number): Promise<void> {
    return this.#state.journal.whenArrived(endpoint, count);
  }

  injectFaults(...rules: FaultRule[]): void {
    this.#state.faults.add(rules);
  }

  clearFaults(): void {
    this.#state.faults.clear();
  }

  receiveInbound(input: InboundInput): string {
    return this.#receive(inboundItem(input, this.#state.options.clock.now(), () => this.#state.ids.next()));
  }

  receiveTyping(input: TypingInput): string {
    return this.#receive(
      typingInputItem(input, this.#state.options.clock.now(), () => this.#state.ids.next()),
    );
  }

  reset(): void {
    this.#state.reset();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await this.#state[Symbol.asyncDispose]();
    await promise;
  }

  #receive(item: Readonly<Record<string, unknown>>): string {
    this.#state.callbacks.receive(item);
    return String(item.messageId);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const url = URL.parse(request.url ?? "", ANY_ORIGIN) ?? new URL(ANY_ORIGIN);
      const handler = url.pathname.startsWith(CONTROL_PREFIX) ? handleControl : handleRest;
      await handler(request, response, url, this.#state);
    } catch {
      if (!response.headersSent) writeAnswer(response, errorAnswer(500));
      else response.destroy();
    }
  }
}
