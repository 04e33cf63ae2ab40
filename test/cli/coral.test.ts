import { expect } from "chai";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { createCoral } from "../../src/coral/createCoral.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { deploymentTag } from "../../src/chain/deployment.ts";
import { CliRig } from "../support/cliRig.ts";
import { FakeAuthority, START } from "../support/coralKit.ts";
import { MemoryLog } from "../support/memoryLog.ts";

const bin = path.join(import.meta.dirname, "../../bin/blockcloud");

interface Listening {
  child: ChildProcess;
  addresses: string[];
  peerId: string;
}

describe("coral run", () => {
  let rig: CliRig;
  const children: ChildProcess[] = [];
  before(async () => {
    rig = await CliRig.start();
  });
  after(async () => {
    for (const child of children) child.kill("SIGKILL");
    await rig.stop();
  });

  const line = () => [
    ...["coral", "run", "--deployment", "devnet.json", "--rpc", rig.devnet.rpcUrl],
    ...["--allow-loopback", "--coral-listen", "/ip4/127.0.0.1/tcp/0"],
  ];

  async function run(): Promise<Listening> {
    const child = spawn(process.execPath, [bin, ...line()], {
      cwd: rig.folder,
      env: {},
      stdio: ["ignore", "pipe", "inherit"],
    });
    children.push(child);
    for await (const text of createInterface({ input: child.stdout })) {
      const entry = JSON.parse(text) as { msg: string } & Omit<Listening, "child">;
      if (entry.msg === "coral listens") return { child, ...entry };
    }
    expect.fail("it ended before it listened");
  }

  it("runs a node that others join, one for each state folder, with one peer ID for ever", async () => {
    const first = await run();
    const [address = ""] = first.addresses;
    expect(address).to.match(new RegExp(`^/ip4/127.0.0.1/tcp/\\d+/p2p/${first.peerId}$`));
    const { chainId, contracts } = rig.devnet.deployment;
    const other = createCoral(
      {
        chainId,
        registry: contracts.registry,
        listen: [],
        bootstrap: [address],
        subscribe: true,
        allowPrivate: true,
      },
      {
        authority: new FakeAuthority(),
        now: () => START,
        timers: systemTimers,
        log: new MemoryLog(),
      },
    );
    await other.start();
    await once(other.libp2p!.services.push, "subscription-change");
    expect(other.peers).to.equal(1);
    await other.stop();

    const second = await rig.cli("coral run --json");
    expect([second.code, JSON.parse(second.stdout)]).to.have.nested.property(
      "[1].error.code",
      "WORKER_RUNNING",
    );
    first.child.kill("SIGTERM");
    expect(await once(first.child, "exit")).to.deep.equal([0, null]);

    const tag = deploymentTag(rig.devnet.deployment);
    const key = path.join(rig.folder, ".blockcloud", `coral-coral-${tag}.key`);
    expect(statSync(key).mode & 0o777).to.equal(0o600);
    const again = await run();
    expect(again.peerId).to.equal(first.peerId);
    again.child.kill("SIGTERM");
    await once(again.child, "exit");
  });

  it("refuses an invalid multiaddr", async () => {
    const { code, stderr } = await rig.cli("coral run --coral-bootstrap example.org:4170");
    expect(code).to.equal(2);
    expect(stderr).to.contain("--coral-bootstrap");
  });
});
