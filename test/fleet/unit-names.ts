/** Id of the subscription that consumers share. */
export const SUBSCRIPTION_ID = "shared-work";
/** The same, as a unit that one process owns. */
export const SUBSCRIPTION_UNIT = `subscription.${SUBSCRIPTION_ID}`;
/** The outbox, as a unit that one process owns. */
export const OUTBOX_UNIT = "outbox";
