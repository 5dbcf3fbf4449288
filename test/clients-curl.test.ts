import { describeClient } from "./client-program-suite.ts";

describeClient({
  language: "curl",
  tools: [
    ["bash", "--version"],
    ["curl", "--version"],
    ["jq", "--version"],
  ],
});
