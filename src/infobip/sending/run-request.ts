import type { MessageResponse } from "../../../gen/infobip/messages/v1/response_pb.js";
import { ensureServiceError, type ServiceError } from "../../errors.ts";
import type { InfobipClient } from "../infobip-client.ts";
import { requestBody } from "./request-body.ts";
import type { SendRequest } from "./send-request.ts";

/**
 * Makes one request, in the same turn unless its jobs want to get ready before.
 * Resolves with what came of it; undefined when all its jobs have ended before
 * it left. Never rejects.
 */
export async function runRequest(
  request: SendRequest,
  client: Pick<InfobipClient, "sendMessages" | "sendEvents">,
): Promise<MessageResponse | ServiceError | undefined> {
  if (request.jobs.some(({ job }) => job.beforeSend !== undefined)) {
    await getReady(request);
    if (request.jobs.length === 0) return undefined;
  }
  try {
    const { endpoint, text } = requestBody(request.jobs);
    request.isHandedOver = true;
    const options = request.callOptions();
    return await (endpoint === "events"
      ? client.sendEvents(text, options)
      : client.sendMessages(text, options));
  } catch (error) {
    return ensureServiceError(error);
  }
}

/** Jobs that cannot get ready end, and those that have ended meanwhile stay behind. */
async function getReady(request: SendRequest): Promise<void> {
  await Promise.all(
    request.jobs.map(async (job) => {
      try {
        await job.job.beforeSend?.();
      } catch (error) {
        if (!job.hasEnded) job.fail(ensureServiceError(error));
      }
    }),
  );
  request.jobs = request.waitingJobs;
}
