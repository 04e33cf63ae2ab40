import { expect } from "chai";
import { parseEther } from "viem";
import { HORIZON } from "../../../src/protocol/epoch.ts";
import { CliRig, parts, PROBE } from "../../support/cliRig.ts";
import { rpcStories } from "../../support/rpcFaults.ts";
import { RpcProxy } from "../../support/rpcProxy.ts";

const WALLET = "--wallet-key-file wallet.key --yes";

/** With no other endpoint to go to. */
describe("commands send each transaction once behind an endpoint that", () => {
  let rig: CliRig;
  let proxy: RpcProxy;
  let snapshot: unknown;

  before(async () => {
    rig = await CliRig.start();
    proxy = new RpcProxy(rig.devnet.rpcUrl);
    await proxy.start();
    const registered = await rig.cli(
      `service register --stake 5000 --probe '${PROBE}' --service-key-file service.key ${WALLET}`,
    );
    expect(registered.code, registered.stderr).to.equal(0);
  });
  after(async () => {
    await proxy.stop();
    await rig.stop();
  });
  beforeEach(async () => {
    snapshot = await rig.request("evm_snapshot", []);
  });
  afterEach(async () => {
    proxy.heal();
    await rig.request("evm_revert", [snapshot]);
  });

  /** A command that the endpoint makes fail is run again, as a person would. */
  const run = async (line: string) => {
    const env = { BLOCKCLOUD_RPC: proxy.url };
    const first = await rig.cli(`${line} ${WALLET}`, { env });
    if (first.code === 0) return;
    expect(first.stderr, "says why in its own words").to.match(/^[A-Z_]+: /m);
    proxy.heal();
    const second = await rig.cli(`${line} ${WALLET}`, { env });
    expect(second.code, second.stderr).to.equal(0);
  };
  /** As it counts two epochs later. */
  const stake = async () => {
    const epoch = await rig.client.readContract({ ...rig.staking, functionName: "currentEpoch" });
    const args = [1n, epoch + HORIZON] as const;
    const call = { ...rig.staking, functionName: "serviceStakeAt", args } as const;
    return (await rig.client.readContract(call))[0];
  };

  for (const { name, begin } of rpcStories) {
    it(name, async () => {
      const [before, nonce] = [await stake(), await rig.sent(parts.wallet.address)];
      begin(proxy);
      await run("stake 100 --service 1");
      expect((await stake()) - before).to.equal(parseEther("100"));
      proxy.heal();
      begin(proxy);
      await run("unstake 100 --service 1");
      expect(await stake()).to.equal(before);
      const sent = (await rig.sent(parts.wallet.address)) - nonce;
      expect(sent, "a stake, which brings its permit, and its return").to.equal(2);
    });
  }
});
