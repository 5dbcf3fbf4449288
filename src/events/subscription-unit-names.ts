const KIND = "subscription";

/** Kind of the units of work that subscriptions are. */
export const SUBSCRIPTION_UNIT_KIND: string = KIND;

/** Name of the unit of work that a subscription is. */
export function subscriptionUnit(id: string): string {
  return `${KIND}.${id}`;
}

/** Id of the subscription that a unit is. */
export function subscriptionOfUnit(unit: string): string {
  return unit.slice(KIND.length + 1);
}
