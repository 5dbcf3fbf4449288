import { expect, test } from "vitest";
import { EventsService } from "../gen/infobip/events/v1/events_service_pb.js";
import { MessagesService } from "../gen/infobip/messages/v1/messages_service_pb.js";
import { CallerAccess } from "../src/callers/caller-access.ts";
import { CallerDirectory } from "../src/callers/caller-directory.ts";
import { scopesOf } from "../src/callers/method-scopes.ts";
import { ServiceError } from "../src/errors.ts";
import { SCOPES } from "../src/rpc/caller.ts";
import { healthService } from "../src/server/health-descriptor.ts";
import { callersYaml, tokenFor } from "./callers-rig.ts";
import { plainCall } from "./fixtures/call-context.ts";

const METHODS = [...MessagesService.methods, ...EventsService.methods];

test.each(METHODS.map((method) => [method.name, method] as const))("%s has a scope", (_name, method) => {
  const scopes = scopesOf(method);
  expect(scopes.length).toBeGreaterThan(0);
  expect(SCOPES).toEqual(expect.arrayContaining([...scopes]));
  expect(scopes).not.toContain("admin");
});

test("a service with a method that has no scope cannot be bound", () => {
  const [check] = healthService.methods;
  expect(() => check && scopesOf(check)).toThrow("has no scope");
});

test.each(SCOPES)("the scope %s lets in to its methods and no others", (scope) => {
  const directory = new CallerDirectory(callersYaml([{ name: "one", scopes: [scope] }]));
  const access = new CallerAccess({
    directory,
    defaults: { senders: new Map(), webhookUrls: undefined },
    monotonicNow: () => 0,
  });
  for (const method of METHODS) {
    const call = plainCall();
    call.requestHeader.set("authorization", `Bearer ${tokenFor("one")}`);
    const isAllowed = scope === "admin" || scopesOf(method).includes(scope);
    const admit = () => access.forMethod(method).admit(call);
    if (isAllowed) expect(admit).not.toThrow();
    else expect(admit).toThrow(ServiceError);
    // Also a refused call is logged under its caller's name.
    expect(call.caller?.name).toBe("one");
  }
});
