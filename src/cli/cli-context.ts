/** Where text goes to: a terminal, a pipe or a file. */
export interface TextSink {
  /** Calls back when the text, or bytes that are none, has left, with an error when it could not. */
  write(text: string | Uint8Array, done: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** A file that is being written. */
export interface CliFileWriter extends AsyncDisposable {
  /** Appends a text, or bytes that are none. Resolves when the system has it. */
  write(text: string | Uint8Array): Promise<void>;
}

/** Files as the commands need them. */
export interface CliFiles {
  /** Reads a text file. Rejects when it is missing or over `maxBytes`. */
  read(path: string, maxBytes: number): Promise<string>;
  /** As read, but undefined when there is no such file. */
  readIfThere(path: string, maxBytes: number): Promise<string | undefined>;
  /** Replaces a file so that a reader, or a crash, sees the old text or the new, never a part. */
  replace(path: string, text: string): Promise<void>;
  /** Opens a file for writing, empty and readable by its owner only. Rejects when it is there and may not be replaced. */
  create(path: string, replace: boolean): Promise<CliFileWriter>;
  /** Makes a new folder for temporary files. */
  makeTemporaryFolder(): Promise<string>;
  /** Removes a folder with all that is in it. */
  removeFolder(path: string): Promise<void>;
}

/** Time and chance. */
export interface CliClock {
  /** Unix milliseconds. */
  now(): number;
  /** 0 to 1. */
  random(): number;
  /** Resolves after the time, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The process, for a command that runs until it is told to stop. Each function that is returned takes its callback back. */
export interface CliProcess {
  /** Calls back when the configuration is to be read again. */
  onReload(callback: () => void): () => void;
  /** Calls back right before the process ends, whichever way but by a kill. Nothing asynchronous happens after it. */
  onExit(callback: (exitCode: number) => void): () => void;
  /** Calls back with an error that nobody has caught. The process then ends with the code that is returned. */
  onCrash(callback: (error: unknown) => number): () => void;
  /** Writes a small file in place, before it returns. Throws when it cannot. */
  writeNow(path: string, text: string): void;
}

/** Everything of the outside that a command can touch. */
export interface CliContext {
  /** Arguments after the name of the program. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdin: AsyncIterable<Uint8Array>;
  readonly stdout: TextSink;
  readonly stderr: TextSink;
  /** Aborts at the first signal to stop. */
  readonly signal: AbortSignal;
  readonly files: CliFiles;
  readonly clock: CliClock;
  readonly process: CliProcess;
  /** A TCP port on loopback that nobody listens on right now. */
  readonly freePort: () => Promise<number>;
}
