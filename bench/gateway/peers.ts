import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { versionOf } from "../resolve/dnsPeers.ts";

/** A proxy of others in front of the same upstream, with one thread. */
export interface Peer {
  name: string;
  version: string;
  port: number;
  pid: number;
  stop(): Promise<void>;
}

interface Kind {
  programs: readonly string[];
  versionFlag: string;
  config(folder: string, port: number, upstream: number): string;
  args(file: string, folder: string): string[];
}

/** How long a peer may take to listen, milliseconds. */
const START_MS = 10_000;

const kinds: Record<string, Kind> = {
  nginx: {
    programs: ["nginx", "/usr/sbin/nginx"],
    versionFlag: "-v",
    config: (folder, port, upstream) => `
daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder};
  fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
  keepalive_requests 10000000; proxy_max_temp_file_size 0;
  upstream u { server 127.0.0.1:${upstream}; keepalive 64; keepalive_requests 10000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}
`,
    args: (file, folder) => ["-p", folder, "-c", file, "-e", "stderr"],
  },
  haproxy: {
    programs: ["haproxy", "/usr/sbin/haproxy"],
    versionFlag: "-v",
    config: (_, port, upstream) => `
global
  nbthread 1
  maxconn 5000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  http-reuse always
  server s 127.0.0.1:${upstream}
`,
    args: (file) => ["-db", "-q", "-f", file],
  },
};

/** The names of all peers. */
export const peerNames = Object.keys(kinds);

/** Starts a peer; undefined if it is not installed. */
export async function startPeer(name: string, upstream: number): Promise<Peer | undefined> {
  const kind = kinds[name];
  const program = kind?.programs.find((each) => versionOf(each, kind.versionFlag) !== undefined);
  if (kind === undefined || program === undefined) return undefined;
  const folder = mkdtempSync(path.join(tmpdir(), "blockcloud-bench-"));
  const port = await freePort();
  const file = path.join(folder, "config");
  writeFileSync(file, kind.config(folder, port, upstream));
  const server = spawn(program, kind.args(file, folder), { stdio: ["ignore", 2, 2] });
  const stop = async () => {
    await ended(server);
    rmSync(folder, { recursive: true });
  };
  try {
    await accepts(port);
  } catch (error) {
    await stop();
    throw error;
  }
  const version = versionOf(program, kind.versionFlag) ?? "";
  return { name, version, port, pid: server.pid ?? 0, stop };
}

/** Waits until something listens on a port of loopback. */
export async function accepts(port: number): Promise<void> {
  const until = performance.now() + START_MS;
  for (;;) {
    const socket = connect(port, "127.0.0.1");
    const open = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (open) return;
    if (performance.now() > until) throw new Error(`Nothing listens on port ${port}.`);
    await pause(50);
  }
}

/** A TCP port of loopback that nothing uses. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const closed = once(server, "close");
  server.close();
  await closed;
  return port;
}

/** Ends a process that this one has started. */
export async function ended(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exit = once(server, "exit");
  server.kill("SIGKILL");
  await exit;
}
