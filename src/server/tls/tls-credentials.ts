import type { TlsConfig } from "../../config/tls-config.ts";
import { TlsFilesError, type TlsIdentity, tlsIdentity, tlsPaths } from "../../config/tls-identity.ts";
import type { Timer } from "../../timer.ts";
import { type FileContents, WatchedFiles } from "../../watched-files.ts";

/** Longest wait for a certificate to become valid before it is looked at again, in milliseconds. */
const MAX_WAIT_MS = 3_600_000;

/** The files have changed: either they are used from now on, or the old ones stay. */
export type TlsReload = { readonly ok: true } | { readonly ok: false; readonly error: Error };

/** What {@link TlsCredentials} work with. */
export interface TlsCredentialsParts {
  readonly config: TlsConfig;
  readonly timer: Timer;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Told of each change, and once of each trouble. Must not throw. */
  readonly onReload: (reload: TlsReload) => void;
  /** How often the files are looked at, in milliseconds. Default: that of WatchedFiles. */
  readonly intervalMs?: number;
}

/**
 * Certificate, key and authorities of a listener, read from files that are
 * watched. Files that cannot be used leave in place what was used before.
 */
export class TlsCredentials implements Disposable {
  readonly config: TlsConfig;
  /** How many changes of the files were used, and how many were not. */
  readonly reloads = { ok: 0, failed: 0 };
  readonly #parts: TlsCredentialsParts;
  readonly #users = new Set<(identity: TlsIdentity) => void>();
  #identity: TlsIdentity;
  #files: WatchedFiles | undefined;
  /** Contents that could not be used. */
  #refused: FileContents | undefined;
  #callOff: (() => void) | undefined;

  private constructor(parts: TlsCredentialsParts, identity: TlsIdentity) {
    this.#parts = parts;
    this.config = parts.config;
    this.#identity = identity;
  }

  /** Reads the files and watches them. Rejects with a TlsFilesError when they cannot be used. */
  static async open(parts: TlsCredentialsParts): Promise<TlsCredentials> {
    let credentials: TlsCredentials | undefined;
    const { config, timer, intervalMs } = parts;
    const opened = await WatchedFiles.open({
      paths: tlsPaths(config),
      timer,
      ...(intervalMs === undefined ? {} : { intervalMs }),
      onChange: (contents) => credentials?.use(contents),
      onTrouble: (error) => credentials?.troubled(error),
    }).catch((error: unknown) => {
      throw unreadable(error);
    });
    try {
      credentials = new TlsCredentials(parts, tlsIdentity(config, opened.contents, parts.now()));
    } catch (error) {
      opened.files[Symbol.dispose]();
      throw error;
    }
    credentials.#files = opened.files;
    return credentials;
  }

  /** What is in use. */
  get identity(): TlsIdentity {
    return this.#identity;
  }

  /** When the certificate in use ends, in Unix milliseconds. */
  get expiresAt(): number {
    return this.#identity.expiresAt;
  }

  /** Calls back with each identity that comes into use; the returned function ends it. */
  onChange(use: (identity: TlsIdentity) => void): () => void {
    this.#users.add(use);
    return () => this.#users.delete(use);
  }

  /** Looks at the files now. Gives whether what they hold is in use. Never rejects. */
  async reload(): Promise<boolean> {
    const refused = this.#refused;
    const isReadable = (await this.#files?.check()) ?? false;
    // The same contents are not told again, though time may have made them good.
    if (refused !== undefined && this.#refused === refused) this.#tryAgain();
    return isReadable && this.#refused === undefined;
  }

  [Symbol.dispose](): void {
    this.#files?.[Symbol.dispose]();
    this.#callOff?.();
    this.#users.clear();
  }

  /** Takes new contents into use. Throws a TlsFilesError when they cannot be used. */
  use(contents: FileContents): void {
    this.#callOff?.();
    this.#refused = contents;
    try {
      this.#identity = tlsIdentity(this.config, contents, this.#parts.now());
    } catch (error) {
      if (error instanceof TlsFilesError && error.validFrom !== undefined) this.#wait(error.validFrom);
      throw error;
    }
    this.#refused = undefined;
    this.reloads.ok++;
    for (const use of this.#users) use(this.#identity);
    this.#parts.onReload({ ok: true });
  }

  /** Counts and tells a trouble with the files. */
  troubled(error: Error): void {
    this.reloads.failed++;
    this.#parts.onReload({ ok: false, error: error instanceof TlsFilesError ? error : unreadable(error) });
  }

  #wait(validFrom: number): void {
    const delayMs = Math.min(MAX_WAIT_MS, validFrom - this.#parts.now() + 1);
    this.#callOff = this.#parts.timer.schedule(delayMs, () => this.#tryAgain());
  }

  #tryAgain(): void {
    const contents = this.#refused;
    if (contents === undefined) return;
    try {
      this.use(contents);
    } catch {
      // It has been told when it came.
    }
  }
}

function unreadable(error: unknown): TlsFilesError {
  const text = error instanceof Error ? error.message : "unknown error";
  return new TlsFilesError("FILE_UNREADABLE", "cert", `a TLS file cannot be read: ${text}`);
}
