import type { Caller, PeerIdentity } from "../rpc/caller.ts";
import { isSameHash, tokenHash } from "./caller-token.ts";
import { CallersFileError, type CallersProblem } from "./callers-file-error.ts";
import { CertificateIndex, parseCertificatePattern } from "./certificate-pattern.ts";
import type { CallerCredentials } from "./parse-callers.ts";

/** Most tokens whose hash is remembered. */
const MAX_REMEMBERED = 4_096;

/** The callers of one state of the file. */
export class CallerTable {
  readonly #byName = new Map<string, Caller>();
  readonly #byHash = new Map<string, { readonly hash: string; readonly caller: Caller }>();
  readonly #byCertificate = new CertificateIndex<Caller>();
  /**
   * Callers by tokens that were accepted, to spare the hash. How long a look-up
   * takes tells nothing of a token to whoever does not have it: the map hashes the whole text with a
   * seed of its own, compares texts only where those hashes are equal, and holds no token that was refused.
   */
  readonly #remembered = new Map<string, Caller>();

  /** Throws CallersFileError when two callers share a name or a credential. */
  constructor(entries: readonly CallerCredentials[]) {
    const problems = entries.flatMap((entry) => this.#add(entry));
    if (problems.length > 0) throw new CallersFileError(problems);
  }

  /** Names of all callers, in the order of the file. */
  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  byName(name: string): Caller | undefined {
    return this.#byName.get(name);
  }

  byToken(token: string): Caller | undefined {
    const known = this.#remembered.get(token);
    if (known !== undefined) return known;
    const hash = tokenHash(token);
    const entry = this.#byHash.get(hash);
    if (entry === undefined || !isSameHash(entry.hash, hash)) return undefined;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(token, entry.caller);
    return entry.caller;
  }

  byCertificate(identity: PeerIdentity): Caller | undefined {
    return this.#byCertificate.find(identity);
  }

  #add({ caller, tokenHashes, certificates }: CallerCredentials): CallersProblem[] {
    const problems: CallersProblem[] = [];
    const report = (field: string, message: string): void => {
      problems.push({ entry: `caller "${caller.name}"`, field, message });
    };
    if (this.#byName.has(caller.name)) report("name", "another caller has this name");
    this.#byName.set(caller.name, caller);
    for (const [index, hash] of tokenHashes.entries()) {
      if (this.#byHash.has(hash))
        report(`token_sha256[${index}]`, "is there twice; each caller needs tokens of its own");
      this.#byHash.set(hash, { hash, caller });
    }
    for (const [index, text] of certificates.entries()) {
      const pattern = parseCertificatePattern(text);
      const isNew = pattern !== undefined && this.#byCertificate.add(pattern, caller);
      if (!isNew)
        report(`certificates[${index}]`, "is there twice; each caller needs certificates of its own");
    }
    return problems;
  }
}
