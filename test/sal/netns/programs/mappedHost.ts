import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Done, Order } from "./messages.ts";

/** In the namespace: its own resolver configuration, and an empty home whose owner has a key for ssh. */
const SETUP = `
set -e
ip link set lo up
mount --bind "$1/resolv.conf" /etc/resolv.conf
mount --bind "$1/nsswitch.conf" /etc/nsswitch.conf
mount --bind "$1/home" "$(getent passwd "$(id -u)" | cut -d: -f6)"
shift
exec "$@"`;

/** A host in a network and mount namespace of its own, on which the proxy and a provider run. */
export class MappedHost {
  readonly folder = mkdtempSync(path.join(tmpdir(), "mapped-host-"));
  readonly #waiting = new Map<number, (done: Done) => void>();
  #child: ChildProcess | undefined;
  #orders = 0;

  /** Whether this process may create namespaces, and mount in them. */
  static get isPossible(): boolean {
    const script = "ip link set lo up && mount --bind /etc/hostname /etc/hostname";
    return spawnSync("unshare", ["--net", "--mount", "sh", "-c", script]).status === 0;
  }

  async start(): Promise<void> {
    // Other users run programs here, too.
    chmodSync(this.folder, 0o755);
    writeFileSync(path.join(this.folder, "resolv.conf"), "nameserver 127.0.0.1\n");
    writeFileSync(path.join(this.folder, "nsswitch.conf"), "hosts: files dns\n");
    mkdirSync(path.join(this.folder, "home/.ssh"), { recursive: true, mode: 0o700 });
    const node = [process.execPath, path.join(import.meta.dirname, "host.ts")];
    const args = ["--net", "--mount", "sh", "-c", SETUP, "sh", this.folder, ...node];
    const child = spawn("unshare", args, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child = child;
    const ready = new Promise<Done>((resolve) => this.#waiting.set(0, resolve));
    child.on("message", (done: Done) => {
      this.#waiting.get(done.id)?.(done);
      this.#waiting.delete(done.id);
    });
    child.once("exit", (code) => {
      for (const [id, settle] of this.#waiting)
        settle({ id, exit: -1, stdout: "", stderr: `the host ended with ${code}` });
    });
    const { exit, stderr } = await ready;
    if (exit !== 0) throw new Error(stderr);
  }

  /** Runs a program on the host, as another user if one is named. */
  run(run: readonly string[], user?: number): Promise<Done> {
    this.#orders += 1;
    const order: Order = { id: this.#orders, run, user };
    return new Promise((resolve) => {
      this.#waiting.set(order.id, resolve);
      this.#child?.send(order);
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode === null && child.signalCode === null) {
      const exited = once(child, "exit");
      child.disconnect();
      await exited;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
