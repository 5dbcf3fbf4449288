/**
 * Why a transfer file cannot be written or read. NOT_A_TRANSFER: it is
 * something else. OTHER_VERSION: of another version of this service. DAMAGED:
 * some of it has changed. CUT_OFF: it ends too early. UNREADABLE: the log that
 * it is to be made of is damaged.
 */
export type TransferFailure = "NOT_A_TRANSFER" | "OTHER_VERSION" | "DAMAGED" | "CUT_OFF" | "UNREADABLE";

/** A transfer file cannot be written or read. The text says what to do; it holds nothing of any event. */
export class TransferError extends Error {
  override readonly name = "TransferError";
  readonly reason: TransferFailure;

  constructor(reason: TransferFailure, message: string, cause?: unknown) {
    super(message, { cause });
    this.reason = reason;
  }
}

/** The error for bytes that have changed since they were written; `detail` says where. */
export function damagedTransfer(detail: string, cause?: unknown): TransferError {
  const text = `the transfer file is damaged (${detail}); export the log again, and carry the file over as binary`;
  return new TransferError("DAMAGED", text, cause);
}

/** The error for a file that ends too early, after so many bytes. */
export function cutOffTransfer(bytes: number): TransferError {
  const text = `the transfer file is cut off after ${bytes} bytes; see why the export or the copy has stopped, and repeat it`;
  return new TransferError("CUT_OFF", text);
}
