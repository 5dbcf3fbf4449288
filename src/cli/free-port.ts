import { once } from "node:events";
import { createServer } from "node:net";

/** Below the ports that systems hand out by themselves, so that nobody gets the port by chance before it is used. */
const FIRST_PORT = 20_000;
const PORTS = 12_000;
/** Most ports that are tried. */
const MAX_TRIES = 50;

/** A TCP port on loopback that nobody listens on right now. */
export async function freePort(random: () => number = Math.random): Promise<number> {
  for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
    const port = FIRST_PORT + Math.floor(random() * PORTS);
    if (await canListen(port)) return port;
  }
  throw new Error(`no free port among ${MAX_TRIES} tried on 127.0.0.1`);
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    if (server.listening) {
      server.close();
      await once(server, "close");
    }
  }
}
