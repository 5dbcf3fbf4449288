/** States of the service, in the order they are passed. FAILED can follow any of them. */
export type ServiceState = "CREATED" | "STARTING" | "RUNNING" | "DRAINING" | "STOPPED" | "FAILED";

const NEXT: Readonly<Record<ServiceState, readonly ServiceState[]>> = {
  CREATED: ["STARTING", "STOPPED"],
  STARTING: ["RUNNING", "STOPPED", "FAILED"],
  RUNNING: ["DRAINING", "STOPPED", "FAILED"],
  DRAINING: ["STOPPED", "FAILED"],
  STOPPED: [],
  FAILED: ["STOPPED"],
};

/** Keeps the state of the service and refuses a step that leads backwards. */
export class Lifecycle {
  #state: ServiceState = "CREATED";
  readonly #onChange: (state: ServiceState) => void;

  constructor(onChange: (state: ServiceState) => void) {
    this.#onChange = onChange;
  }

  get state(): ServiceState {
    return this.#state;
  }

  /** Throws an Error when the step is none of those allowed. */
  enter(state: ServiceState): void {
    if (!NEXT[this.#state].includes(state)) {
      throw new Error(`the service is ${this.#state} and cannot become ${state}`);
    }
    this.#state = state;
    this.#onChange(state);
  }

  /** Whether a step is allowed now. */
  canEnter(state: ServiceState): boolean {
    return NEXT[this.#state].includes(state);
  }
}
