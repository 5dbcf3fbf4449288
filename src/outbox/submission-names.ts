const COLLECTION = "submissions/";

/** Resource name of a submission by its id. */
export function submissionName(id: string): string {
  return `${COLLECTION}${id}`;
}

/** What the submitter gave as request id: the id of the submission without the name of a named caller and the slash in front of it. */
export function requestIdOf(id: string): string {
  return id.slice(id.lastIndexOf("/") + 1);
}

/** Id of a submission by its resource name, which request validation has checked. */
export function submissionId(name: string): string {
  return name.slice(COLLECTION.length);
}
