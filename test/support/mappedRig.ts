import { mkdtempSync, rmSync } from "node:fs";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Hex } from "viem";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { parseName, rawName } from "../../src/protocol/name.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import type { ProxyOptions } from "../../src/sal/proxy/options.ts";
import type { ProxyDependencies } from "../../src/sal/proxy/salProxy.ts";
import type { Terminator } from "../../src/sal/proxy/https/terminator.ts";
import { MapStore } from "../../src/sal/proxy/map/mapStore.ts";
import { drained, ProxyRig } from "./proxyRig.ts";

/** Observes nothing of DNS. */
export const blindDns = { answered() {}, took() {}, limited() {}, connections() {} };

/** A free port of this host. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** A proxy with mapped addresses in front of services that are plain TCP servers. */
export class MappedRig {
  readonly proxy = new ProxyRig();
  /** Names, and the services that they mean now. */
  readonly names = new Map<string, Hex>();
  /** Names for which a resolver was asked. */
  readonly asked: string[] = [];
  /** What a lookup of a name fails with. */
  readonly failures = new Map<string, BlockcloudError>();
  /** Unix seconds. */
  now = 1_800_000_000;
  port = 0;
  /** Ends TLS at port 443. */
  terminator: Terminator | undefined;
  /** Unlike those of other test processes at the same time. */
  range = `127.${100 + (process.pid % 100)}.${(process.pid >> 8) % 256}.0/24`;
  /** Called with the numbers of mappings and of addresses with listeners. */
  changed: (mappings: number, listening: number) => void = () => {};
  readonly #folder = mkdtempSync(path.join(tmpdir(), "mapped-"));
  #store: MapStore | undefined;
  #numbers = 0n;

  get file(): string {
    return path.join(this.#folder, "map.sqlite");
  }

  get store(): MapStore {
    if (this.#store === undefined) throw new Error("the rig was not started");
    return this.#store;
  }

  /** Names a new service. */
  service(...names: string[]): Hex {
    this.#numbers += 1n;
    const serviceId = rootServiceId(this.#numbers);
    for (const name of names) this.names.set(name, serviceId);
    return serviceId;
  }

  /** Names a new service, and serves it by a function for each connection. */
  async tcp(name: string, serve: (socket: Socket) => void): Promise<Hex> {
    const serviceId = this.service(name);
    await this.proxy.tcp(rawName(serviceId), serve);
    return serviceId;
  }

  /** Names a new service that answers each request with its name, and the head that it got. */
  async web(name: string): Promise<Hex> {
    const serviceId = this.service(name);
    await this.proxy.http(rawName(serviceId), ({ url, headers }, response) => {
      response.end(`${name} ${url ?? ""} ${headers.host ?? ""}`);
    });
    return serviceId;
  }

  async start(
    map: Partial<NonNullable<ProxyOptions["map"]>> = {},
    options: Partial<ProxyOptions> = {},
    dependencies: Partial<ProxyDependencies> = {},
  ): Promise<void> {
    if (this.port === 0) this.port = await freePort();
    this.#store = new MapStore(this.file);
    const dns = { host: "127.0.0.1", port: 0 };
    await this.proxy.start(
      { map: { range: this.range, ports: [this.port], dns, ...map }, ...options },
      {
        map: {
          store: this.#store,
          serviceOf: (name) => this.#serviceOf(name),
          now: () => this.now,
          dnsObserver: blindDns,
          terminator: this.terminator,
          changed: (mappings, listening) => {
            this.changed(mappings, listening);
          },
        },
        ...dependencies,
      },
    );
  }

  /** Stops the proxy only, as for a restart. */
  async halt(): Promise<void> {
    await this.proxy.proxy.stop();
    this.#store?.close();
  }

  async stop(): Promise<void> {
    await this.proxy.stop();
    this.#store?.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Asks the proxy's DNS, as a stub resolver. */
  get dns(): Resolver {
    const resolver = new Resolver({ tries: 1, timeout: 5_000 });
    resolver.setServers([`127.0.0.1:${this.proxy.proxy.dns?.port ?? 0}`]);
    return resolver;
  }

  /** The address of a name. */
  async address(name: string): Promise<string> {
    const [address = ""] = await this.dns.resolve4(name);
    return address;
  }

  /** Connects to the mapped address of a name. */
  async connect(name: string, port = this.port): Promise<Socket> {
    const socket = connect({ host: await this.address(name), port, allowHalfOpen: true });
    socket.on("error", () => {});
    await once(socket, "connect");
    return socket;
  }

  /** Sends bytes to the mapped address of a name, and reads until the end. */
  async exchange(name: string, ...parts: string[]): Promise<{ text: string; reset: boolean }> {
    const socket = await this.connect(name);
    for (const part of parts) socket.write(part, "latin1");
    return drained(socket);
  }

  #serviceOf(name: string): Promise<Hex> {
    this.asked.push(name);
    const failure = this.failures.get(name);
    if (failure !== undefined) return Promise.reject(failure);
    const parsed = parseName(name);
    const serviceId = parsed.kind === "id" ? parsed.serviceId : this.names.get(name);
    if (serviceId !== undefined) return Promise.resolve(serviceId);
    return Promise.reject(new BlockcloudError("SERVICE_UNKNOWN", `There is no ${name}.`));
  }
}
