import { describe, expect, it } from "vitest";
import { itemName, messageOf } from "./crash/reported-item.ts";
import { checkProgress, type FleetSession } from "./fleet/check-progress.ts";
import { checkReportOrder } from "./fleet/check-report-order.ts";
import { REPORTS_PER_POST, reportLane, STEPS } from "./fleet/report-lane.ts";
import type { LoggedEvent } from "./history/watch-history.ts";

const MESSAGES = 500;
const LANES = 3;

function reported(): string[][] {
  return Array.from({ length: LANES }, (_, lane) => [...reportLane(MESSAGES, lane, LANES)]).flat();
}

function logOf(items: readonly string[]): LoggedEvent[] {
  return items.map((item, index) => ({ sequence: index + 1, id: `id-${item}`, key: messageOf(item), item }));
}

describe("the reports of a proof", () => {
  it("are each step of each message once, in full webhooks", () => {
    const bodies = reported();
    expect(new Set(bodies.flat()).size).toBe(MESSAGES * STEPS);
    expect(bodies.flat()).toHaveLength(MESSAGES * STEPS);
    expect(bodies.filter(({ length }) => length !== REPORTS_PER_POST).length).toBeLessThanOrEqual(LANES);
    expect(checkReportOrder(logOf(bodies.flat()), MESSAGES)).toEqual([]);
  });

  it("are missed when one is not in the log", () => {
    const items = reported().flat();
    const violations = checkReportOrder(logOf(items.toSpliced(7, 1)), MESSAGES);
    expect(violations).toHaveLength(1);
  });

  it("are told from such as come in another order, or twice", () => {
    const one = [itemName(0, 0), itemName(0, 2), itemName(0, 1)];
    const two = [itemName(1, 0), itemName(1, 1), itemName(1, 1), itemName(1, 2)];
    expect(checkReportOrder(logOf([...one, ...two]), 2)).toHaveLength(2);
    expect(checkReportOrder(logOf(one.toSorted()), 2)).toHaveLength(1);
  });
});

describe("the position of a subscription", () => {
  function session(beganAt: number, ...progress: readonly (readonly [number, number])[]): FleetSession {
    const steps = progress.map(([at, settledTo]) => ({ at, kind: "progress" as const, settledTo }));
    return { consumer: "c", gateway: "G", incarnation: 0, how: "left", endedAt: 100, beganAt, steps };
  }

  it("may be behind in frames that passed each other on their way", () => {
    expect(checkProgress([session(1, [2, 10], [8, 30]), session(5, [9, 20])])).toEqual([]);
  });

  it("must not be behind what was told before a session began", () => {
    expect(checkProgress([session(7, [9, 20]), session(1, [2, 10], [6, 30])])).toHaveLength(1);
  });
});
