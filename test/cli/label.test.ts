import { expect } from "chai";
import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import { serviceLabelsAbi } from "../../src/protocol/abi/serviceLabels.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";

const WALLET = "--wallet-key-file wallet.key --yes";

describe("blockcloud service label", () => {
  let rig: CliRig;

  before(async () => {
    rig = await CliRig.start();
    for (const key of ["service", "newKey"]) {
      await rig.cli(`service register --probe '${PROBE}' --service-key-file ${key}.key ${WALLET}`);
    }
    await rig.epochs(2);
  });
  after(() => rig.stop());

  const salts = () => readdirSync(path.join(rig.folder, ".blockcloud/labels"));
  const labels = () =>
    ({ address: rig.devnet.deployment.contracts.labels, abi: serviceLabelsAbi }) as const;
  const labelOf = (number: bigint) =>
    rig.client.readContract({ ...labels(), functionName: "labelOf", args: [number] });

  it("commits, waits and takes it, and forgets the salt", async () => {
    const { code, stdout, stderr } = await rig.cli(
      `service label --service 1 --label weather ${WALLET}`,
    );
    expect(code, stderr).to.equal(0);
    expect(stdout).to.contain("service 1 has the label weather");
    expect(stderr).to.contain("until the label can be taken");
    expect(await labelOf(1n)).to.equal("weather");
    expect(salts()).to.deep.equal([]);
  });

  it("names the service to every command, in each of its forms", async () => {
    for (const name of ["1", "weather", "weather.bloc.alt", rootServiceId(1n)]) {
      const shown = await rig.cli(`service show ${name} --skip-probe --json`);
      expect(shown.json(), name).to.include({ number: 1 });
      const status = await rig.cli(`provider status --service ${name} --skip-probe --json`);
      expect(status.json(), name).to.include({ number: 1 });
      const dry = await rig.cli(
        `service maintenance on --service ${name} --wallet-key-file wallet.key --dry-run`,
      );
      expect(dry.code, dry.stderr).to.equal(0);
    }
    const none = await rig.cli("provider status --service nobody --skip-probe");
    expect(none.stderr).to.match(/^SERVICE_UNKNOWN: /);
    const sub = await rig.cli(`service show 0x${"00".repeat(7)}01${"11".repeat(24)}`);
    expect(sub.stderr).to.match(/^SUBSERVICE_GIVEN: /);
    const bad = await rig.cli("provider status --service 0x12 --skip-probe");
    expect(bad.code).to.equal(2);
  });

  it("goes on after an interruption, with the salt that it kept for itself", async () => {
    const ctrlC = new AbortController();
    const timers = {
      ...rig.timers,
      sleep: (_: number, signal: AbortSignal) => {
        ctrlC.abort();
        return new Promise<void>((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            reject(signal.reason as Error);
          });
        });
      },
    };
    const label = `service label --service 2 --label maps ${WALLET}`;
    const stopped = await rig.cli(label, { timers, interrupt: ctrlC.signal });
    expect(stopped.code, stopped.stderr).to.equal(exitCodes.interrupted);
    const [salt = ""] = salts();
    expect(statSync(path.join(rig.folder, ".blockcloud/labels", salt)).mode & 0o777).to.equal(
      0o600,
    );

    const before = await rig.sent(parts.wallet.address);
    expect((await rig.cli(label)).code).to.equal(0);
    expect(await rig.sent(parts.wallet.address)).to.equal(before + 1);
    expect(await labelOf(2n)).to.equal("maps");
    expect((await rig.cli(label)).stdout).to.contain("nothing to do");
  });

  it("refuses before anything is paid what cannot be taken", async () => {
    const before = await rig.sent(parts.wallet.address);
    const held = await rig.cli(`service label --service 1 --label other ${WALLET}`);
    expect(held.stderr).to.match(/LABEL_TAKEN: Service 1 has the label weather already/);
    const bad = await rig.cli(`service label --service 1 --label id ${WALLET}`);
    expect(bad.code).to.equal(exitCodes.usage);
    expect(await rig.sent(parts.wallet.address)).to.equal(before);
  });

  it("commits again when the commitment has expired", async () => {
    await rig.cli(`service register --probe '${PROBE}' --service-key-file stranger.key ${WALLET}`);
    await rig.epochs(2);
    const ctrlC = new AbortController();
    const sleep = (_: number, signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          reject(signal.reason as Error);
        });
        ctrlC.abort();
      });
    const label = `service label --service 3 --label late ${WALLET}`;
    await rig.cli(label, { timers: { ...rig.timers, sleep }, interrupt: ctrlC.signal });
    await rig.pass(4_000);
    const { code, stderr } = await rig.cli(label);
    expect(code, stderr).to.equal(0);
    expect(stderr).to.contain("done: commit to the label");
    expect(await labelOf(3n)).to.equal("late");
  });
});
