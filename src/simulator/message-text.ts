const LINK = /https?:\/\/[^\s<>"']+/u;
/** Characters of the GSM 7-bit alphabet that matter here: ASCII without the backtick, and the common letters. */
const GSM_TEXT = /^[\n\r\x20-\x5f\x61-\x7e£¥èéùìòÇØøÅåΔΦΓΛΩΠΨΣΘΞÆæßÉ¤¡ÄÖÑÜ§¿äöñüà€]*$/u;

/** Characters in a text message of one part and in each part of several, by alphabet. */
const GSM_LENGTHS = { single: 160, part: 153 };
const UNICODE_LENGTHS = { single: 70, part: 67 };

/** Parts into which an SMS text is split. Near enough for a test; not billing. */
export function partsOf(text: string): number {
  const { single, part } = GSM_TEXT.test(text) ? GSM_LENGTHS : UNICODE_LENGTHS;
  return text.length <= single ? 1 : Math.ceil(text.length / part);
}

/** The first link in a text. */
export function linkIn(text: string): string | undefined {
  return LINK.exec(text)?.[0];
}
