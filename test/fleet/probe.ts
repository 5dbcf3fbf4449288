import type { FleetProcess } from "./fleet-process.ts";

/** Answer of `/readyz`, for the process as a whole or for one role. */
export interface ProbeReading {
  readonly status: number;
  readonly body: {
    readonly ok: boolean;
    readonly roles?: Readonly<Record<string, { readonly ok: boolean; readonly degraded?: string }>>;
  };
}

export async function readyz({ addresses }: FleetProcess, role?: string): Promise<ProbeReading> {
  const query = role === undefined ? "" : `?role=${role}`;
  const response = await fetch(`http://${addresses?.admin}/readyz${query}`);
  return { status: response.status, body: (await response.json()) as ProbeReading["body"] };
}
