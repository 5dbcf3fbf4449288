/** Status of a message, as Infobip's bodies hold it. */
export interface Status {
  readonly groupId: number;
  readonly groupName: string;
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly action?: string;
}

/** Error of a delivery report, as Infobip's bodies hold it. */
export interface ReportError {
  readonly groupId: number;
  readonly groupName: string;
  readonly id: number;
  readonly name: string;
  readonly description: string;
  readonly permanent: boolean;
}

const pending = { groupId: 1, groupName: "PENDING" };
const undeliverable = { groupId: 2, groupName: "UNDELIVERABLE" };
const delivered = { groupId: 3, groupName: "DELIVERED" };
const expired = { groupId: 4, groupName: "EXPIRED" };
const rejected = { groupId: 5, groupName: "REJECTED" };

/** Statuses that the simulator answers or reports, by name. */
export const STATUSES = {
  MESSAGE_ACCEPTED: {
    ...pending,
    id: 26,
    name: "MESSAGE_ACCEPTED",
    description: "Message sent to next instance",
  },
  PENDING_ENROUTE: {
    ...pending,
    id: 7,
    name: "PENDING_ENROUTE",
    description: "Message sent to next instance",
  },
  UNDELIVERABLE_NOT_DELIVERED: {
    ...undeliverable,
    id: 9,
    name: "UNDELIVERABLE_NOT_DELIVERED",
    description: "Message sent not delivered",
  },
  DELIVERED_TO_OPERATOR: {
    ...delivered,
    id: 2,
    name: "DELIVERED_TO_OPERATOR",
    description: "Message delivered to operator",
  },
  DELIVERED_TO_HANDSET: {
    ...delivered,
    id: 5,
    name: "DELIVERED_TO_HANDSET",
    description: "Message delivered to handset",
  },
  EXPIRED_EXPIRED: { ...expired, id: 15, name: "EXPIRED_EXPIRED", description: "Message expired" },
  REJECTED_NOT_ENOUGH_CREDITS: {
    ...rejected,
    id: 12,
    name: "REJECTED_NOT_ENOUGH_CREDITS",
    description: "Not enough credits",
  },
  REJECTED_DESTINATION_BLOCKLISTED: {
    ...rejected,
    id: 14,
    name: "REJECTED_DESTINATION_BLOCKLISTED",
    description: "Destination is on the blocklist",
    action: "Remove the destination from the blocklist.",
  },
  REJECTED_DUPLICATE_MESSAGE_ID: {
    ...rejected,
    id: 23,
    name: "REJECTED_DUPLICATE_MESSAGE_ID",
    description: "Message ID is already in use",
    action: "Use a unique message ID for every message.",
  },
} as const satisfies Record<string, Status>;

/** Name of a status that the simulator knows. */
export type StatusName = keyof typeof STATUSES;

const NO_ERROR: ReportError = {
  groupId: 0,
  groupName: "OK",
  id: 0,
  name: "NO_ERROR",
  description: "No Error",
  permanent: false,
};

const ERRORS: Partial<Record<StatusName, ReportError>> = {
  UNDELIVERABLE_NOT_DELIVERED: {
    groupId: 1,
    groupName: "HANDSET_ERRORS",
    id: 27,
    name: "EC_ABSENT_SUBSCRIBER",
    description: "Absent Subscriber",
    permanent: false,
  },
  EXPIRED_EXPIRED: {
    groupId: 2,
    groupName: "USER_ERRORS",
    id: 4101,
    name: "EC_VALIDITY_EXPIRED",
    description: "Validity period expired",
    permanent: true,
  },
  REJECTED_DESTINATION_BLOCKLISTED: {
    groupId: 2,
    groupName: "USER_ERRORS",
    id: 2052,
    name: "EC_BLACKLISTED_DESTINATIONADDRESS",
    description: "Destination address is blocked",
    permanent: true,
  },
};

/** The error that goes with a status in a delivery report. */
export function errorOf(status: StatusName): ReportError {
  return ERRORS[status] ?? NO_ERROR;
}

/** Whether nothing follows a status. DELIVERED_TO_OPERATOR is not final. */
export function isFinal(status: StatusName): boolean {
  return STATUSES[status].groupId !== 1 && status !== "DELIVERED_TO_OPERATOR";
}

/** Whether a status makes the next failover channel be tried. */
export function isFailure(status: StatusName): boolean {
  return isFinal(status) && STATUSES[status].groupId !== 3;
}
