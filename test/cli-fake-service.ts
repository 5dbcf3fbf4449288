import {
  create,
  type DescMessage,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { setTrailerStatus } from "@connectrpc/connect/protocol-grpc";
import {
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServerWritableStream,
  type UntypedHandleCall,
} from "@grpc/grpc-js";
import {
  EventsService,
  type WatchEventsRequest,
  WatchEventsResponseSchema,
} from "../gen/infobip/events/v1/events_service_pb.js";
import {
  type GetMessageRequest,
  GetMessageResponseSchema,
  type ListEventsRequest,
  ListEventsResponseSchema,
} from "../gen/infobip/events/v1/history_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import {
  type SendMessagesRequest,
  SendMessagesResponseSchema,
} from "../gen/infobip/messages/v1/send_messages_pb.js";
import {
  type CancelSubmissionRequest,
  CancelSubmissionResponseSchema,
  type GetSubmissionRequest,
  GetSubmissionResponseSchema,
  type ListSubmissionsRequest,
  ListSubmissionsResponseSchema,
  type SubmitMessagesRequest,
  SubmitMessagesResponseSchema,
} from "../gen/infobip/messages/v1/submission_pb.js";
import { type ServiceError, toConnectError } from "../src/errors.ts";

type Frame = MessageInitShape<typeof WatchEventsResponseSchema>;

/** One scripted stream: frames, then an error, an end, or waiting for the client to hang up. */
export interface ScriptedStream {
  readonly frames: readonly Frame[];
  readonly ending: ServiceError | "end" | "wait";
}

/** What the fake answers. Streams are used up in order; the last one is repeated. */
export interface FakeScript {
  readonly send?: (
    request: SendMessagesRequest,
  ) => MessageInitShape<typeof SendMessagesResponseSchema> | ServiceError;
  readonly submit?: (
    request: SubmitMessagesRequest,
  ) => MessageInitShape<typeof SubmitMessagesResponseSchema> | ServiceError;
  readonly submission?: (
    request: GetSubmissionRequest,
  ) => MessageInitShape<typeof GetSubmissionResponseSchema> | ServiceError;
  readonly submissions?: (
    request: ListSubmissionsRequest,
  ) => MessageInitShape<typeof ListSubmissionsResponseSchema>;
  readonly cancel?: (
    request: CancelSubmissionRequest,
  ) => MessageInitShape<typeof CancelSubmissionResponseSchema> | ServiceError;
  readonly streams?: readonly ScriptedStream[];
  readonly list?: (request: ListEventsRequest) => MessageInitShape<typeof ListEventsResponseSchema>;
  readonly message?: (
    request: GetMessageRequest,
  ) => MessageInitShape<typeof GetMessageResponseSchema> | ServiceError;
}

/** A gRPC server that plays a script and records what it was asked. */
export class FakeService implements AsyncDisposable {
  readonly sends: SendMessagesRequest[] = [];
  readonly submits: SubmitMessagesRequest[] = [];
  readonly submissionLists: ListSubmissionsRequest[] = [];
  /** Names that were asked for, or cancelled. */
  readonly submissionNames: string[] = [];
  readonly watches: WatchEventsRequest[] = [];
  readonly lists: ListEventsRequest[] = [];
  readonly lookUps: GetMessageRequest[] = [];
  readonly #script: FakeScript;
  readonly #server = new Server();
  target = "";

  constructor(script: FakeScript) {
    this.#script = script;
  }

  static async start(script: FakeScript): Promise<FakeService> {
    const fake = new FakeService(script);
    await fake.#start();
    return fake;
  }

