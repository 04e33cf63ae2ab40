import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chownSync, existsSync, globSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { atExit } from "./atExit.ts";

/** Postgres refuses to run as root; the system's user without rights does for a test. */
const NOBODY = 65_534;

/** A Postgres server with a folder, a port and a password of its own. */
export class PostgresServer {
  readonly #folder: string;
  readonly #programs: string;
  readonly #port: number;
  readonly #password = randomBytes(12).toString("hex");
  #process: ChildProcess | undefined;
  #forget = () => {};

  private constructor(programs: string, port: number) {
    this.#programs = programs;
    this.#port = port;
    this.#folder = mkdtempSync(path.join(tmpdir(), "postgres-"));
    chownSync(this.#folder, this.#user.uid, this.#user.gid);
  }

  /** The folder of the newest installed server's programs; undefined where there is none. */
  static programs(): string | undefined {
    const path_ = (process.env.PATH ?? "").split(path.delimiter);
    const folders = [...globSync("/usr/lib/postgresql/*/bin").sort().reverse(), ...path_];
    return folders.find((each) =>
      ["postgres", "initdb", "psql"].every((name) => existsSync(path.join(each, name))),
    );
  }

  static async start(programs: string): Promise<PostgresServer> {
    const server = new PostgresServer(programs, await freePort());
    server.#create();
    await server.begin();
    return server;
  }

  /** With a password, as a real one has it. */
  get url(): string {
    return `postgres://index:${this.#password}@127.0.0.1:${this.#port}/postgres`;
  }

  get #user(): { uid: number; gid: number } {
    const { getuid, getgid } = process;
    const uid = getuid?.() ?? NOBODY;
    return uid === 0 ? { uid: NOBODY, gid: NOBODY } : { uid, gid: getgid?.() ?? NOBODY };
  }

  #create(): void {
    const password = path.join(this.#folder, "password");
    writeFileSync(password, this.#password);
    chownSync(password, this.#user.uid, this.#user.gid);
    const { status, stderr } = spawnSync(
      path.join(this.#programs, "initdb"),
      [
        ...["--pgdata", path.join(this.#folder, "data"), "--username", "index"],
        ...["--auth", "scram-sha-256", "--pwfile", password, "--encoding", "UTF8", "--no-sync"],
      ],
      { ...this.#user, cwd: this.#folder, encoding: "utf8", env: { ...process.env, LC_ALL: "C" } },
    );
    if (status !== 0) throw new Error(`initdb ended with ${status}:\n${stderr}`);
  }

  /** Starts it, again or for the first time, and waits until it accepts connections. */
  async begin(): Promise<void> {
    const child = spawn(
      path.join(this.#programs, "postgres"),
      [
        ...["-D", path.join(this.#folder, "data"), "-p", String(this.#port)],
        ...["-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=${this.#folder}`],
      ],
      { ...this.#user, cwd: this.#folder, stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#process = child;
    this.#forget = atExit(() => child.kill("SIGQUIT"));
    const said: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      if (!line.includes("ready to accept connections")) continue;
      // What it says afterwards is nobody's; a full pipe would stop it.
      child.stderr.resume();
      return;
    }
    throw new Error(`Postgres ended:\n${said.join("\n")}`);
  }

  /** Ends it as a crash of the machine would: nothing is written any more, and connections are cut. */
  async crash(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    this.#forget();
    const ended = once(child, "exit");
    child.kill("SIGQUIT");
    await ended;
  }

  async stop(): Promise<void> {
    await this.crash();
    rmSync(this.#folder, { recursive: true });
  }

  /** The rows of a statement, as `psql` writes them without a frame. */
  rows(statement: string): string[] {
    const { status, stdout, stderr } = spawnSync(
      path.join(this.#programs, "psql"),
      ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--command", statement, this.url],
      { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } },
    );
    if (status !== 0) throw new Error(`psql ended with ${status}: ${stderr}`);
    return stdout.split("\n").filter((row) => row !== "");
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
