import { randomBytes } from "node:crypto";
import { Code } from "@connectrpc/connect";
import { describe, expect, it, vi } from "vitest";
import { type AnswerLimits, type AnswerStore, answerBytes, fullFrom } from "../src/eventlog/answer-store.ts";
import { plainAnswer, sampleAnswer } from "./answer-samples.ts";

/** A store that can be opened again. */
export interface KeptAnswerRig extends AsyncDisposable {
  readonly store: AnswerStore;
  /** Closes the store and opens it again, where it keeps anything. */
  reopen(): Promise<void>;
}

/** A store with a clock that goes only when told to, and that counts bytes as answerBytes does. */
export interface AnswerRig extends KeptAnswerRig {
  /** Lets time pass. */
  advance(ms: number): void;
}

const WINDOW_MS = 60_000;

/** Waits for the removal of answers whose time has passed. */
async function hasRoomInTime({ store, advance }: AnswerRig): Promise<void> {
  await vi.waitFor(() => {
    advance(WINDOW_MS / 4);
    expect(store.hasRoom()).toBe(true);
  });
}

/** What every AnswerStore must do, whoever counts its time and its room. */
export function describeKeptAnswers(
  kind: string,
  start: (limits: AnswerLimits) => Promise<KeptAnswerRig>,
): void {
  const open = () => start({ windowMs: WINDOW_MS, maxBytes: 1024 * 1024 });

  describe(`kept answers contract: ${kind}`, () => {
    it("finds what was saved, byte for byte, and nothing under other ids", async () => {
      await using rig = await open();
      const ids = ["a", "A", `${"x".repeat(127)}1`, "žluťoučký 😀"];
      const whole = Buffer.concat([Buffer.from("before"), randomBytes(3_000), Buffer.from("after")]);
      const answers = ids.map((_, n) => ({
        payloadHash: sampleAnswer(n).payloadHash,
        response: n === 0 ? new Uint8Array() : whole.subarray(6, 6 + n * 1_000),
      }));
      expect(await rig.store.find("a")).toBeUndefined();
      await Promise.all(answers.map((answer, n) => rig.store.save(ids[n] ?? "", answer)));
      const found = await Promise.all(ids.map((id) => rig.store.find(id)));
      expect(found.map(plainAnswer)).toEqual(answers.map(plainAnswer));
      expect(await rig.store.find("b")).toBeUndefined();
      expect(await rig.store.find("")).toBeUndefined();
    });

    it("keeps the first answer to an id, also of two in one turn", async () => {
      await using rig = await open();
      await rig.store.save("a", sampleAnswer(1));
      await rig.store.save("a", sampleAnswer(2));
      await Promise.all([rig.store.save("b", sampleAnswer(3)), rig.store.save("b", sampleAnswer(4))]);
      expect(plainAnswer(await rig.store.find("a"))).toEqual(plainAnswer(sampleAnswer(1)));
      expect(plainAnswer(await rig.store.find("b"))).toEqual(plainAnswer(sampleAnswer(3)));
    });

    it("keeps them over a restart", async () => {
      await using rig = await open();
      await rig.store.save("a", sampleAnswer(1));
      await rig.reopen();
      await rig.store.save("a", sampleAnswer(2));
      expect(plainAnswer(await rig.store.find("a"))).toEqual(plainAnswer(sampleAnswer(1)));
      expect(await rig.store.find("b")).toBeUndefined();
      expect(rig.store.hasRoom()).toBe(true);
    });
  });
}

