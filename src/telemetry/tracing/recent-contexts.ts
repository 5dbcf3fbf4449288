/** Most messages of one generation. Two generations are kept, at some 150 bytes a message. */
export const GENERATION = 16_384;

/** trace_parent of recent messages by message id, at least of the last {@link GENERATION} of them. */
export class RecentContexts {
  #young = new Map<string, string | undefined>();
  #old = new Map<string, string | undefined>();

  /** Undefined: the message was sent outside of any trace. */
  set(messageId: string, traceParent: string | undefined): void {
    if (this.#young.size >= GENERATION) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(messageId, traceParent);
  }

  /** Whether anything is known of the message. */
  has(messageId: string): boolean {
    return this.#young.has(messageId) || this.#old.has(messageId);
  }

  get(messageId: string): string | undefined {
    return (this.#young.has(messageId) ? this.#young : this.#old).get(messageId);
  }
}
