import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Creates a folder and what is missing above it. One level after the other: Node's own recursive way never ends below a
 * folder such as /proc, which takes no new entries and says that they are not there.
 *
 * @throws Error as of mkdir
 */
export function makeFolder(path: string, mode: number): void {
  const missing: string[] = [];
  for (let folder = path; !existsSync(folder) && dirname(folder) !== folder; folder = dirname(folder))
    missing.push(folder);
  for (const folder of missing.reverse()) {
    try {
      mkdirSync(folder, { mode });
    } catch (error) {
      // Another process may be just as far.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
