const CHANNELS = ["SMS", "WHATSAPP", "VIBER_BM", "RCS", "MMS"];

/** Id of the n-th message of a run: as UUIDv7 does, ids that are near in time are near in order. */
export function messageId(run: string, n: number): string {
  return `${run}-${n.toString(16).padStart(12, "0")}-7b1f-8a2c-5d6e7f809a1b`;
}

/** A webhook body of delivery reports with every documented property, each of another message. */
export function reportBody(run: string, first: number, count: number): string {
  return JSON.stringify({ results: Array.from({ length: count }, (_, i) => report(run, first + i)) });
}

function report(run: string, n: number): object {
  const second = String(n % 60).padStart(2, "0");
  const millisecond = String(n % 1_000).padStart(3, "0");
  return {
    event: "DELIVERY",
    channel: CHANNELS[n % CHANNELS.length],
    sender: "ServiceSMS",
    destination: `38591${String(n % 10_000_000).padStart(7, "0")}`,
    sentAt: `2026-05-04T09:30:${second}.000+0000`,
    doneAt: `2026-05-04T09:31:${second}.${millisecond}+0000`,
    bulkId: `${run}-bulk-${Math.floor(n / 100)}`,
    messageId: messageId(run, n),
    callbackData: `order-${n}`,
    messageCount: 1,
    status: {
      groupId: 3,
      groupName: "DELIVERED",
      id: 5,
      name: "DELIVERED_TO_HANDSET",
      description: "Message delivered to handset",
    },
    error: {
      groupId: 0,
      groupName: "OK",
      id: 0,
      name: "NO_ERROR",
      description: "No Error",
      permanent: false,
    },
    platform: { entityId: "shop", applicationId: "orders" },
    mccMnc: 21910,
    networkId: 1,
    campaignReferenceId: "spring",
  };
}
