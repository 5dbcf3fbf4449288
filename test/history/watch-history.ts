/** An event of the log, as it was listed after everything had happened. */
export interface LoggedEvent {
  readonly sequence: number;
  /** Public id. */
  readonly id: string;
  /** Its message: what orders its deliveries. Empty for an event of no message. */
  readonly key: string;
  /** The reported item that it came from. */
  readonly item: string;
}

/** One webhook call. Times are milliseconds of one clock that only rises, over the whole history. */
export interface Post {
  readonly incarnation: number;
  /** Items in the body. */
  readonly items: readonly string[];
  readonly sentAt: number;
  readonly endedAt: number;
  /** HTTP status; undefined when no answer came. */
  readonly status: number | undefined;
}

/** What a client saw of one frame of WatchEvents, with cursors as positions. */
export type WatchFrame =
  | { readonly at: number; readonly kind: "started"; readonly position: number; readonly head: number }
  | {
      readonly at: number;
      readonly kind: "events";
      readonly events: readonly { readonly sequence: number; readonly id: string }[];
    }
  | { readonly at: number; readonly kind: "progress"; readonly position: number; readonly head: number }
  | { readonly at: number; readonly kind: "gap"; readonly from: number; readonly to: number };

/** One call of WatchEvents. */
export interface WatchStream {
  /** Whose it is: the streams of one reader follow each other. */
  readonly reader: string;
  readonly incarnation: number;
  /** Position that was asked for; 0 for the earliest. */
  readonly from: number;
  /** Which events the filter of the call lets pass. */
  readonly matches: (event: LoggedEvent) => boolean;
  readonly frames: readonly WatchFrame[];
}

/** What webhook senders and watching clients did and saw. */
export interface WatchHistory {
  readonly posts: readonly Post[];
  readonly streams: readonly WatchStream[];
  /** In the order of the log. */
  readonly log: readonly LoggedEvent[];
  /** Position up to which retention has removed events by the time the log was listed. */
  readonly removedTo: number;
  /** Position of the last event when the log was listed. */
  readonly head: number;
  /** Whether sequences may be left out: in a fleet a repeat can take one that no event then has. Default: false. */
  readonly mayHaveGaps?: boolean;
}
