import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { MessageResponseSchema } from "../gen/infobip/messages/v1/response_pb.js";
import { matchAnswers } from "../src/infobip/sending/match-answers.ts";

/** Answers are told apart by the address they name: their place in Infobip's list. */
function match(answered: readonly (string | undefined)[], jobs: readonly (readonly string[])[]) {
  const messages = answered.map((messageId, place) => ({
    ...(messageId === undefined ? {} : { messageId }),
    destination: String(place),
  }));
  const response = create(MessageResponseSchema, { messages });
  return matchAnswers(response, jobs).map((answers) => answers.map((answer) => answer?.destination));
}

test("answers go to the jobs with their ids, in the order of each job, however they stand", () => {
  expect(match(["a", "b", "c"], [["a", "b"], ["c"]])).toEqual([["0", "1"], ["2"]]);
  expect(match(["c", "b", "a"], [["a", "b"], ["c"]])).toEqual([["2", "1"], ["0"]]);
  expect(match(["b"], [["a", "b"], ["c"]])).toEqual([[undefined, "0"], [undefined]]);
  expect(match(["x", "a"], [["a"]])).toEqual([["1"]]);
});

test("of several answers with one id the first counts, and the others belong to nobody", () => {
  expect(match(["a", "a"], [["a"], ["b"]])).toEqual([["0"], [undefined]]);
  expect(match(["a", "b", "a"], [["a"], ["b"]])).toEqual([["0"], ["1"]]);
});

test("where no id fits the place counts, if Infobip answered for as many as the whole request has", () => {
  expect(match(["x", "b", undefined], [["a", "b"], ["c"]])).toEqual([["0", "1"], ["2"]]);
  expect(match(["x"], [["a"], ["b"]])).toEqual([[undefined], [undefined]]);
  expect(match(["x", "y", "z"], [["a"], ["b"]])).toEqual([[undefined], [undefined]]);
});

test("an answer with the id of another destination is not taken by place", () => {
  expect(match(["b", "x"], [["a"], ["b"]])).toEqual([[undefined], ["0"]]);
});

test("a destination without an id has the answer at its place", () => {
  expect(match(["made-up", "b"], [[""], ["b"]])).toEqual([["0"], ["1"]]);
  expect(match(["", "made-up"], [["", ""]])).toEqual([["0", "1"]]);
});

test("an id in other upper and lower case is the same one, wherever it stands", () => {
  expect(match(["B-2", "A-1"], [["a-1"], ["b-2"]])).toEqual([["1"], ["0"]]);
  expect(match(["B-2"], [["a-1"], ["b-2"]])).toEqual([[undefined], ["0"]]);
});

test("ids that differ by case alone are told apart, and no answer goes to two of them", () => {
  expect(match(["x", "X"], [["X"], ["x"]])).toEqual([["1"], ["0"]]);
  expect(match(["x", "x"], [["X"], ["x"]])).toEqual([[undefined], ["0"]]);
});

test("an answer without destinations says nothing of anybody", () => {
  expect(match([], [["a"], ["b", "c"]])).toEqual([[undefined], [undefined, undefined]]);
});
