import { createServer, type Server } from "node:net";
import { inspect } from "node:util";
import { afterAll, beforeAll, expect, it, onTestFinished } from "vitest";
import { connectNats } from "../src/nats/connect-nats.ts";
import { NatsConnectError } from "../src/nats/nats-connect-error.ts";
import { Secret } from "../src/secret.ts";
import { disconnected, natsOptions, openLink, QUICK, reconnected, rejection, wholeText } from "./nats-rig.ts";
import { describeNats, type NatsServer, startNatsServer } from "./nats-server.ts";

describeNats("connecting to NATS", () => {
  let server: NatsServer;
  beforeAll(async () => {
    server = await startNatsServer({ config: "max_payload: 200000" });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it("tells what the server is and that it is well", async () => {
    const link = await openLink(server.url);
    expect(link.isConnected).toBe(true);
    expect(link.health()).toEqual({ ok: true });
    expect(link.maxPayload).toBe(200_000);
    expect(link.serverVersion).toMatch(/^\d+\.\d+\.\d+/);
    expect(link.lastRefusal).toBeUndefined();
  });

  it("finds the server that runs among several, and forgets none", async () => {
    const link = await openLink(server.url, { servers: ["nats://127.0.0.1:1", server.url] });
    expect(link.connection.getServers().map(({ port }) => port)).toContain(1);
  });

  it("is told apart on the server by its name", async () => {
    const link = await openLink(server.url, { name: "infobip-rpc of a test" });
    expect(link.connection.info?.client_id).toBeGreaterThan(0);
    expect((link.connection as unknown as { options: { name: string } }).options.name).toBe(
      "infobip-rpc of a test",
    );
  });

  it("answers a request with the payload of the reply", async () => {
    const link = await openLink(server.url);
    const echo = link.connection.subscribe("echo", {
      callback: (_error, message) => void message.respond(message.data),
    });
    onTestFinished(() => echo.unsubscribe());
    expect(Buffer.from(await link.request("echo", Buffer.from("hello"))).toString()).toBe("hello");
  });

  it("rejects a request that nobody listens to at once", async () => {
    const link = await openLink(server.url);
    const error = await rejection(link.request("nobody", Buffer.from("x")));
    expect(error.reason).toBe("LOG_UNAVAILABLE");
    expect(wholeText(error)).toMatch(/nobody listens/);
  });

  it("tells which subject it had no permission for", async () => {
    const guarded = await startNatsServer({
      config: 'authorization { users: [{ user: a, password: b, permissions: { publish: "allowed.>" } }] }',
    });
    onTestFinished(() => guarded[Symbol.asyncDispose]());
    const auth = { kind: "password", user: "a", password: new Secret("b") } as const;
    const link = await openLink(guarded.url, { auth, requestTimeoutMs: 100 });
    const error = await rejection(link.request("forbidden", Buffer.from("x")));
    expect(error.reason).toBe("LOG_UNAVAILABLE");
    expect(wholeText(error)).toMatch(/Permissions Violation for Publish to "forbidden"/);
  });

  it("comes back after a restart of the server, again and again", async () => {
    const link = await openLink(server.url);
    for (let round = 0; round < 2; round += 1) {
      const [lost, back] = [disconnected(link), reconnected(link)];
      await server.stop();
      await lost;
      expect(link.isConnected).toBe(false);
      expect(link.health()).toEqual({ ok: false, reason: expect.stringContaining("no connection to NATS") });
      expect(() => link.connection.publish("x", "y")).toThrow("there is no connection");
      await expect(link.connection.request("x", "y")).rejects.toThrow("there is no connection");
      expect((await rejection(link.request("x", Buffer.from("y")))).reason).toBe("LOG_UNAVAILABLE");
      await server.start();
      await back;
      expect(link.health()).toEqual({ ok: true });
    }
  });

  it("goes over to another server when its own is lost", async () => {
    const [first, second] = [await startNatsServer(), await startNatsServer()];
    onTestFinished(() =>
      Promise.all([first, second].map((each) => each[Symbol.asyncDispose]())).then(() => {}),
    );
    const link = await openLink("", { servers: [first.url, second.url] });
    const portOf = (url: string) => Number(new URL(url).port);
    const own = link.connection.info?.port;
    const back = reconnected(link);
    await (own === portOf(first.url) ? first : second).stop();
    await back;
    expect(link.connection.info?.port).toBe(portOf(own === portOf(first.url) ? second.url : first.url));
  });

  it("calls nobody back who has called it off", async () => {
    const link = await openLink(server.url);
    let calls = 0;
    link.onDisconnected(() => (calls += 1))();
    link.onReconnected(() => (calls += 1))();
    const back = reconnected(link);
    await server.restart();
    await back;
    expect(calls).toBe(0);
  });

  it("rejects what waits for an answer when the connection is lost", async () => {
    const link = await openLink(server.url);
    const silent = link.connection.subscribe("silent", { callback: () => {} });
    const own = rejection(link.request("silent", Buffer.from("x")));
    const library = rejection(link.connection.request("silent", "x", { timeout: 60_000 }));
    await link.connection.flush();
    const back = reconnected(link);
    await server.restart("SIGKILL");
    expect(wholeText(await own)).toMatch(/connection to NATS was lost/);
    expect((await library).name).toBe("RequestError");
    await back;
    silent.unsubscribe();
  });

  it("does not report its own end as a failure", async () => {
    const link = await connectNats(natsOptions(server.url), QUICK);
    await link[Symbol.asyncDispose]();
    expect(link.isConnected).toBe(false);
    expect(await Promise.race([link.failed, Promise.resolve("still open")])).toBe("still open");
    expect((await rejection(link.request("x", Buffer.from("y")))).reason).toBe("LOG_UNAVAILABLE");
  });

  it("ends while the server is away", async () => {
    const link = await connectNats(natsOptions(server.url), QUICK);
    const lost = disconnected(link);
    await server.stop();
    await lost;
    await link[Symbol.asyncDispose]();
    await server.start();
    expect(link.isConnected).toBe(false);
  });
});

describeNats("failing to connect to NATS", () => {
  it("says that no server can be reached, once the time is over", async () => {
    const error = await rejection(
      connectNats(natsOptions("nats://127.0.0.1:1", { connectTimeoutMs: 100 }), QUICK),
    );
    expect(error).toBeInstanceOf(NatsConnectError);
    expect(error.reason).toBe("UNREACHABLE");
    expect(error.message).toMatch(/127\.0\.0\.1:1: connection refused.*check the addresses/);
  });

  it("gives up on a server that accepts and stays silent, and leaves no socket open", async () => {
    const silent = await listen(createServer());
    const closed = new Promise((resolve) =>
      silent.once("connection", (socket) => socket.once("close", resolve).resume()),
    );
    const url = `nats://127.0.0.1:${(silent.address() as { port: number }).port}`;
    const error = await rejection(connectNats(natsOptions(url, { connectTimeoutMs: 100 }), QUICK));
    expect(error.reason).toBe("UNREACHABLE");
    await closed;
  });

  it("refuses a server that is too old", async () => {
    const old = await listen(
      createServer((socket) => {
        socket.write(
          'INFO {"server_id":"x","version":"2.8.4","max_payload":1000,"headers":true,"proto":1}\r\n',
        );
        socket.on("data", (data) => data.includes("PING") && socket.write("PONG\r\n"));
        socket.on("error", () => {});
      }),
    );
    const url = `nats://127.0.0.1:${(old.address() as { port: number }).port}`;
    const error = await rejection(connectNats(natsOptions(url), QUICK));
    expect(error.reason).toBe("SERVER_TOO_OLD");
    expect(error.message).toMatch(/2\.8\.4, and 2\.9 or later/);
  });

  it.each([
    ["nats://user:hunter2@127.0.0.1:4222", /credentials must not be in the address/],
    ["nats://hunter2@127.0.0.1:4222", /credentials must not be in the address/],
    ["http://127.0.0.1:4222", /no address of a NATS server/],
    ["nats://", /no address of a NATS server/],
    ["nats://host:99999", /no address of a NATS server/],
    ["nats://a b", /no address of a NATS server/],
  ])("refuses the address %s without showing credentials", async (url, text) => {
    const error = await rejection(connectNats(natsOptions(url), QUICK));
    expect(error.reason).toBe("URL_INVALID");
    expect(error.message).toMatch(text);
    expect(inspect(error)).not.toMatch(/hunter2/);
  });
});

async function listen(server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return server;
}
