import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect } from "chai";
import { startDevnet, type Devnet } from "../../devnet/devnet.ts";
import { createChainClient } from "../../src/chain/client.ts";
import type { IndexStatus } from "../../src/indexer/indexStatus.ts";
import { packageRoot } from "../../src/node/packageRoot.ts";
import { until } from "../support/until.ts";

/** A line of the command's log. */
interface Line {
  msg: string;
  port?: number;
}

describe("blockcloud indexer run", function () {
  this.timeout(300_000);
  let folder: string;
  let devnet: Devnet;
  let child: ChildProcess;
  let printed: string;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "indexer-run-"));
    devnet = await startDevnet(folder, { automine: true });
    writeFileSync(path.join(folder, "devnet.json"), JSON.stringify(devnet.deployment));
  });
  afterEach(() => {
    child.kill("SIGKILL");
  });
  after(async () => {
    await devnet.stop();
    rmSync(folder, { recursive: true });
  });

  /** Starts the command; the port at which it answers. */
  async function start(): Promise<number> {
    const args = ["indexer", "run", "--deployment", "devnet.json", "--rpc", devnet.rpcUrl];
    const flags = ["--state", "state", "--listen", "127.0.0.1:0", "--log-format", "json"];
    printed = "";
    child = spawn(
      process.execPath,
      [path.join(packageRoot(), "bin/blockcloud"), ...args, ...flags],
      { cwd: folder, env: {}, stdio: ["ignore", "pipe", "pipe"] },
    );
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (printed += text));
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    createInterface({ input: child.stdout! }).on("line", (text) => {
      printed += `${text}\n`;
      const line = JSON.parse(text) as Line;
      if (line.msg === "index listens") resolve(line.port ?? 0);
    });
    child.once("exit", () => {
      reject(new Error(`It ended: ${printed}`));
    });
    return await promise;
  }

  /** Waits until the chain's newest block is in the tables. */
  async function current(port: number): Promise<IndexStatus> {
    const client = createChainClient([devnet.rpcUrl], devnet.deployment.chainId);
    const head = Number(await client.getBlockNumber());
    let status: IndexStatus | undefined;
    await until(
      "the index is current",
      async () => {
        if (child.exitCode !== null) throw new Error(`It ended: ${printed}`);
        const response = await fetch(`http://127.0.0.1:${port}/v1/status`);
        status = (await response.json()) as IndexStatus;
        return status.state === "live" && status.indexed?.block === head;
      },
      100,
    );
    return status!;
  }

  it("answers that it is current, and ends in order at SIGTERM", async () => {
    const status = await current(await start());
    expect(status).to.deep.include({ behindBlocks: 0, behindSeconds: 0, progress: 1 });
    child.kill("SIGTERM");
    const [code, signal] = (await once(child, "close")) as [number | null, string | null];
    expect({ code, signal }, printed).to.deep.equal({ code: 0, signal: null });
  });

  it("leaves no Ponder behind when it is killed, and starts again in the same folder", async () => {
    await current(await start());
    const children = childrenOf(child.pid!);
    expect(children).to.have.length(1);
    child.kill("SIGKILL");
    await until("Ponder has ended", () => children.every((pid) => !isRunning(pid)));
    await current(await start());
    child.kill("SIGTERM");
    await once(child, "close");
  });
});

/** The processes that a process has started, as Linux lists them. */
function childrenOf(pid: number): number[] {
  const list = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return list.split(" ").filter(Boolean).map(Number);
}

/** A process that has ended, and whose parent has not asked for its exit code yet, does not run. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return false;
    throw error;
  }
}