  async #start(): Promise<void> {
    const send: handleUnaryCall<SendMessagesRequest, object> = (call, callback) =>
      this.#send(call.request, callback);
    const watch: handleServerStreamingCall<WatchEventsRequest, object> = (call) => this.#watch(call);
    const { sendMessages, submitMessages, getSubmission, listSubmissions, cancelSubmission } =
      MessagesService.method;
    const { watchEvents, listEvents, getMessage } = EventsService.method;
    const list: handleUnaryCall<ListEventsRequest, object> = ({ request }, callback) => {
      this.lists.push(request);
      callback(null, create(ListEventsResponseSchema, this.#script.list?.(request)));
    };
    const lookUp: handleUnaryCall<GetMessageRequest, object> = ({ request }, callback) => {
      this.lookUps.push(request);
      const answer = this.#script.message?.(request) ?? {};
      if (answer instanceof Error) callback(grpcError(answer as ServiceError));
      else callback(null, create(GetMessageResponseSchema, answer));
    };
    const submit = unary(SubmitMessagesResponseSchema, (request: SubmitMessagesRequest) => {
      this.submits.push(request);
      return this.#script.submit?.(request);
    });
    const getOne = unary(GetSubmissionResponseSchema, (request: GetSubmissionRequest) => {
      this.submissionNames.push(request.name);
      return this.#script.submission?.(request);
    });
    const listAll = unary(ListSubmissionsResponseSchema, (request: ListSubmissionsRequest) => {
      this.submissionLists.push(request);
      return this.#script.submissions?.(request);
    });
    const cancel = unary(CancelSubmissionResponseSchema, (request: CancelSubmissionRequest) => {
      this.submissionNames.push(request.name);
      return this.#script.cancel?.(request);
    });
    this.#server.addService(
      {
        sendMessages: definition(sendMessages),
        submitMessages: definition(submitMessages),
        getSubmission: definition(getSubmission),
        listSubmissions: definition(listSubmissions),
        cancelSubmission: definition(cancelSubmission),
      },
      {
        sendMessages: send as UntypedHandleCall,
        submitMessages: submit,
        getSubmission: getOne,
        listSubmissions: listAll,
        cancelSubmission: cancel,
      },
    );
    this.#server.addService(
      {
        watchEvents: definition(watchEvents),
        listEvents: definition(listEvents),
        getMessage: definition(getMessage),
      },
      {
        watchEvents: watch as UntypedHandleCall,
        listEvents: list as UntypedHandleCall,
        getMessage: lookUp as UntypedHandleCall,
      },
    );
    const port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      );
    });
    this.target = `127.0.0.1:${port}`;
  }

  #send(request: SendMessagesRequest, callback: (error: object | null, response?: object) => void): void {
    this.sends.push(request);
    const answer = this.#script.send?.(request) ?? {};
    if (answer instanceof Error) callback(grpcError(answer as ServiceError));
    else callback(null, create(SendMessagesResponseSchema, answer));
  }

  #watch(call: ServerWritableStream<WatchEventsRequest, object>): void {
    const streams = this.#script.streams ?? [];
    const script = streams[Math.min(this.watches.length, streams.length - 1)];
    this.watches.push(call.request);
    for (const frame of script?.frames ?? []) call.write(create(WatchEventsResponseSchema, frame));
    if (script === undefined || script.ending === "end") call.end();
    else if (script.ending !== "wait") call.emit("error", grpcError(script.ending));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}

/** A handler that answers what the script says: an empty answer when it says nothing. */
function unary<Request, Schema extends DescMessage>(
  schema: Schema,
  answerOf: (request: Request) => MessageInitShape<Schema> | ServiceError | undefined,
): UntypedHandleCall {
  const handle: handleUnaryCall<Request, object> = ({ request }, callback) => {
    const answer = answerOf(request);
    if (answer instanceof Error) callback(grpcError(answer as ServiceError));
    else callback(null, create(schema, answer));
  };
  return handle as UntypedHandleCall;
}

function definition(method: DescMethodUnary | DescMethodServerStreaming) {
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: false,
    responseStream: method.methodKind === "server_streaming",
    requestSerialize: (message: MessageShape<typeof method.input>) =>
      Buffer.from(toBinary(method.input, message)),
    requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
    responseSerialize: (message: MessageShape<typeof method.output>) =>
      Buffer.from(toBinary(method.output, message)),
    responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
  };
}

function grpcError(error: ServiceError): { code: number; details: string; metadata: Metadata } {
  // Without a reason the error is one that no service made, such as a broken connection.
  if (error.reason === undefined)
    return { code: error.code, details: error.message, metadata: new Metadata() };
  const headers = setTrailerStatus(new Headers(), toConnectError(error));
  const metadata = new Metadata();
  const details = headers.get("grpc-status-details-bin");
  if (details !== null) metadata.set("grpc-status-details-bin", Buffer.from(details, "base64"));
  return { code: error.code, details: error.message, metadata };
}
