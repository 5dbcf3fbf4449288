/** Number of a message in its run, from the id that reports.ts gave it. */
export function messageNumber(run: string, id: string | undefined): number {
  if (!id?.startsWith(`${run}-`)) throw new Error("an event of another run");
  return Number.parseInt(id.slice(run.length + 1, run.length + 13), 16);
}
