/** TLS of a client. Values are the contents of PEM files, not their names. */
export interface ClientTls {
  /** Certificates of the authorities to trust. Default: those of Node. */
  readonly ca?: string | Uint8Array;
  /** Certificate of this client with its chain, for a service that asks for one; needs `key`. */
  readonly cert?: string | Uint8Array;
  /** Private key of `cert`. */
  readonly key?: string | Uint8Array;
  /** Name that the service's certificate must hold. Default: the host that is called. */
  readonly serverName?: string;
}

/** Why a stream is opened again, and when. */
export interface Reconnect {
  /** Milliseconds until the next try. */
  readonly delayMs: number;
  /** What ended the stream: an error's reason, or `STREAM_ENDED`. */
  readonly reason: string;
}

/** Options that every transport takes. */
export interface CommonClientOptions {
  /** Token of this caller, without `Bearer`; a function is asked before each call, so a token can change. */
  readonly token?: string | (() => string | Promise<string>);
  /** Allows a token without TLS to another machine, where it can be read on the way; for a network that encrypts itself. */
  readonly insecureToken?: boolean;
  /** Set: TLS. Not set: no TLS with `grpc`; with `connect` the URL says. */
  readonly tls?: ClientTls;
  /** Milliseconds until a unary call fails with DEADLINE_EXCEEDED, unless it names its own. Default 30,000. */
  readonly timeoutMs?: number;
  /** Largest message taken from the service, in bytes. Default 64 MiB. */
  readonly maxReceiveBytes?: number;
}

/** gRPC, by grpc-js. */
export interface GrpcClientOptions extends CommonClientOptions {
  readonly transport?: "grpc";
  /** `host:port`, `dns:///name:port` for all addresses of a name in turn, or `unix:/path`. */
  readonly target: string;
}

/** The Connect protocol over HTTP/2, by connect-node. */
export interface ConnectClientOptions extends CommonClientOptions {
  readonly transport: "connect";
  /** Such as `http://127.0.0.1:8080` or `https://gateway:8080`. */
  readonly baseUrl: string;
}

/** How to reach the service. */
export type ClientOptions = GrpcClientOptions | ConnectClientOptions;
