import { expect } from "chai";
import { parseEther } from "viem";
import { AuditorStore, auditorStoreFile } from "../../src/auditor/store.ts";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";

const WALLET = "--wallet-key-file wallet.key";
const OWNER = "--owner-key-file owner.key";

/** An auditor that the owner key does not own. */
const AUDITOR_OF_OTHER = `--auditor ${parts.stranger.address}`;

describe("stake commands", function () {
  let rig: CliRig;

  before(async () => {
    rig = await CliRig.start();
    const keys = `--service-key-file service.key ${WALLET}`;
    const { code, stderr } = await rig.cli(
      `service register --probe '${PROBE}' --stake 1000 --yes ${keys}`,
    );
    expect(code, stderr).to.equal(0);
  });
  after(() => rig.stop());

  const ok = async (line: string) => {
    const outcome = await rig.cli(`${line} --yes --json`);
    expect(outcome.code, outcome.stderr).to.equal(0);
    return outcome.json();
  };
  const refused = async (line: string) => {
    const { code, stderr } = await rig.cli(`${line} --yes`);
    return { code, stderr };
  };

  it("asks for one role, and for its key", async () => {
    const none = await refused("stake 1");
    expect(none.stderr).to.contain("--service: missing").and.to.contain("--wallet-key-file");
    const both = await refused(`stake 1 --service 1 --auditor ${OWNER}`);
    expect(both.stderr).to.contain("give one of the two");
    const key = await refused("stake 1 --auditor");
    const other = await refused(`stake 1 ${AUDITOR_OF_OTHER} --owner-key-file owner.key`);
    expect(other.stderr).to.contain("--auditor: the owner key is");
    expect(key.stderr).to.contain("--owner-key-file").and.to.contain("BLOCKCLOUD_OWNER_KEY");
    expect([none.code, both.code, key.code]).to.deep.equal([2, 2, 2]);
  });

  it("stake adds, unstake takes out, withdraw waits for the unbonding time", async () => {
    const service = `--service 1 ${WALLET}`;
    expect(await ok(`stake 500 ${service}`)).to.include({ stake: parseEther("1500").toString() });
    const before = await rig.bloc(parts.wallet.address);
    const out = await ok(`unstake 200.5 ${service}`);
    expect(out).to.include({ stake: parseEther("1299.5").toString(), unbondingSeconds: 132 });
    const early = await refused(`withdraw ${service}`);
    expect(early.code).to.equal(exitCodes.failed);
    expect(early.stderr).to.match(/NOTHING_MATURED: .*200\.5 BLOC can be withdrawn in/);
    await rig.pass(132);
    await ok(`withdraw ${service}`);
    expect(await rig.bloc(parts.wallet.address)).to.equal(before + parseEther("200.5"));
    const empty = await refused(`withdraw ${service}`);
    expect(empty.stderr).to.contain("No stake is unbonding");
  });

  it("translates what the contract refuses", async () => {
    const tooMuch = await refused(`unstake 5000 --service 1 ${WALLET}`);
    expect(tooMuch.code).to.equal(exitCodes.reverted);
    expect(tooMuch.stderr).to.match(/StakingInsufficient\(.*\)\. The stake is smaller/);
    const stranger = await refused("unstake 1 --service 1 --wallet-key-file stranger.key");
    expect(stranger.stderr).to.match(/StakingNotStaker\(.*Use the key that staked/);
    const little = await refused(`stake 10 --auditor ${OWNER}`);
    expect(little.code).to.equal(exitCodes.reverted);
    expect(little.stderr).to.contain("StakingBelowMinimum").and.to.contain("at least the minimum");
  });

  it("auditor init stakes what is missing and enrols, and is done the second time", async () => {
    const low = await rig.cli(
      `auditor init --stake 4999 ${OWNER} --operator-key-file operator.key --yes`,
    );
    expect(low.stderr).to.match(/^STAKE_BELOW_MINIMUM: .*5000 BLOC/);
    const init = `auditor init --stake 6000 ${OWNER} --operator-key-file operator.key`;
    await ok(`stake 5000 --auditor ${OWNER}`);
    const first = await ok(init);
    expect(first).to.include({ auditor: parts.owner.address, operator: parts.operator.address });
    expect(first.transactions).to.have.length(2);
    const args = [parts.owner.address] as const;
    const contract = { ...rig.staking, functionName: "auditorStake", args } as const;
    expect((await rig.client.readContract(contract))[0]).to.equal(parseEther("6000"));
    expect(await ok(init)).to.include({ already: true });
    const other = await refused(`${init} --chain-number 1`);
    expect(other.stderr).to.contain("ENROLMENT_PENDING");
  });

  it("exit of a service settles, unbonds, counts down and withdraws", async () => {
    const before = await rig.bloc(parts.wallet.address);
    const { code, json, stderr } = await rig.cli(`exit --service 1 ${WALLET} --yes --json`);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.match(/\d+ s until the stake is free/);
    expect(json()).to.include({ number: 1, received: parseEther("1299.5").toString() });
    expect(await rig.bloc(parts.wallet.address)).to.equal(before + parseEther("1299.5"));
    const again = await rig.cli(`exit --service 1 ${WALLET} --yes --json`);
    expect(again.json()).to.include({ already: true });
  });

  it("exit goes on where Ctrl-C stopped it", async () => {
    await ok(`stake 1000 --service 1 ${WALLET}`);
    const before = await rig.bloc(parts.wallet.address);
    const ctrlC = new AbortController();
    const { sleep } = rig.timers;
    const timers = {
      ...rig.timers,
      sleep: (milliseconds: number, signal: AbortSignal) => {
        ctrlC.abort();
        return new Promise<void>((_, reject) => {
          signal.addEventListener("abort", () => {
            reject(signal.reason as Error);
          });
        });
      },
    };
    const exit = `exit --service 1 ${WALLET} --yes`;
    const stopped = await rig.cli(exit, { timers, interrupt: ctrlC.signal });
    expect(stopped.code, stopped.stderr).to.equal(exitCodes.interrupted);
    expect(stopped.stderr).to.contain("INTERRUPTED").and.to.contain("Run the same command again");
    const waiting = await rig.cli(`${exit} --dry-run`);
    expect(waiting.stdout).to.contain("free in");
    const { code, stdout } = await rig.cli(exit, { timers: { ...rig.timers, sleep } });
    expect(code).to.equal(0);
    expect(stdout).to.contain("has left with 1000 BLOC");
    expect(await rig.bloc(parts.wallet.address)).to.equal(before + parseEther("1000"));
  });

  it("auditor exit does not leave rounds behind that it could claim", async () => {
    const { address: auditor } = parts.owner;
    const store = new AuditorStore(
      auditorStoreFile(`${rig.folder}/.blockcloud`, auditor, rig.devnet.deployment),
    );
    const epoch = await rig.client.readContract({ ...rig.registry, functionName: "currentEpoch" });
    const hash = `0x${"11".repeat(32)}` as const;
    store.save({ epoch, secret: hash, y: hash, votes: 0, chunks: [], evidence: [] });
    store.close();
    const open = await refused(`auditor exit ${OWNER}`);
    expect(open.code).to.equal(exitCodes.failed);
    expect(open.stderr).to.contain("ROUNDS_OPEN").and.to.contain("--operator-key-file");
    const exit = `auditor exit ${OWNER} --operator-key-file operator.key --yes --json`;
    const { code, json, stderr } = await rig.cli(exit);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("revealing and claiming: 1 rounds are left");
    expect(json()).to.include({ auditor, received: parseEther("6000").toString() });
    expect(await ok(`exit --auditor ${OWNER}`)).to.include({ already: true });
  });

  it("printed no key in all of this", () => {
    for (const { key } of Object.values(parts)) expect(rig.printed).not.to.contain(key.slice(2));
  });
});
