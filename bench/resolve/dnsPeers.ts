import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { addressOf, nameOf } from "./services.ts";

/** The TTL of all answers, seconds. */
const TTL = 60;
/** Time limit for the start of a server, milliseconds. */
const START_MS = 10_000;

/** A third-party name server that serves the synthetic names. */
export interface DnsPeer {
  name: string;
  /** The version that it reports. */
  version: string;
  port: number;
  stop(): Promise<void>;
}

interface Kind {
  versionFlag: string;
  /** The program, if it has another name. */
  program?: string;
  /** Writes its configuration into its folder. Returns its arguments. */
  prepare(folder: string, port: number, source: Source): string[];
}

/** What a name server serves: the synthetic names, or what our front at a port answers for them. */
interface Source {
  services: number;
  front?: number | undefined;
}

/** The lines of unbound's configuration that do not depend on what it serves. */
function unboundServer(folder: string, port: number): string[] {
  return [
    ...["server:", `interface: 127.0.0.1@${port}`, "access-control: 127.0.0.0/8 allow"],
    ...["do-daemonize: no", 'chroot: ""', 'username: ""', `directory: "${folder}"`],
    ...['pidfile: ""', "use-syslog: no", `logfile: "${folder}/log"`, "verbosity: 0"],
    ...["num-threads: 1", "do-ip6: no", 'module-config: "iterator"'],
  ];
}

const NO_CONTROL = ["remote-control:", "control-enable: no"];

const kinds: Record<string, Kind> = {
  unbound: {
    versionFlag: "-V",
    prepare(folder, port, { services }) {
      const file = path.join(folder, "unbound.conf");
      const lines = [
        ...[...unboundServer(folder, port), 'local-zone: "bloc.alt." static'],
        ...numbers(services).map(
          (number) => `local-data: "${nameOf(number)}. ${TTL} IN A ${addressOf(number)}"`,
        ),
        ...NO_CONTROL,
      ];
      writeFileSync(file, `${lines.join("\n")}\n`);
      return ["-d", "-c", file];
    },
  },
  // As docs/resolver.md says, with a cache before the front.
  "unbound before the front": {
    program: "unbound",
    versionFlag: "-V",
    prepare(folder, port, { front = 0 }) {
      const file = path.join(folder, "unbound.conf");
      const lines = [
        ...unboundServer(folder, port),
        ...['local-zone: "alt." nodefault', 'domain-insecure: "bloc.alt."'],
        ...["do-not-query-localhost: no", "prefetch: yes"],
        ...["stub-zone:", 'name: "bloc.alt."', `stub-addr: 127.0.0.1@${front}`],
        ...NO_CONTROL,
      ];
      writeFileSync(file, `${lines.join("\n")}\n`);
      return ["-d", "-c", file];
    },
  },
  dnsmasq: {
    versionFlag: "-v",
    prepare(folder, port, { services }) {
      const file = path.join(folder, "hosts");
      const lines = numbers(services).map((number) => `${addressOf(number)} ${nameOf(number)}`);
      writeFileSync(file, `${lines.join("\n")}\n`);
      const root = process.getuid?.() === 0 ? ["--user=root", "--group=root"] : [];
      return [
        ...["-k", "-C", "/dev/null", `--port=${port}`, "--listen-address=127.0.0.1"],
        ...["--bind-interfaces", "--no-resolv", "--no-hosts", `--addn-hosts=${file}`],
        ...[`--local-ttl=${TTL}`, "--pid-file=", "--local=/bloc.alt/"],
        ...[`--cache-size=${services}`, ...root],
      ];
    },
  },
};

/** The version that a program reports; undefined if it is not installed. */
export function versionOf(program: string, flag: string): string | undefined {
  const { error, stdout, stderr } = spawnSync(program, [flag], { encoding: "utf8", timeout: 5000 });
  return error ? undefined : /\S+( \S+)*/.exec(`${stdout}\n${stderr}`)?.[0];
}

/**
 * Starts a server with as many names as there are services, on loopback; undefined if not installed.
 *
 * @param front The port of our DNS front, for a server that forwards to it.
 */
export async function startDnsPeer(
  name: string,
  services: number,
  front?: number,
): Promise<DnsPeer | undefined> {
  const kind = kinds[name];
  const { program = name } = kind ?? {};
  const version = kind && versionOf(program, kind.versionFlag);
  if (kind === undefined || version === undefined) return undefined;
  const folder = mkdtempSync(path.join(tmpdir(), "blockcloud-bench-"));
  const port = await freeDnsPort();
  const arguments_ = kind.prepare(folder, port, { services, front });
  const server = spawn(program, arguments_, { stdio: ["ignore", 2, 2] });
  const stop = async () => {
    await ended(server);
    rmSync(folder, { recursive: true });
  };
  try {
    await answers(port, nameOf(services));
  } catch (error) {
    await stop();
    throw error;
  }
  return { name, version, port, stop };
}

/** Waits until a server answers a question; rejects if the answer has no record. */
export async function answers(port: number, name: string): Promise<void> {
  const socket = createSocket("udp4");
  const query = questionOf(name);
  try {
    await new Promise<void>((resolve, reject) => {
      const ask = () => {
        socket.send(query, port, "127.0.0.1");
      };
      const timer = setInterval(ask, 50);
      const limit = setTimeout(() => {
        reject(new Error(`No response from port ${port} in ${START_MS} ms.`));
      }, START_MS);
      // An error means that the server does not listen yet, so the wait continues.
      socket.on("error", () => {});
      socket.once("message", (message) => {
        // The number of answers (RFC 1035, 4.1.1).
        if (message.readUInt16BE(6) > 0) resolve();
        else reject(new Error(`Port ${port} has no address for ${name}.`));
      });
      socket.once("close", () => {
        clearInterval(timer);
        clearTimeout(limit);
      });
      ask();
    });
  } finally {
    socket.close();
  }
}

/** A query for the A records of a name (RFC 1035, section 4). */
function questionOf(name: string): Buffer {
  const header = Buffer.from([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const labels = name.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]);
  return Buffer.concat([header, Buffer.from([...labels, 0, 0, 1, 0, 1])]);
}

/** A port that is free over UDP and TCP. */
async function freeDnsPort(): Promise<number> {
  for (;;) {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const { port } = socket.address();
    const server = createServer().listen(port, "127.0.0.1");
    const isFree = await once(server, "listening").then(
      () => true,
      () => false,
    );
    if (isFree) await new Promise((resolve) => server.close(resolve));
    await new Promise<void>((resolve) => {
      socket.close(resolve);
    });
    if (isFree) return port;
  }
}

async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGKILL");
  await exit;
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}
