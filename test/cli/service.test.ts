import { expect } from "chai";
import { encodeFunctionData, erc20Abi, parseEther, stringToHex } from "viem";
import { devKey } from "../../devnet/devnet.ts";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import { blocTokenAbi } from "../../src/protocol/abi/blocToken.ts";
import { serviceRegistryAbi } from "../../src/protocol/abi/serviceRegistry.ts";
import { HORIZON } from "../../src/protocol/epoch.ts";
import { encryptKeystore } from "../../src/node/keystore.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";

const WALLET = "--wallet-key-file wallet.key";
const REGISTER = `service register --probe '${PROBE}' --service-key-file service.key ${WALLET}`;

describe("service commands", function () {
  let rig: CliRig;

  before(async () => {
    rig = await CliRig.start();
  });
  after(() => rig.stop());

  const status = (number: bigint) =>
    rig.client.readContract({ ...rig.registry, functionName: "statusNow", args: [number] });
  const code = async (line: string) => (await rig.cli(line)).code;

  it("register: a dry run shows what it costs in ETH and BLOC, and sends nothing", async () => {
    const { code, stdout } = await rig.cli(`${REGISTER} --stake 2000 --dry-run`);
    expect(code).to.equal(0);
    expect(stdout).to.match(/fee: about 0\.0\d+ ETH, at most 0\.0\d+ ETH/);
    expect(stdout).to.contain("burned: 10 BLOC").and.to.contain("staked: 2000 BLOC");
    const { json } = await rig.cli(`${REGISTER} --stake 2000 --dry-run --json`);
    expect(json()).to.have.nested.property("dryRun.bloc.staked", parseEther("2000").toString());
    expect(await rig.sent(parts.wallet.address)).to.equal(0);
  });

  it("is not registered with a stake that does not make it active, unless that is asked for", async () => {
    const before = await rig.bloc(parts.wallet.address);
    for (const stake of ["0", "1", "999.9"]) {
      const { code, stderr } = await rig.cli(`${REGISTER} --stake ${stake} --yes`);
      expect(code).to.equal(1);
      expect(stderr).to.match(/^STAKE_BELOW_MINIMUM: .*1000 BLOC/);
    }
    expect(await rig.bloc(parts.wallet.address), "no fee is burned").to.equal(before);
    const asked = await rig.cli(`${REGISTER} --stake 1 --below-minimum --dry-run`);
    expect(asked.stdout).to.contain("Unstaked");
  });

  it("register: sends nothing without a terminal and without --yes", async () => {
    const { code, stderr } = await rig.cli(REGISTER);
    expect(code).to.equal(exitCodes.refused);
    expect(stderr).to.contain("REFUSED").and.to.contain("--yes");
    expect(await rig.sent(parts.wallet.address)).to.equal(0);
  });

  it("register: asks at the terminal, and accepts a refusal", async () => {
    const { code, stderr } = await rig.cli(REGISTER, { types: "n" });
    expect(code).to.equal(exitCodes.refused);
    expect(stderr).to.contain("Send 1 transaction?");
    expect(await rig.sent(parts.wallet.address)).to.equal(0);
  });

  it("register: takes an allowance that is there, without a permit", async () => {
    const { token, staking } = rig.devnet.deployment.contracts;
    const allowance = [staking, parseEther("1010")] as const;
    await rig.send(parts.wallet.key, token, erc20Abi, "approve", allowance);
    const { code, stderr, stdout } = await rig.cli(REGISTER, { types: "y" });
    expect({ code, stdout }).to.deep.include({ code: 0 });
    expect(stderr).to.contain("Send 1 transaction?");
    expect(stdout).to.contain("service 1, owned by");
    expect(await rig.sent(parts.wallet.address)).to.equal(2);
    const left = await rig.client.readContract({
      address: token,
      abi: erc20Abi,
      functionName: "allowance",
      args: [parts.wallet.address, staking],
    });
    expect(left).to.equal(0n);
    const args = [parts.wallet.address] as const;
    const permits = { address: token, abi: blocTokenAbi, functionName: "nonces", args } as const;
    expect(await rig.client.readContract(permits)).to.equal(0n);
  });

  it("register: finds its earlier registration when it runs again", async () => {
    const before = await rig.sent(parts.wallet.address);
    const { code, json } = await rig.cli(`${REGISTER} --yes --json`);
    expect(code).to.equal(0);
    expect(json()).to.include({ number: 1, already: true, owner: parts.wallet.address });
    expect(await rig.sent(parts.wallet.address)).to.equal(before);
  });

  it("register: waits for what a run that was killed had sent, and finds it", async () => {
    const register = `service register --probe '${PROBE}' --stake 0 --below-minimum --service-key-file late.key`;
    const late = devKey(8);
    rig.file("late.key", late.key);
    const before = await rig.sent(parts.wallet.address);
    await rig.request("evm_setAutomine", [false]);
    const { token, staking, registry } = rig.devnet.deployment.contracts;
    const calls = [
      [token, erc20Abi, "approve", [staking, parseEther("10")]],
      [registry, serviceRegistryAbi, "register", [0, late.address, stringToHex(PROBE), "", 0n]],
    ] as const;
    for (const [to, abi, functionName, args] of calls) {
      const data = encodeFunctionData({ abi, functionName, args });
      const from = parts.wallet.address;
      await rig.request("eth_sendTransaction", [{ from, to, data, gas: "0x7a120" }]);
    }
    const timers = {
      ...rig.timers,
      sleep: async (milliseconds: number, signal: AbortSignal) => {
        await rig.request("evm_setAutomine", [true]);
        await rig.timers.sleep(milliseconds, signal);
      },
    };
    const { code, json, stderr } = await rig.cli(`${register} ${WALLET} --yes --json`, { timers });
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("waiting for 2 pending transactions");
    expect(json()).to.include({ number: 2, already: true });
    expect(await rig.sent(parts.wallet.address)).to.equal(before + 2);
  });

  it("register: reads the specification from a file, and refuses one that is none", async () => {
    rig.file("probe.json", JSON.stringify(JSON.parse(PROBE), null, 2));
    const keys = `--service-key-file newKey.key ${WALLET} --yes --json`;
    const { json } = await rig.cli(
      `service register --probe @probe.json --stake 0 --below-minimum ${keys}`,
    );
    expect(json()).to.include({ number: 3, already: false });
    expect(await status(3n)).to.equal(2);
    const refused = await rig.cli(`service register --probe '{"v":2}' ${keys}`);
    expect(refused.code).to.equal(exitCodes.usage);
    expect(refused.stderr).to.contain("PROBE_INVALID");
    const later = await rig.cli(`service register --probe '{"v":4}' ${keys}`);
    expect(later.stderr).to.contain("PROBE_VERSION");
    const unknown = await rig.cli(`${REGISTER.replace("service.key", "stranger.key")} --class no`);
    expect(unknown.stderr).to.match(/CLASS_UNKNOWN: .*http, json-rpc, tcp/);
  });

  it("register: takes exchanges in the class tcp, and nothing else there", async () => {
    const keys = `--service-key-file stranger.key ${WALLET} --yes --json --class tcp`;
    const stake = "--stake 0 --below-minimum";
    const other = await rig.cli(`service register --probe '${PROBE}' ${stake} ${keys}`);
    expect(other.code).to.equal(exitCodes.failed);
    expect(other.stderr).to.contain("PROBE_UNSUITABLE");
    const exchange = '{"v":3,"requests":[{"port":7,"send":"{r}","expect":"{r}"}]}';
    const { code, json, stderr } = await rig.cli(
      `service register --probe '${exchange}' ${stake} ${keys}`,
    );
    expect(code, stderr).to.equal(0);
    expect(json()).to.include({ already: false });
  });

  it("says what an account lacks, in both currencies, before anything is sent", async () => {
    const poor = devKey(7);
    rig.file("poor.key", poor.key);
    await rig.request("hardhat_setBalance", [poor.address, "0x1"]);
    const { code, stderr } = await rig.cli(`${REGISTER.replace("wallet.key", "poor.key")} --yes`);
    expect(code).to.equal(exitCodes.failed);
    expect(stderr).to.match(/BALANCE_TOO_LOW: .* ETH of .* and 0 BLOC of 1010\./);
  });

  it("sends nothing above the limit on the price of gas", async () => {
    const line = `service retire --service 1 ${WALLET} --yes --max-fee 0.000000001`;
    const { code, stderr } = await rig.cli(line);
    expect(code).to.equal(exitCodes.failed);
    expect(stderr).to.match(/GAS_TOO_EXPENSIVE: .* gwei.*--max-fee/);
    expect(await status(1n)).to.equal(1);
  });

  it("set-key, set-probe, set-payout and set-metadata change it once, and are done then", async () => {
    // The probe of the registration counts by then: otherwise it may not be replaced from the next epoch on.
    await rig.epochs(HORIZON);
    const { address: payout } = parts.stranger;
    for (const line of [
      "set-key --service-key-file newKey.key",
      `set-probe --probe '{"v":1,"requests":[{"path":"/other"}]}'`,
      `set-payout --to ${payout}`,
      "set-metadata --metadata https://weather.example/about.json",
    ]) {
      const command = `service ${line} --service 1 ${WALLET} --yes --json`;
      const first = await rig.cli(command);
      expect(first.code, first.stderr).to.equal(0);
      expect(first.json(), line).to.include({ number: 1, already: false });
      expect((await rig.cli(command)).json(), line).to.include({ number: 1, already: true });
    }
    const { client, registry } = rig;
    const args = [1n] as const;
    expect(await client.readContract({ ...registry, functionName: "payoutOf", args })).to.equal(
      payout,
    );
    expect(await client.readContract({ ...registry, functionName: "metadataOf", args })).to.equal(
      "https://weather.example/about.json",
    );
    const owner = `service set-payout --service 1 --to owner ${WALLET} --yes`;
    expect((await rig.cli(owner)).stdout).to.contain(parts.wallet.address);
  });

  it("maintenance goes on and off", async () => {
    const maintenance = (state: string) =>
      code(`service maintenance ${state} --service 1 ${WALLET} --yes`);
    expect(await maintenance("on")).to.equal(0);
    expect(await status(1n)).to.equal(3);
    expect(await maintenance("on")).to.equal(0);
    expect(await maintenance("off")).to.equal(0);
    expect(await status(1n)).to.equal(1);
    expect(await maintenance("off")).to.equal(exitCodes.reverted);
    expect(await maintenance("maybe")).to.equal(exitCodes.usage);
  });

  it("opens an encrypted key with a password that is typed, or stands in a file", async () => {
    const { key, address } = parts.wallet;
    rig.file("encrypted.key", await encryptKeystore(key, address, "correct horse", 1024));
    rig.file("password", "correct horse\n");
    const line = "service maintenance on --service 1 --wallet-key-file encrypted.key --yes";
    const unattended = await rig.cli(line);
    expect(unattended.code).to.equal(exitCodes.usage);
    expect(unattended.stderr).to.contain("KEY_PASSWORD_MISSING").and.to.contain("--password-file");
    const typed = await rig.cli(line, { types: "correct horse\r" });
    expect(typed.code, typed.stderr).to.equal(0);
    expect(typed.stderr).not.to.contain("correct horse");
    const off = line.replace(" on ", " off ");
    expect((await rig.cli(`${off} --password-file password`)).code).to.equal(0);
    const wrong = await rig.cli(line, { env: { BLOCKCLOUD_PASSWORD: "wrong" } });
    expect(wrong.stderr).to.contain("KEY_PASSWORD: ");
  });

  it("names the contract's error and what to do about it", async () => {
    const suspended = await rig.cli(`service reinstate --service 1 ${WALLET} --yes`);
    expect(suspended.code).to.equal(exitCodes.reverted);
    expect(suspended.stderr).to.match(
      /CALL_REVERTED: .*RegistryNotSuspended\(1\)\. There is nothing to do/,
    );
    const stranger = "--wallet-key-file stranger.key --yes --json";
    const { code, json } = await rig.cli(`service retire --service 1 ${stranger}`);
    expect(code).to.equal(exitCodes.reverted);
    expect(json()).to.have.nested.property("error.remedy", "Use the key that owns the service.");
    const absent = await rig.cli(`service retire --service 9 ${WALLET} --yes`);
    expect(absent.stderr).to.match(/SERVICE_UNKNOWN: .* from 1 to 4/);
  });

  it("transfer settles first, says what becomes of stake and key, and hands over", async () => {
    await rig.epochs(3);
    const transfer = `service transfer --service 1 --to ${parts.owner.address} ${WALLET} --yes`;
    const { code, stderr, stdout } = await rig.cli(transfer);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("unbonding: 1000 BLOC");
    expect(stdout).to.contain(`1000 BLOC of stake unbond to ${parts.wallet.address}`);
    expect(await status(1n)).to.equal(6);
    expect((await rig.cli(transfer)).stdout).to.contain("nothing to do");
  });

  it("retire takes it out for ever", async () => {
    const retire = `service retire --service 2 ${WALLET} --yes`;
    expect(await code(retire)).to.equal(0);
    expect(await status(2n)).to.equal(5);
    expect((await rig.cli(retire)).stdout).to.contain("nothing to do");
    const { stderr } = await rig.cli(`service maintenance on --service 2 ${WALLET} --yes`);
    expect(stderr).to.contain("RegistryRetired").and.to.contain("register another");
  });

  it("printed no key in all of this", () => {
    for (const { key } of Object.values(parts)) expect(rig.printed).not.to.contain(key.slice(2));
  });
});
