import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setting } from "./setting.ts";

let count = 0;

/** Network namespaces of one test, and the processes in them. Outside of them their addresses do not exist. */
export class Namespaces {
  readonly #id = `bc${process.pid}-${(count += 1)}`;
  readonly #names: string[] = [];
  readonly #processes: ChildProcess[] = [];

  /** What is missing to create namespaces with NATs; undefined if nothing is. */
  static get missing(): string | undefined {
    const name = `bc${process.pid}t`;
    const { status, error } = spawnSync("ip", ["netns", "add", name]);
    if (error !== undefined) return "the command ip";
    if (status !== 0) return "the right to create network namespaces";
    const rules =
      "table ip t { chain c { type nat hook postrouting priority srcnat; masquerade; }; }";
    const nft = spawnSync("ip", ["netns", "exec", name, "nft", "-f", "-"], { input: rules });
    execFileSync("ip", ["netns", "delete", name]);
    return nft.status === 0 ? undefined : "nft with NAT";
  }

  /** Whether a program is installed. */
  static has(program: string): boolean {
    return spawnSync(program, ["-h"], { stdio: "ignore" }).error === undefined;
  }

  add(name: string): void {
    this.#names.push(name);
    ip("netns", "add", this.#name(name));
    this.exec(name, "ip", "link", "set", "lo", "up");
  }

  /** Connects two namespaces by a link whose ends have names. */
  link([from, near]: [string, string], [to, far]: [string, string]): void {
    const ends = ["type", "veth", "peer", far, "netns", this.#name(to)];
    ip("link", "add", near, "netns", this.#name(from), ...ends);
    this.exec(from, "ip", "link", "set", near, "up");
    this.exec(to, "ip", "link", "set", far, "up");
  }

  /** Adds an address; one of IPv6 is used at once. */
  address(name: string, device: string, address: string): void {
    const more = address.includes(":") ? ["nodad"] : [];
    this.exec(name, "ip", "address", "add", address, "dev", device, ...more);
  }

  route(name: string, to: string, via: string): void {
    const family = via.includes(":") ? "-6" : "-4";
    this.exec(name, "ip", family, "route", "replace", to, "via", via);
  }

  /** Lets a namespace pass packets on. */
  forward(name: string): void {
    this.exec(name, ...setting("net.ipv4.ip_forward", 1));
    this.exec(name, ...setting("net.ipv6.conf.all.forwarding", 1));
  }

  exec(name: string, ...command: string[]): void {
    execFileSync("ip", ["netns", "exec", this.#name(name), ...command], {
      stdio: ["ignore", "ignore", "pipe"],
    });
  }

  /** Runs a command, and gives what it writes. */
  read(name: string, ...command: string[]): string {
    return execFileSync("ip", ["netns", "exec", this.#name(name), ...command], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Loads rules of nft in the place of those before. */
  nft(name: string, rules: string): void {
    execFileSync("ip", ["netns", "exec", this.#name(name), "nft", "-f", "-"], {
      input: `flush ruleset\n${rules}\n`,
      stdio: ["pipe", "ignore", "pipe"],
    });
  }

  /** Runs a file with Node. It ends when its channel is closed. */
  run(name: string, file: string, ...args: string[]): ChildProcess {
    const command = ["netns", "exec", this.#name(name), process.execPath, file, ...args];
    const child = spawn("ip", command, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#processes.push(child);
    return child;
  }

  /** Starts a program. */
  start(name: string, ...command: string[]): void {
    const child = spawn("ip", ["netns", "exec", this.#name(name), ...command], { stdio: "ignore" });
    this.#processes.push(child);
  }

  async stop(): Promise<void> {
    for (const child of this.#processes) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const exited = once(child, "exit");
      child.kill("SIGKILL");
      await exited;
    }
    for (const name of this.#names) spawnSync("ip", ["netns", "delete", this.#name(name)]);
  }

  #name(name: string): string {
    return `${this.#id}${name}`;
  }
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
