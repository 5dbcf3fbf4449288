import { defineConfig } from "vitest/config";

// Processes that tests start compile the same sources again and again.
process.env.NODE_COMPILE_CACHE ??= new URL(
  "node_modules/.cache/node-compile-cache",
  import.meta.url,
).pathname;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 40_000,
    hookTimeout: 20_000,
    // Loading the service anew for each file would cost more than all tests do. No module keeps state that tests see.
    isolate: false,
    // Tests wait more than they compute, so one less than the cores would leave those idle.
    maxWorkers: 2,
  },
});
