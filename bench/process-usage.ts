import { readFileSync } from "node:fs";

/** Microseconds of one clock tick: Linux counts 100 a second for every process. */
const TICK_US = 10_000;

/** CPU that a process has used in all its threads, in microseconds, by the system's accounting. Linux only. */
export function cpuMicroseconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold spaces; utime and stime are the 14th and 15th field.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_US;
}

/** Memory of a process that is resident, in MiB. Linux only. */
export function residentMiB(pid: number): number {
  return statusMiB(pid, "VmRSS");
}

/** The most memory of a process that was resident at one time, in MiB. Linux only. */
export function peakResidentMiB(pid: number): number {
  return statusMiB(pid, "VmHWM");
}

function statusMiB(pid: number, name: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [, kib] = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status) ?? [];
  return Number(kib) / 1024;
}
