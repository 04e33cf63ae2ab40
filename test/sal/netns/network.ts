import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { setting } from "../../support/namespaces/setting.ts";

/** The two hosts, and the networks that each can be in, as the third byte of its address. */
const HOSTS = { client: 77, provider: 78 } as const;
export type Host = keyof typeof HOSTS;

/**
 * Two hosts and a router between them, in network namespaces of their own. Each host has one link, on which two
 * networks exist; it is in one of them, and can change to the other one. The addresses are public ones, which may be
 * dialled; outside of the namespaces they do not exist.
 */
export class Network {
  readonly #id = `bc${process.pid}`;
  readonly #place: Record<Host, number> = { client: 0, provider: 0 };
  readonly #processes: ChildProcess[] = [];

  /** Whether this process may create namespaces. */
  static get isPossible(): boolean {
    const name = `bc${process.pid}t`;
    if (spawnSync("ip", ["netns", "add", name]).status !== 0) return false;
    execFileSync("ip", ["netns", "delete", name]);
    return true;
  }

  start(): void {
    const router = this.#name("router");
    ip("netns", "add", router);
    for (const host of ["client", "provider"] as const) {
      const name = this.#name(host);
      ip("netns", "add", name);
      ip("link", "add", "eth0", "netns", name, "type", "veth", "peer", host, "netns", router);
      for (const network of [0, 1]) {
        ip("-n", router, "address", "add", `9.${HOSTS[host]}.${network}.1/24`, "dev", host);
      }
      ip("-n", router, "link", "set", host, "up");
      ip("-n", name, "link", "set", "eth0", "up");
      ip("-n", name, "link", "set", "lo", "up");
      this.#settle(host);
    }
    ip("netns", "exec", router, ...setting("net.ipv4.ip_forward", 1));
  }

  /** The host's present address. */
  address(host: Host): string {
    return `9.${HOSTS[host]}.${this.#place[host]}.2`;
  }

  /** The router's address in the client's first network. */
  get router(): string {
    return `9.${HOSTS.client}.0.1`;
  }

  /** The host loses its address and its route, and gets those of its other network. */
  change(host: Host): void {
    this.#place[host] = 1 - this.#place[host];
    ip("-n", this.#name(host), "address", "flush", "dev", "eth0");
    this.#settle(host);
  }

  /** Runs a file of this folder on a host. It ends when its channel is closed. */
  run(host: Host | "router", ...file: [name: string, ...args: string[]]): ChildProcess {
    const [name, ...args] = file;
    const child = spawn(
      "ip",
      [
        "netns",
        "exec",
        this.#name(host),
        process.execPath,
        path.join(import.meta.dirname, name),
        ...args,
      ],
      { stdio: ["ignore", "inherit", "inherit", "ipc"] },
    );
    this.#processes.push(child);
    return child;
  }

  async stop(): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
    for (const name of ["client", "provider", "router"]) {
      spawnSync("ip", ["netns", "delete", this.#name(name)]);
    }
  }

  #name(host: string): string {
    return `${this.#id}${host}`;
  }

  #settle(host: Host): void {
    const name = this.#name(host);
    ip("-n", name, "address", "add", `${this.address(host)}/24`, "dev", "eth0");
    const gateway = `9.${HOSTS[host]}.${this.#place[host]}.1`;
    ip("-n", name, "route", "add", "default", "via", gateway);
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
