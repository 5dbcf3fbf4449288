/** Address that the commands call when none is given. */
export const DEFAULT_TARGET = "127.0.0.1:50051";
