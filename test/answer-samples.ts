import type { StoredAnswer } from "../src/eventlog/answer-store.ts";

/** An answer that differs for each number. */
export function sampleAnswer(n: number, response = `response ${n}`): StoredAnswer {
  const payloadHash = Buffer.alloc(32);
  payloadHash.writeUInt32LE(n, 12);
  return { payloadHash, response: Buffer.from(response) };
}

/** An answer as plainAnswer values. */
export function plainAnswer(answer: StoredAnswer | undefined): unknown {
  return (
    answer && {
      payloadHash: Buffer.from(answer.payloadHash).toString("hex"),
      response: Buffer.from(answer.response).toString(),
    }
  );
}
