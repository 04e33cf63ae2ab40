import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startDevnet, type Devnet } from "../../devnet/devnet.ts";
import { blocksOf } from "./examples.ts";
import type { Outcome } from "./installed.ts";
import { packedTarball, withoutNpm } from "./packed.ts";
import { UnitRunner } from "./unitRunner.ts";

/** The version that the page installs, and the one that it upgrades to. */
const VERSIONS = ["0.1.0", "0.2.0"] as const;

/** Where a unit serves its metrics. */
const METRICS = /--metrics (127\.0\.0\.1:\d+)/;

/** Follows docs/install.md in a folder that stands for the machine's root, with a chain on loopback. */
export class InstallRig {
  readonly folder: string;
  readonly #devnet: Devnet;
  readonly #env: NodeJS.ProcessEnv;
  readonly #linked = new Map<string, string>();
  readonly #units = new Map<string, UnitRunner>();
  /** Where the page's metrics ports are here. */
  readonly #ports = new Map<string, string>();

  private constructor(folder: string, devnet: Devnet) {
    this.folder = folder;
    this.#devnet = devnet;
    for (const place of ["etc", "var/lib", "var/backups", "usr/local", "prefix/bin"]) {
      mkdirSync(path.join(this.folder, place), { recursive: true });
    }
    const env = withoutNpm(process.env);
    this.#env = {
      ...env,
      PATH: `${path.join(this.folder, "prefix/bin")}:${env.PATH ?? ""}`,
      npm_config_prefix: path.join(this.folder, "prefix"),
      npm_config_prefer_offline: "true",
      npm_config_update_notifier: "false",
    };
    writeFileSync(path.join(this.folder, "devnet.json"), JSON.stringify(devnet.deployment));
    const [present, next] = VERSIONS.map((version) => this.place(`blockcloud-${version}.tgz`));
    copyFileSync(packedTarball(), present ?? "");
    this.#repack(present ?? "", next ?? "");
  }

  static async start(): Promise<InstallRig> {
    const folder = mkdtempSync(path.join(tmpdir(), "install-"));
    return new InstallRig(folder, await startDevnet(path.join(folder, "chain")));
  }

  async stop(): Promise<void> {
    for (const unit of this.#units.values()) await unit.stop();
    await this.#devnet.stop();
    rmSync(this.folder, { recursive: true });
  }

  /** A path below the machine's root. */
  place(...names: string[]): string {
    return path.join(this.folder, ...names);
  }

  /** Runs a block of the page; of systemd's commands, what they mean for a unit. */
  async follow(code: string): Promise<string> {
    const lines = code.trim().split("\n");
    if (!lines.every((line) => line.startsWith("systemctl "))) {
      const { code: status, stdout, stderr } = await this.shell(code);
      if (status !== 0) throw new Error(`${code}ended with ${status}:\n${stdout}\n${stderr}`);
      return stdout;
    }
    for (const line of lines) await this.systemctl(line);
    return "";
  }

  /** Runs commands in the machine's folder; the first that fails ends them. */
  async shell(commands: string): Promise<Outcome> {
    const child = spawn("bash", ["-e", "-c", this.#here(commands)], {
      cwd: this.folder,
      env: this.#env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const outcome = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (outcome.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (outcome.stderr += text));
    await new Promise((resolve) => child.once("close", resolve));
    return { ...outcome, code: child.exitCode };
  }

  async systemctl(line: string): Promise<void> {
    const [verb = "", ...words] = line.split(" ").slice(1);
    const [target = ""] = words.filter((word) => !word.startsWith("--"));
    const now = words.includes("--now");
    if (verb === "daemon-reload") return;
    if (verb === "link") {
      const { stdout } = await this.shell(`echo ${words.join(" ")}`);
      const file = stdout.trim();
      this.#linked.set(path.basename(file, ".service"), file);
    } else if (verb === "start" || (verb === "enable" && now)) {
      await this.#start(target);
    } else if (verb === "stop" || (verb === "disable" && now)) {
      await this.unit(target).stop();
    } else if (verb === "is-active") {
      if (!this.unit(target).isActive) throw new Error(`${target} is not active.`);
    } else throw new Error(`The page says "${line}", which nothing here stands for.`);
  }

  /** The process of a unit that was started. */
  unit(name: string): UnitRunner {
    const unit = this.#units.get(name);
    if (unit === undefined) throw new Error(`${name} was not started.`);
    return unit;
  }

  /** Starts a linked unit's command, and does not wait for what it says. */
  launch(name: string): UnitRunner {
    // Any free port: the page's may be another process's.
    const anyPort = (text: string) => this.#here(text.replace(METRICS, "--metrics 127.0.0.1:0"));
    const unit = new UnitRunner(this.#fileOf(name), anyPort, this.#env);
    this.#units.set(name, unit);
    return unit;
  }

  async #start(name: string): Promise<void> {
    const { address, port } = await this.launch(name).logged("metrics are served");
    const [, said = ""] = METRICS.exec(readFileSync(this.#fileOf(name), "utf8")) ?? [];
    this.#ports.set(said, `${String(address)}:${String(port)}`);
  }

  #fileOf(name: string): string {
    const file = this.#linked.get(name);
    if (file === undefined) throw new Error(`${name} is not linked.`);
    return file;
  }

  /** The page's paths, network and endpoint, as they are here. */
  #here(text: string): string {
    const { rpcUrl } = this.#devnet;
    const places = ["/etc/blockcloud", "/var/lib", "/var/backups", "/usr/local", "/run"];
    const substitutes: (readonly [string, string])[] = [
      ["/var/lib/private", "/var/lib"],
      ["BLOCKCLOUD_NETWORK=sepolia", `BLOCKCLOUD_DEPLOYMENT=${this.place("devnet.json")}`],
      ["https://rpc.example", rpcUrl],
      [
        '"announce": ["/ip4/203.0.113.7/tcp/4170"]',
        '"listen": ["/ip4/127.0.0.1/tcp/0"], "allowLoopback": true',
      ],
      ...this.#ports,
    ];
    const replaced = substitutes.reduce((code, [from, to]) => code.replaceAll(from, to), text);
    return replaced.replaceAll(
      new RegExp(`(?<![\\w/-])(${places.join("|")})\\b`, "g"),
      `${this.folder}$1`,
    );
  }

  /** The same package under another version. */
  #repack(tarball: string, target: string): void {
    const work = this.place("work");
    mkdirSync(work);
    tar("-xzf", tarball, "-C", work);
    const file = path.join(work, "package/package.json");
    const manifest = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    if (manifest.version !== VERSIONS[0]) throw new Error("The page installs another version.");
    writeFileSync(file, JSON.stringify({ ...manifest, version: VERSIONS[1] }));
    tar("-czf", target, "-C", work, "package");
    rmSync(work, { recursive: true });
  }
}

/** The page's commands, in order. */
export function commandsOfPage(): { heading: string; code: string }[] {
  return blocksOf("docs/install.md", "sh");
}

function tar(...args: string[]): void {
  const { status, stderr } = spawnSync("tar", args, { encoding: "utf8" });
  if (status !== 0) throw new Error(`tar ended with ${status}: ${stderr}`);
}
