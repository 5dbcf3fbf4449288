import type { QueuedJob } from "./queued-job.ts";

/** Where a request goes, and its body. */
export interface RequestBody {
  readonly endpoint: "messages" | "events";
  readonly text: string;
}

/** Writes the body of a request with these jobs; several of them have messages without options. */
export function requestBody(jobs: readonly QueuedJob[]): RequestBody {
  const [first] = jobs;
  if (jobs.length === 1 && first) return bodyOfOne(first);
  const messages = jobs.flatMap(({ job }) => (job.body.endpoint === "messages" ? job.body.messages : []));
  return { endpoint: "messages", text: `{"messages":[${messages.join(",")}]}` };
}

function bodyOfOne({ job: { body } }: QueuedJob): RequestBody {
  if (body.endpoint === "events") return { endpoint: "events", text: body.body };
  const options = body.options === undefined ? "" : `,"options":${body.options}`;
  return { endpoint: "messages", text: `{"messages":[${body.messages.join(",")}]${options}}` };
}
