import { type Answer, type ErrorStyle, errorAnswer, validationBadAnswer } from "./api-errors.ts";
import type { EndpointName, FaultKind, FaultRule } from "./fault.ts";

const PUBLISHED_VIOLATION = { property: "property.path", violation: "Violation message." };

const STATUS_OF: Partial<Record<FaultKind, number>> = {
  "bad-request": 400,
  unauthorized: 401,
  forbidden: 403,
  "rate-limited": 429,
  "server-error": 500,
  "bad-gateway": 502,
  unavailable: 503,
  "gateway-timeout": 504,
};

const PROXY_TEXTS: Readonly<Record<number, string>> = {
  502: "502 Bad Gateway",
  503: "503 Service Temporarily Unavailable",
  504: "504 Gateway Time-out",
};

/** The answer of a fault that replaces the right one; undefined for faults of other kinds. */
export function faultAnswer(
  fault: FaultRule,
  endpoint: EndpointName,
  defaultStyle: ErrorStyle,
): Answer | undefined {
  const status = STATUS_OF[fault.kind];
  if (status === undefined) return undefined;
  const headers = retryAfter(fault);
  const proxyText = PROXY_TEXTS[status];
  if (proxyText !== undefined) {
    const body = `<html>\r\n<head><title>${proxyText}</title></head>\r\n<body>\r\n<center><h1>${proxyText}</h1></center>\r\n</body>\r\n</html>\r\n`;
    return { status, body, contentType: "text/html", headers };
  }
  const violations = fault.violations ?? (status === 400 ? [PUBLISHED_VIOLATION] : []);
  if (status === 400 && endpoint === "validate" && fault.style !== "legacy") {
    return validationBadAnswer(violations);
  }
  return errorAnswer(status, { style: fault.style ?? defaultStyle, violations, headers });
}

function retryAfter({ kind, retryAfterSeconds }: FaultRule): Record<string, string> {
  const applies = kind === "rate-limited" || kind === "unavailable";
  return applies && retryAfterSeconds !== undefined ? { "retry-after": String(retryAfterSeconds) } : {};
}