/** What every AnswerStore must do that counts time and room by itself. */
export function describeAnswerStoreContract(
  kind: string,
  start: (limits: AnswerLimits) => Promise<AnswerRig>,
): void {
  const open = (limits: Partial<AnswerLimits> = {}) =>
    start({ windowMs: WINDOW_MS, maxBytes: 1024 * 1024, ...limits });

  describeKeptAnswers(kind, start);
  describe(`answer store contract: ${kind}`, () => {
    it("forgets an answer when its time has passed since it was saved first, and takes another one then", async () => {
      await using rig = await open();
      await rig.store.save("a", sampleAnswer(1));
      rig.advance(WINDOW_MS - 1);
      await rig.store.save("a", sampleAnswer(2));
      await rig.store.save("b", sampleAnswer(3));
      expect(plainAnswer(await rig.store.find("a"))).toEqual(plainAnswer(sampleAnswer(1)));
      rig.advance(1);
      expect(await rig.store.find("a")).toBeUndefined();
      expect(plainAnswer(await rig.store.find("b"))).toEqual(plainAnswer(sampleAnswer(3)));
      await rig.store.save("a", sampleAnswer(4));
      rig.advance(WINDOW_MS - 1);
      expect(plainAnswer(await rig.store.find("a"))).toEqual(plainAnswer(sampleAnswer(4)));
      expect(await rig.store.find("b")).toBeUndefined();
    });

    it("says early that it has no room, takes what it can, forgets none for it, and has room again in time", async () => {
      const maxBytes = 20_000;
      await using rig = await open({ maxBytes });
      const { store } = rig;
      const answerOf = (n: number) => sampleAnswer(n, "x".repeat(600));
      const size = answerBytes("id-00", answerOf(0));
      const idOf = (n: number) => `id-${String(n).padStart(2, "0")}`;
      let saved = 0;
      for (; store.hasRoom(); saved++) await store.save(idOf(saved), answerOf(saved));
      expect(saved).toBe(Math.ceil(fullFrom(maxBytes) / size));
      const fits = Math.floor(maxBytes / size);
      expect(fits).toBeGreaterThan(saved);
      for (; saved < fits; saved++) await store.save(idOf(saved), answerOf(saved));
      await expect(store.save("one-more", answerOf(99))).rejects.toMatchObject({
        reason: "REQUEST_IDS_FULL",
        code: Code.ResourceExhausted,
      });
      for (let n = 0; n < saved; n++)
        expect(plainAnswer(await store.find(idOf(n)))).toEqual(plainAnswer(answerOf(n)));
      expect(await store.find("one-more")).toBeUndefined();
      rig.advance(WINDOW_MS);
      await hasRoomInTime(rig);
      await store.save("one-more", answerOf(99));
      expect(plainAnswer(await store.find("one-more"))).toEqual(plainAnswer(answerOf(99)));
    });

    it("refuses of many at once those that do not fit, and keeps the others", async () => {
      await using rig = await open({ maxBytes: 10_000 });
      const answer = sampleAnswer(1, "x".repeat(1_000));
      const saves = Array.from({ length: 20 }, (_, n) => rig.store.save(`id-${n}`, answer));
      const results = await Promise.allSettled(saves);
      const kept = results.filter(({ status }) => status === "fulfilled").length;
      expect(kept).toBe(Math.floor(10_000 / answerBytes("id-00", answer)));
      const found = await Promise.all(results.map((_, n) => rig.store.find(`id-${n}`)));
      expect(found.map((one) => one !== undefined)).toEqual(results.map((r) => r.status === "fulfilled"));
    });

    it("still knows everything after a restart: answers, their times, and how full it is", async () => {
      await using rig = await open({ maxBytes: 4_000 });
      const answer = sampleAnswer(1, "x".repeat(1_800));
      await rig.store.save("a", answer);
      rig.advance(WINDOW_MS / 2);
      await rig.store.save("b", answer);
      expect(rig.store.hasRoom()).toBe(false);
      await rig.reopen();
      expect(rig.store.hasRoom()).toBe(false);
      expect(plainAnswer(await rig.store.find("a"))).toEqual(plainAnswer(answer));
      rig.advance(WINDOW_MS / 2);
      expect(await rig.store.find("a")).toBeUndefined();
      expect(plainAnswer(await rig.store.find("b"))).toEqual(plainAnswer(answer));
      await hasRoomInTime(rig);
    });
  });
}
