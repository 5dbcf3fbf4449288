/** An answer to a REST request. */
export interface Answer {
  readonly status: number;
  /** Text of the body; empty for none. */
  readonly body: string;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One broken rule, as Infobip names it: by the path of the JSON property. */
export interface PropertyViolation {
  readonly property: string;
  readonly violation: string;
}

/** Which of Infobip's two kinds of error body is written. */
export type ErrorStyle = "api-error" | "legacy";

interface ErrorText {
  readonly description: string;
  readonly action: string;
  readonly legacyId: string;
  readonly legacyText: string;
}

const BAD_REQUEST_TEXT = "Request cannot be processed.";
const BAD_REQUEST_ACTION = "Check the syntax, violations and adjust the request.";

const ERROR_TEXTS: Readonly<Record<number, ErrorText>> = {
  400: {
    description: BAD_REQUEST_TEXT,
    action: BAD_REQUEST_ACTION,
    legacyId: "BAD_REQUEST",
    legacyText: "Bad request",
  },
  401: {
    description: "The request lacks valid authentication credentials for the requested resource.",
    action: "Check the resources and adjust authentication credentials.",
    legacyId: "UNAUTHORIZED",
    legacyText: "Unauthorized",
  },
  403: {
    description: "Insufficient permissions to access the requested resource.",
    action: "Repeat the request with new or different credentials.",
    legacyId: "FORBIDDEN",
    legacyText: "Forbidden",
  },
  404: {
    description: "The requested resource does not exist.",
    action: "Check the URL of the request.",
    legacyId: "NOT_FOUND",
    legacyText: "Not found",
  },
  405: {
    description: "The requested resource does not support this method.",
    action: "Check the method of the request.",
    legacyId: "METHOD_NOT_ALLOWED",
    legacyText: "Method not allowed",
  },
  413: {
    description: "The request body is too large.",
    action: "Send fewer messages in one request.",
    legacyId: "PAYLOAD_TOO_LARGE",
    legacyText: "Payload too large",
  },
  415: {
    description: "The content type of the request is not supported.",
    action: "Send the request as application/json.",
    legacyId: "UNSUPPORTED_MEDIA_TYPE",
    legacyText: "Unsupported media type",
  },
  429: {
    description: "Too many requests sent.",
    action: "Check request rate limit specified in the API endpoint documentation resource.",
    legacyId: "TOO_MANY_REQUESTS",
    legacyText: "Too many requests",
  },
  500: {
    description: "Something went wrong.",
    action: "Contact the support.",
    legacyId: "GENERAL_ERROR",
    legacyText: "Something went wrong. Please contact support.",
  },
};

/** What an error answer says beyond its status. */
export interface ErrorAnswerOptions {
  readonly style?: ErrorStyle | undefined;
  readonly violations?: readonly PropertyViolation[] | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Builds the error answer of a status, in the style wanted. Statuses without a text of their own get that of 500. */
export function errorAnswer(status: number, options: ErrorAnswerOptions = {}): Answer {
  const text = ERROR_TEXTS[status] ?? ERROR_TEXTS[500];
  const violations = options.violations ?? [];
  const body =
    options.style === "legacy"
      ? legacyBody(text, violations)
      : {
          errorCode: `E${status}`,
          description: text?.description,
          action: text?.action,
          violations,
          resources: [],
        };
  return { status, body: JSON.stringify(body), headers: options.headers ?? {} };
}

/** The 400 answer of the validate endpoint: it alone has no error code. */
export function validationBadAnswer(
  violations: readonly PropertyViolation[],
  skippableViolations: readonly PropertyViolation[] = [],
): Answer {
  const skippable = skippableViolations.length > 0 ? { skippableViolations } : {};
  const body = { description: BAD_REQUEST_TEXT, action: BAD_REQUEST_ACTION, violations, ...skippable };
  return { status: 400, body: JSON.stringify(body) };
}

function legacyBody(text: ErrorText | undefined, violations: readonly PropertyViolation[]): object {
  const validationErrors: Record<string, string[]> = {};
  for (const { property, violation } of violations) {
    const texts = validationErrors[property] ?? [];
    texts.push(violation);
    validationErrors[property] = texts;
  }
  const details = violations.length > 0 ? { validationErrors } : {};
  return {
    requestError: {
      serviceException: { messageId: text?.legacyId, text: text?.legacyText, ...details },
    },
  };
}
