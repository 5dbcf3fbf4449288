/** Entity and application of Infobip's account model. */
export interface PlatformIds {
  readonly entityId?: string;
  readonly applicationId?: string;
}

/** One way in which a message may reach its recipient: its own channel, or a failover step. */
export interface Attempt {
  /** 0 for the message's own channel, 1 for the first failover step, and so on. */
  readonly step: number;
  /** Channel as in Infobip's JSON, such as `SMS`. */
  readonly channel: string;
  readonly sender: string;
  /** Address of the recipient on the channel. */
  readonly to: string;
  readonly messageId: string;
}

/** Where the callbacks of a message go; what is undefined is not posted. */
export interface CallbackTargets {
  readonly delivery: string | undefined;
  readonly seen: string | undefined;
  readonly click: string | undefined;
  /** Format of the delivery reports. */
  readonly contentType: "application/json" | "application/xml";
}

/** One destination of a request, as the simulator keeps it. */
export interface AcceptedMessage {
  readonly messageId: string;
  readonly bulkId: string;
  /** The own channel first, then the failover steps that have an address. */
  readonly attempts: readonly [Attempt, ...Attempt[]];
  readonly acceptedAtMs: number;
  /** Time from which the message is on its way: `schedule.sendAt`, or when it was accepted. */
  readonly sendAtMs: number;
  /** Parts the content is split into. */
  readonly messageCount: number;
  readonly callbackData: string | undefined;
  readonly platform: PlatformIds | undefined;
  readonly campaignReferenceId: string | undefined;
  readonly correlationData: string | undefined;
  /** First link in the text, for click reports. */
  readonly link: string | undefined;
  readonly intermediateReport: boolean;
  readonly receiveTriggeredFailoverReports: boolean;
  readonly targets: CallbackTargets;
}
