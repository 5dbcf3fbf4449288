import { expect, test } from "vitest";
import { LineBuffer } from "../src/cli/line-buffer.ts";

function rig() {
  const written: string[] = [];
  const scheduled: (() => void)[] = [];
  const buffer = new LineBuffer(
    (text) => written.push(text),
    (callback) => scheduled.push(callback),
  );
  return {
    buffer,
    written,
    endTurn: () => {
      for (const callback of scheduled.splice(0)) callback();
    },
  };
}

test("lines of one turn are written together, those of the next by themselves", () => {
  const { buffer, written, endTurn } = rig();
  buffer.write("a\n");
  buffer.write("b\n");
  expect(written).toEqual([]);
  endTurn();
  expect(written).toEqual(["a\nb\n"]);
  buffer.write("c\n");
  endTurn();
  endTurn();
  expect(written).toEqual(["a\nb\n", "c\n"]);
});

test("a flush writes at once, and the end of the turn nothing again", () => {
  const { buffer, written, endTurn } = rig();
  buffer.write("a\n");
  buffer.flush();
  buffer.flush();
  endTurn();
  expect(written).toEqual(["a\n"]);
});

test("many lines do not wait for the end of the turn", () => {
  const { buffer, written, endTurn } = rig();
  const line = `${"x".repeat(1023)}\n`;
  for (let n = 0; n < 130; n++) buffer.write(line);
  expect(written.length).toBe(2);
  endTurn();
  expect(written.join("")).toHaveLength(130 * 1024);
});
