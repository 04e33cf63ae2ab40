import { expect } from "chai";
import { text } from "node:stream/consumers";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { startUpstream, type Upstream } from "../../devnet/upstreams.ts";
import { WorkerProcess } from "../../devnet/worker.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";
import { until } from "../support/until.ts";

const BIN = fileURLToPath(new URL("../../bin/blockcloud", import.meta.url));
const REQUEST = "GET /who HTTP/1.1\r\nhost: service\r\nconnection: close\r\n\r\n";

describe("two processes of provider run behind one ID", () => {
  let rig: CliRig;
  const upstreams: Upstream[] = [];
  const agents: WorkerProcess[] = [];
  let bootstrap: string;

  before(async () => {
    rig = await CliRig.start();
    const { code, stderr } = await rig.cli(
      `service register --probe '${PROBE}' --service-key-file service.key --wallet-key-file wallet.key --yes`,
    );
    expect(code, stderr).to.equal(0);
  });
  after(async () => {
    for (const agent of agents) await agent.kill();
    for (const upstream of upstreams) await upstream.stop();
    await rig?.stop();
  });

  const surroundings = () => [
    ...["--deployment", path.join(rig.folder, "devnet.json"), "--rpc", rig.devnet.rpcUrl],
    "--allow-loopback",
  ];

  /** An instance whose upstream says its name. */
  async function start(name: string, args: string[]): Promise<WorkerProcess> {
    const upstream = await startUpstream((_, response) => response.end(`I am ${name}`));
    upstreams.push(upstream);
    const agent = new WorkerProcess({
      name: "provider",
      args: [
        ...["provider", "run", "--service", "1", "--upstream", upstream.url],
        ...["--listen", "127.0.0.1:0", "--coral-listen", "/ip4/127.0.0.1/tcp/0"],
        ...["--state", path.join(rig.folder, name), ...surroundings(), ...args],
      ],
      env: { BLOCKCLOUD_WALLET_KEY: parts.wallet.key, BLOCKCLOUD_SERVICE_KEY: parts.service.key },
      logFile: path.join(rig.folder, `${name}.log`),
    });
    agents.push(agent);
    return agent;
  }

  /** Runs a command of a user; gives its exit code and output. */
  async function run(args: string[], input = ""): Promise<{ code: number; output: string }> {
    const child = spawn(
      process.execPath,
      [BIN, ...args, ...surroundings(), "--coral-bootstrap", bootstrap],
      { stdio: ["pipe", "pipe", "ignore"] },
    );
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const [output, [code]] = await Promise.all([
      text(child.stdout),
      once(child, "exit") as Promise<[number]>,
    ]);
    return { code, output };
  }

  it("serve flows both, and the one that lives serves on when the other is killed", async () => {
    const first = await start("first", ["--replicas-listen", "127.0.0.1:0"]);
    const { port } = await first.logged("other instances may join");
    const { addresses } = await first.logged("coral listens");
    [bootstrap = ""] = addresses as string[];
    const second = await start("second", ["--join", `http://127.0.0.1:${String(port)}`]);
    await second.logged("the record names this instance");

    const seen = new Set<string>();
    await until("both have served a flow", async () => {
      const { code, output } = await run(["connect", "1", "--port", "80"], REQUEST);
      expect(code, output).to.equal(0);
      seen.add(/I am \w+/.exec(output)?.[0] ?? output);
      return seen.size === 2;
    });
    expect([...seen].sort()).to.deep.equal(["I am first", "I am second"]);

    await second.kill();
    // The record still names the dead one: it is passed over.
    for (let count = 0; count < 3; count++) {
      const { code, output } = await run(["connect", "1", "--port", "80"], REQUEST);
      expect(code, output).to.equal(0);
      expect(output).to.include("I am first");
    }
    const fetched = await run(["fetch", `bloc://${rootServiceId(1n)}/who`]);
    expect(fetched).to.deep.equal({ code: 0, output: "I am first" });
  });
});
