import type { DescMethod } from "@bufbuild/protobuf";
import type { HandlerContext } from "@connectrpc/connect";
import { ensureServiceError, toConnectError } from "../errors.ts";
import { callContext } from "./connect-binding.ts";
import type { MethodAccess } from "./guards.ts";
import type { RefusalHook } from "./refusal.ts";
import type { ServiceBinding } from "./service-binding.ts";

/**
 * Request gate that turns away who may not call the method, before the body is
 * read: what strangers send is neither inflated nor parsed, and they learn
 * nothing of it. The guards decide again, as on the other listener.
 */
export function admitEarly(
  services: readonly ServiceBinding[],
  onRefusal: RefusalHook,
): (context: HandlerContext) => void {
  const rules = new Map<DescMethod, MethodAccess>();
  for (const { service, access } of services)
    if (access !== undefined)
      for (const method of service.methods) rules.set(method, access.forMethod(method));
  return (context) => {
    const access = rules.get(context.method);
    if (access === undefined) return;
    try {
      access.admit(callContext(context));
    } catch (thrown) {
      const error = ensureServiceError(thrown);
      onRefusal(`${context.service.typeName}/${context.method.name}`, error, context.protocolName);
      throw toConnectError(error);
    }
  };
}
