const COLLECTION = "submissions/";

/** Resource name of a submission. */
export function submissionName(requestId: string): string {
  return `${COLLECTION}${requestId}`;
}

/** Request id of a submission by its resource name, which request validation has checked. */
export function submissionId(name: string): string {
  return name.slice(COLLECTION.length);
}
