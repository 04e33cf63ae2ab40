import { expect } from "chai";
import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import path from "node:path";
import type { Hex } from "viem";
import { WorkerProcess } from "../../devnet/worker.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { CliRig, parts, PROBE } from "./cliRig.ts";
import { salUser } from "./salUser.ts";
import { until } from "./until.ts";

/** Port of the echo in every service of the rig. */
export const ECHO = 7;

/** How a worker of the rig is started. */
export interface LaunchOptions {
  /** Of the state folder; by default the worker's name. */
  folder?: string;
  env?: Record<string, string>;
  passed?: readonly number[];
}

/** Workers in processes of their own: service 1, whose port {@link ECHO} gives back what it gets, and its users. */
export class AgentRig {
  readonly cli: CliRig;
  readonly workers: WorkerProcess[] = [];
  readonly #users: ReturnType<typeof salUser>[] = [];
  readonly #echo: Server;
  readonly #upstream: HttpServer;

  private constructor(cli: CliRig, echo: Server, upstream: HttpServer) {
    this.cli = cli;
    this.#echo = echo;
    this.#upstream = upstream;
  }

  static async start(): Promise<AgentRig> {
    const cli = await CliRig.start();
    const { code, stderr } = await cli.cli(
      `service register --stake 1000 --probe '${PROBE}' --service-key-file service.key --wallet-key-file wallet.key --yes`,
    );
    expect(code, stderr).to.equal(0);
    // It is active two epochs later.
    await cli.epochs(2);
    const echo = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      socket.pipe(socket);
    });
    echo.listen(0, "127.0.0.1");
    await once(echo, "listening");
    const upstream = createHttpServer((_, response) => response.end("sunny"));
    upstream.on("upgrade", (_, socket: Socket) => {
      socket.on("error", () => {});
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
      );
      socket.pipe(socket);
    });
    upstream.listen(0, "127.0.0.1");
    await once(upstream, "listening");
    return new AgentRig(cli, echo, upstream);
  }

  async stop(): Promise<void> {
    for (const { client } of this.#users) client.close();
    for (const worker of this.workers) await worker.kill();
    this.#echo.close();
    this.#upstream.close();
    this.#upstream.closeAllConnections();
    await this.cli.stop();
  }

  /** A port of this host that gives back what it gets. */
  get echoPort(): number {
    return (this.#echo.address() as AddressInfo).port;
  }

  get upstreamUrl(): string {
    return `http://127.0.0.1:${(this.#upstream.address() as AddressInfo).port}`;
  }

  launch(
    name: string,
    args: readonly string[],
    { folder = name, env = {}, passed }: LaunchOptions = {},
  ): WorkerProcess {
    const { cli, workers } = this;
    const worker = new WorkerProcess({
      name,
      args: [
        ...args,
        ...["--state", path.join(cli.folder, folder), "--rpc", cli.devnet.rpcUrl],
        ...["--deployment", path.join(cli.folder, "devnet.json")],
      ],
      env,
      logFile: path.join(cli.folder, `${name}-${workers.length}.log`),
      ...(passed && { passed }),
    });
    workers.push(worker);
    return worker;
  }

  /** An agent of service 1, in the state folder `state`. */
  provider(args: readonly string[], options: LaunchOptions = {}): WorkerProcess {
    return this.launch(
      "provider",
      [
        ...["provider", "run", "--service", "1", "--upstream", this.upstreamUrl],
        ...["--port", `${ECHO}=tcp:127.0.0.1:${this.echoPort}`],
        ...["--coral-listen", "/ip4/127.0.0.1/tcp/0", "--allow-loopback", ...args],
      ],
      {
        folder: "state",
        ...options,
        env: {
          BLOCKCLOUD_WALLET_KEY: parts.wallet.key,
          BLOCKCLOUD_SERVICE_KEY: parts.service.key,
          ...options.env,
        },
      },
    );
  }

  /** A relay, and its `host:port`. */
  async relay(name: string): Promise<{ relay: WorkerProcess; at: string }> {
    const relay = this.launch(name, ["relay", "run", "--listen", "127.0.0.1:0"]);
    const { names } = await relay.logged("relay listens");
    const [at = ""] = names as string[];
    return { relay, at };
  }

  /** A user of service 1 who knows its endpoints. */
  user(
    endpoints: readonly string[],
    { id = rootServiceId(1n), key = parts.service.key }: { id?: Hex; key?: Hex } = {},
    options: Parameters<typeof salUser>[1] = {},
  ): ReturnType<typeof salUser> {
    const { chainId, contracts } = this.cli.devnet.deployment;
    const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    const service = { serviceId: id, key: hexToBytes(key), port: 1, domain };
    const user = salUser(service, options);
    user.locator.publish({ endpoints: [...endpoints] });
    this.#users.push(user);
    return user;
  }

  /** The processes of the state folder: how many have the duties, and how many others still serve flows. */
  async states(folder = "state"): Promise<{ serving: number; others: number }> {
    const { json } = await this.cli.cli(`provider handoff --state ${folder} --json`);
    const { processes } = json() as { processes: { state: string }[] };
    const serving = processes.filter(({ state }) => state === "serving").length;
    return { serving, others: processes.length - serving };
  }
}

/** Opens a WebSocket of service 1 over a flow to its port 80; the upstream gives back what it gets. */
export async function openWebSocket(user: ReturnType<typeof salUser>): Promise<Flow> {
  const socket = await user.client.connect("service", 80);
  socket.on("error", () => {});
  socket.write(
    "GET /socket HTTP/1.1\r\nhost: service\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
      "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const [head] = (await once(socket, "data")) as [Buffer];
  expect(head.toString()).to.match(/^HTTP\/1\.1 101 /);
  return socket;
}

/** Sends a text over a flow to an echo, and waits until it has come back. */
export async function says(text: string, flow: Flow): Promise<void> {
  let back = "";
  const take = (chunk: Buffer) => {
    back += chunk.toString();
  };
  flow.on("data", take);
  flow.write(text);
  await until(`"${text}" has come back`, () => back === text);
  flow.off("data", take);
}

/** Whether a worker says that it has started; false if it has ended before. */
export function starts(worker: WorkerProcess): Promise<boolean> {
  return Promise.race([
    worker.logged("provider started").then(() => true),
    until("it has ended", () => !worker.running).then(() => false),
  ]).catch(() => false);
}
