import { expect } from "chai";
import { parseEther } from "viem";
import { bootstrapOf } from "../../src/cli/framework/coralFlags.ts";
import { CliRig, parts } from "../support/cliRig.ts";

const NODE = "/ip4/203.0.113.7/tcp/4170";

describe("a network's file", () => {
  let rig: CliRig;

  before(async () => {
    rig = await CliRig.start();
    const { deployment, rpcUrl } = rig.devnet;
    rig.file("preset.json", JSON.stringify({ ...deployment, rpc: [rpcUrl], bootstrap: [NODE] }));
    rig.file("wrong.json", JSON.stringify({ ...deployment, rpc: ["ftp://example"] }));
  });
  after(() => rig.stop());

  const env = (file: string, rpc = "") => ({
    env: { BLOCKCLOUD_DEPLOYMENT: file, BLOCKCLOUD_RPC: rpc },
  });

  it("stands in for endpoints that the user did not name, and for no others", async () => {
    const { code, stderr } = await rig.cli("service list", env("preset.json"));
    expect(code, stderr).to.equal(0);
    const named = await rig.cli("service list", env("preset.json", "http://127.0.0.1:1"));
    expect(named.stderr).to.match(/^CHAIN_UNREACHABLE: /);
    const none = await rig.cli("service list", env("devnet.json"));
    expect(none.stderr).to.contain("--rpc: missing");
    expect((await rig.cli("service list", env("wrong.json"))).stderr).to.contain(
      "DEPLOYMENT_INVALID",
    );
  });

  it("with a node that cannot be joined ends a worker as a wrong flag does: a restart would not help", async () => {
    const { deployment } = rig.devnet;
    rig.file("nodes.json", JSON.stringify({ ...deployment, bootstrap: ["node.example:4170"] }));
    const env = { BLOCKCLOUD_DEPLOYMENT: "nodes.json" };
    const { code, stderr } = await rig.cli("coral run --coral-listen /ip4/127.0.0.1/tcp/0", {
      env,
    });
    expect(code, stderr).to.equal(2);
    expect(stderr).to.match(/^CORAL_ADDRESS_INVALID: .*node\.example:4170/m);
  });

  it("names the nodes to join by, unless others are named", () => {
    const { deployment } = rig.devnet;
    const preset = { ...deployment, bootstrap: [NODE] };
    expect(bootstrapOf([], preset)).to.deep.equal([NODE]);
    expect(bootstrapOf(undefined, deployment)).to.deep.equal([]);
    expect(bootstrapOf(["/ip4/198.51.100.1/tcp/1"], preset)).to.deep.equal([
      "/ip4/198.51.100.1/tcp/1",
    ]);
  });
});

describe("blockcloud send", () => {
  let rig: CliRig;

  before(async () => {
    rig = await CliRig.start();
  });
  after(() => rig.stop());

  const send = (amount: string, to: string, flags = "--yes --json") =>
    rig.cli(`send ${amount} --to ${to} --wallet-key-file wallet.key ${flags}`);

  it("sends BLOC once, after it has shown what it does", async () => {
    const { address } = parts.stranger;
    const dry = await send("12.5", address, "--dry-run");
    expect(dry.stdout).to.contain("transferred: 12.5 BLOC");
    expect(await rig.bloc(address)).to.equal(0n);
    const { code, stderr, json } = await send("12.5", address);
    expect(code, stderr).to.equal(0);
    expect(json()).to.include({ to: address, amount: parseEther("12.5").toString() });
    expect(await rig.bloc(address)).to.equal(parseEther("12.5"));
  });

  it("sends nothing to where it would be lost, nor what is not there", async () => {
    const { token, staking } = rig.devnet.deployment.contracts;
    for (const to of [token, staking, `0x${"00".repeat(20)}`]) {
      expect((await send("1", to)).stderr).to.match(/^RECEIVER_INVALID: /);
    }
    expect((await send("1000000", parts.stranger.address)).stderr).to.contain("BALANCE_TOO_LOW");
  });
});
