import { CallFailure } from "./call-failure.ts";

/** The failure of a call that got a 200 whose body is not the documented one. `code` says how, such as ANSWER_NOT_JSON. */
export function unusableAnswer(code: string): CallFailure {
  return new CallFailure("ANSWER", {
    fault: Object.assign(new Error("the answer has status 200 but not the documented body"), { code }),
  });
}
