import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import path from "node:path";
import { accepts, ended, freePort } from "../gateway/peers.ts";
import { versionOf } from "../resolve/dnsPeers.ts";

/** A program of others in front of a TCP server. */
export interface Forwarder {
  name: string;
  version: string;
  port: number;
  stop(): Promise<void>;
}

interface Kind {
  programs: readonly string[];
  versionFlag: string;
  /** The commands to run, in order; each after the port of the one before accepts. */
  prepare(folder: string, port: number, target: number): Promise<Command[]>;
}

interface Command {
  program: string;
  args: string[];
  /** Where it listens. */
  port: number;
}

const kinds: Record<string, Kind> = {
  ssh: sshKind("-L"),
  // The way out of a host behind NAT: sshd listens, and leads to where ssh runs.
  "ssh -R": sshKind("-R"),
  socat: {
    programs: ["socat"],
    versionFlag: "-V",
    prepare: (_, port, target) => {
      const listen = `TCP-LISTEN:${port},bind=127.0.0.1,fork,reuseaddr,nodelay`;
      // One buffer of the size of the others' writes.
      const args = ["-b", "65536", listen, `TCP:127.0.0.1:${target},nodelay`];
      return Promise.resolve([{ program: "socat", args, port }]);
    },
  },
  haproxy: {
    programs: ["haproxy", "/usr/sbin/haproxy"],
    versionFlag: "-v",
    prepare: (folder, port, target) => {
      const file = path.join(folder, "config");
      writeFileSync(file, haproxyConfig(port, target));
      const args = ["-db", "-q", "-f", file];
      return Promise.resolve([
        { program: programOf(["haproxy", "/usr/sbin/haproxy"]), args, port },
      ]);
    },
  },
};

/** The forwarders from a client's side. */
export const forwarderNames = ["ssh", "socat", "haproxy"] as const;

function sshKind(flag: "-L" | "-R"): Kind {
  return {
    programs: ["/usr/sbin/sshd"],
    versionFlag: "-V",
    prepare: async (folder, port, target) => {
      const file = (name: string) => path.join(folder, name);
      for (const name of ["host", "user"]) {
        const args = ["-q", "-t", "ed25519", "-N", "", "-f", file(name)];
        if (spawnSync("ssh-keygen", args).status !== 0) throw new Error("ssh-keygen failed.");
      }
      // sshd gives up its rights in this folder, and does not make it.
      if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
      const sshPort = await freePort();
      const lines = [
        `Port ${sshPort}`,
        "ListenAddress 127.0.0.1",
        `HostKey ${file("host")}`,
        `AuthorizedKeysFile ${file("user.pub")}`,
        ...["PasswordAuthentication no", "StrictModes no", "UsePAM no", "PidFile none"],
      ];
      writeFileSync(file("config"), `${lines.join("\n")}\n`);
      const client = [
        ...["-F", "none", "-N", "-T", "-i", file("user"), "-p", String(sshPort)],
        ...["-c", "aes128-gcm@openssh.com", "-o", "StrictHostKeyChecking=no"],
        ...["-o", `UserKnownHostsFile=${file("known")}`, "-o", "LogLevel=ERROR"],
        ...[flag, `127.0.0.1:${port}:127.0.0.1:${target}`, `${userInfo().username}@127.0.0.1`],
      ];
      return [
        { program: "/usr/sbin/sshd", args: ["-D", "-f", file("config")], port: sshPort },
        { program: "ssh", args: client, port },
      ];
    },
  };
}

/** Starts a forwarder to a TCP port on loopback; `missing` says why there is none. */
export async function startForwarder(
  name: string,
  target: number,
): Promise<Forwarder | { missing: string }> {
  const kind = kinds[name];
  const program = kind?.programs.find((each) => versionOf(each, kind.versionFlag) !== undefined);
  if (kind === undefined || program === undefined) return { missing: "not installed" };
  const folder = mkdtempSync(path.join(tmpdir(), "blockcloud-bench-"));
  const running: ChildProcess[] = [];
  const stop = async () => {
    await Promise.all(running.map(ended));
    rmSync(folder, { recursive: true });
  };
  try {
    const port = await freePort();
    for (const command of await kind.prepare(folder, port, target)) {
      running.push(spawn(command.program, command.args, { stdio: ["ignore", "ignore", 2] }));
      await accepts(command.port);
    }
    return { name, version: versionOf(program, kind.versionFlag) ?? "", port, stop };
  } catch (error) {
    await stop();
    return { missing: `does not start here: ${(error as Error).message}` };
  }
}

function programOf(programs: readonly string[]): string {
  return programs.find((each) => versionOf(each, "-v") !== undefined) ?? "haproxy";
}

function haproxyConfig(port: number, target: number): string {
  return `
global
  nbthread 1
  maxconn 5000
  tune.bufsize 65536
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen l
  bind 127.0.0.1:${port}
  server s 127.0.0.1:${target}
`;
}
