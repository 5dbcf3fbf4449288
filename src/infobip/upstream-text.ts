import type { Secret } from "../secret.ts";

/** Longest text of Infobip's that is passed on, in characters. */
export const MAX_TEXT_LENGTH = 300;
/** Shorter secrets are left alone: hiding every "a" would tell more than it hides. */
const MIN_HIDDEN_LENGTH = 4;
const HIDDEN = "[hidden]";
/** Seven digits or more, in groups or not: a phone number for all we know. */
const DIGIT_RUN = /\+?\d(?:[ ().\-/]{0,3}\d){6,}/g;
const CONTROL = /\p{Cc}+/gu;

/**
 * Makes a text of Infobip's, or of a proxy in between, fit for a caller: one
 * line, cut, without long numbers and without the given secrets, also as they
 * stand in a URL.
 */
export function cleanText(text: string, secrets: readonly Secret[]): string {
  // Cut with a margin first, so that the work is bounded, and again at the end; a secret is never cut in half in between.
  let clean = text.slice(0, MAX_TEXT_LENGTH * 20);
  for (const secret of secrets) {
    for (const form of formsOf(secret.reveal())) clean = clean.replaceAll(form, HIDDEN);
  }
  clean = clean.replace(CONTROL, " ").replace(DIGIT_RUN, HIDDEN).trim();
  return clean.length <= MAX_TEXT_LENGTH ? clean : `${clean.slice(0, MAX_TEXT_LENGTH - 1)}…`;
}

function formsOf(value: string): readonly string[] {
  if (value.length < MIN_HIDDEN_LENGTH) return [];
  return value.isWellFormed() ? [value, encodeURIComponent(value)] : [value];
}
