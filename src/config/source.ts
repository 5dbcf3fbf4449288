import type { ConfigProblem } from "./problem.ts";
import type { SettingPath } from "./settings.ts";

/** Kind of source, least important first. */
export type SourceKind = "default" | "file" | "environment" | "flag";

/** Where a value came from. */
export interface Origin {
  readonly kind: SourceKind;
  /** As a reader knows it: `--grpc-listen`, `INFOBIP_RPC_GRPC_LISTEN`, `config.yaml:3` or `default`. */
  readonly name: string;
}

/** The text one source gives for one setting. */
export interface SourceEntry {
  readonly path: SettingPath;
  readonly text: string;
  /** The text is the name of a file that holds the value. */
  readonly isFileName: boolean;
  readonly origin: Origin;
}

/** What one source gives. */
export interface SourceReading {
  readonly entries: readonly SourceEntry[];
  readonly problems: readonly ConfigProblem[];
}

/** Reads a small text file. Rejects with an Error when it is missing or over `maxBytes`. */
export type ReadTextFile = (path: string, maxBytes: number) => Promise<string>;
