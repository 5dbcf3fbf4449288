import type { AddCommand } from "./command.ts";

/**
 * The commands that the arguments may mean. `serve` comes alone: it runs for long, and would hold the clients of all others
 * in memory.
 */
export async function loadCommands(args: readonly string[]): Promise<readonly AddCommand[]> {
  if (args[0] === "serve") return [(await import("./serve.ts")).addServeCommand];
  if (args[0] === "health") return [(await import("./health.ts")).addHealthCommand];
  return (await import("./commands.ts")).COMMANDS;
}
