import { expect, test } from "vitest";
import { parseBaseUrl } from "../src/infobip/base-url.ts";

test.each([
  ["xxxxx.api.infobip.com", "https://xxxxx.api.infobip.com", ""],
  [" https://xxxxx.api.infobip.com/// ", "https://xxxxx.api.infobip.com", ""],
  ["https://proxy.example.com:8443/infobip/v1/", "https://proxy.example.com:8443", "/infobip/v1"],
  ["proxy.example.com:8443/infobip", "https://proxy.example.com:8443", "/infobip"],
  ["http://localhost:8099", "http://localhost:8099", ""],
  ["http://127.0.0.1:8099/", "http://127.0.0.1:8099", ""],
  ["http://[::1]:8099", "http://[::1]:8099", ""],
])("%s is taken", (text, origin, pathPrefix) => {
  expect(parseBaseUrl(text)).toEqual({ origin, pathPrefix });
});

test.each([
  ["http://xxxxx.api.infobip.com", /plain http/],
  ["http://127.0.0.1.example.com", /plain http/],
  ["http://localhost.example.com", /plain http/],
  ["ftp://xxxxx.api.infobip.com", /must begin with https/],
  ["", /not a URL/],
  ["https://", /not a URL/],
  ["https://user:hunter2@xxxxx.api.infobip.com", /credentials/],
  ["https://xxxxx.api.infobip.com/?key=hunter2", /query/],
])("%s is refused", (text, message) => {
  expect(() => parseBaseUrl(text)).toThrow(message);
  expect(() => parseBaseUrl(text)).not.toThrow("hunter2");
});
