import type { Sandbox } from "./sandbox.ts";

interface Common {
  /** The block's first line, as it stands. */
  readonly begins: string;
  /** What stands for the reader to fill in, and what the test fills in. Each text must occur in the block. */
  readonly replace?: (sandbox: Sandbox) => Readonly<Record<string, string>>;
}

/** A block that ends by itself, with 0. */
export interface RunEntry extends Common {
  readonly how: "run";
  /** Shells in which the page tells to run it, one after the other. Default: `main`. Each keeps its variables and its folder. */
  readonly terminals?: readonly string[];
  /** All of them must match what the block prints on stdout; without them it must print nothing. */
  readonly prints?: readonly RegExp[];
  /** The page says that what it prints comes after a while: run until it has come. */
  readonly again?: boolean;
  /** What stands in files of the sandbox's folder afterwards. */
  readonly writes?: Readonly<Record<string, RegExp>>;
}

/** A block that ends when the reader presses Ctrl+C. */
export interface EndlessEntry extends Common {
  readonly how: "endless";
  readonly terminal?: string;
  /** All of them must match what the block prints on stdout; then it is stopped, at once or at the end of the page. */
  readonly prints: readonly RegExp[];
  readonly stops: "at once" | "after the page";
  /** Called again and again until the block has printed what it must. */
  readonly meanwhile?: (sandbox: Sandbox) => Promise<unknown>;
  /** Asked, once it has printed what it must, until it says that what the page promises has come about. */
  readonly brings?: (sandbox: Sandbox) => Promise<boolean>;
}

/** A block that needs what a test machine has not. What it names is checked, nothing is run. */
export interface CheckEntry extends Common {
  readonly how: "check";
  /** The program that is missing. */
  readonly needs: string;
}

/** How one block is tested. */
export type Entry = RunEntry | EndlessEntry | CheckEntry;

/** How the blocks of a page are tested, in the order of the page. */
export interface PageEntries {
  readonly page: string;
  /** Brings about what the page takes for granted. What it gives is disposed of after the page. */
  readonly given?: (sandbox: Sandbox) => Promise<AsyncDisposable>;
  readonly blocks: readonly Entry[];
}
