/** Most violations that are read from one body. */
export const MAX_VIOLATIONS_READ = 1_000;

/** What an error body says, in whichever of Infobip's styles; texts are as received. */
export interface ErrorBody {
  /** Code such as `E400` or `BAD_REQUEST`; empty when there is none. */
  readonly upstreamCode: string;
  readonly description: string;
  readonly action: string;
  readonly violations: readonly { readonly property: string; readonly description: string }[];
}

type Json = Readonly<Record<string, unknown>>;

const NOTHING: ErrorBody = { upstreamCode: "", description: "", action: "", violations: [] };

/** Parses JSON bytes, with or without byte order mark; undefined when they are none. */
export function parseJson(body: Buffer): unknown {
  try {
    const text = body.toString("utf8");
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text);
  } catch {
    return undefined;
  }
}

/** Whether a JSON value is an object. */
export function isJsonObject(json: unknown): json is Json {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/**
 * Reads an error body: ApiError, the older requestError.serviceException, or
 * the 400 of validate. What is neither (a proxy's page, a truncated or empty
 * body) says nothing.
 */
export function readErrorBody(body: Buffer): ErrorBody {
  const json = parseJson(body);
  if (!isJsonObject(json)) return NOTHING;
  const requestError = json.requestError;
  const legacy = isJsonObject(requestError) ? requestError.serviceException : undefined;
  return isJsonObject(legacy) ? readLegacy(legacy) : readApiError(json);
}

function readApiError(json: Json): ErrorBody {
  return {
    upstreamCode: codeOf(json.errorCode),
    description: textOf(json.description),
    action: textOf(json.action),
    violations: listOf(json.violations)
      .filter(isJsonObject)
      .map((item) => ({ property: textOf(item.property), description: textOf(item.violation) })),
  };
}

function readLegacy(exception: Json): ErrorBody {
  const errors = exception.validationErrors;
  const entries = isJsonObject(errors) ? Object.entries(errors).slice(0, MAX_VIOLATIONS_READ) : [];
  const violations = entries.flatMap(([property, texts]) =>
    (Array.isArray(texts) ? listOf(texts) : [texts]).map((text) => ({ property, description: textOf(text) })),
  );
  return {
    upstreamCode: codeOf(exception.messageId),
    description: textOf(exception.text),
    action: "",
    violations: violations.slice(0, MAX_VIOLATIONS_READ),
  };
}

function listOf(json: unknown): readonly unknown[] {
  return Array.isArray(json) ? json.slice(0, MAX_VIOLATIONS_READ) : [];
}

function textOf(json: unknown): string {
  return typeof json === "string" ? json : "";
}

function codeOf(json: unknown): string {
  return typeof json === "string" && /^[A-Z][A-Z0-9_]{0,40}$/.test(json) ? json : "";
}
