import manifest from "../../package.json" with { type: "json" };

/** How this service names itself to Infobip. */
export const USER_AGENT = `infobip-rpc/${manifest.version}`;
