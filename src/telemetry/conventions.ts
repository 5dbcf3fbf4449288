/**
 * Names of OpenTelemetry's semantic conventions 1.45, as the JavaScript package
 * `@opentelemetry/semantic-conventions` has them. They are written out here
 * since loading the package's 600 kB for some strings would delay the start.
 */
export const METRIC = {
  rpcServerCallDuration: "rpc.server.call.duration",
  httpClientRequestDuration: "http.client.request.duration",
  eventLoopDelayP50: "nodejs.eventloop.delay.p50",
  eventLoopDelayP99: "nodejs.eventloop.delay.p99",
  eventLoopDelayMax: "nodejs.eventloop.delay.max",
  eventLoopUtilization: "nodejs.eventloop.utilization",
  eventLoopTime: "nodejs.eventloop.time",
  heapUsed: "v8js.memory.heap.used",
  heapSpaceSize: "v8js.memory.heap.space.size",
  gcDuration: "v8js.gc.duration",
  processCpuTime: "process.cpu.time",
  processMemoryUsage: "process.memory.usage",
  processUptime: "process.uptime",
} as const;

/** Names of attributes of the same conventions. */
export const ATTRIBUTE = {
  rpcSystemName: "rpc.system.name",
  rpcMethod: "rpc.method",
  rpcStatusCode: "rpc.status_code",
  errorType: "error.type",
  httpRequestMethod: "http.request.method",
  httpResponseStatusCode: "http.response.status_code",
  serverAddress: "server.address",
  serverPort: "server.port",
  urlTemplate: "url.template",
  cpuMode: "cpu.mode",
  eventLoopState: "nodejs.eventloop.state",
  heapSpaceName: "v8js.heap.space.name",
  gcType: "v8js.gc.type",
} as const;

/** Bounds of the buckets that the conventions advise for durations of calls and requests, in seconds. */
export const DURATION_BOUNDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
