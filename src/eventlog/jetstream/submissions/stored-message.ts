/** A message of a stream. */
export interface StoredMessage {
  readonly sequence: number;
  readonly data: Uint8Array;
}
