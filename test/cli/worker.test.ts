import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Hex } from "viem";
import { workerLock } from "../../src/cli/framework/worker.ts";
import { WorkerLock } from "../../src/node/lock.ts";
import { runCli } from "../support/cli.ts";
import { CliRig, parts } from "../support/cliRig.ts";

const AUDITOR = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

describe("workers", function () {
  this.timeout(60_000);
  let rig: CliRig;
  let state: string;

  before(async () => {
    rig = await CliRig.start();
    state = path.join(rig.folder, ".blockcloud");
  });
  after(() => rig.stop());

  const lockOf = (key: Hex) => workerLock(state, rig.devnet.deployment, key);

  it("do not start beside another one with the same key", async () => {
    const lock = WorkerLock.take(lockOf(parts.operator.key));
    const { code, stderr, stdout } = await rig.cli(
      `auditor run --auditor ${AUDITOR} --operator-key-file operator.key --json`,
    );
    lock.release();
    expect(code).to.equal(1);
    expect(stderr).to.match(/^WORKER_RUNNING: .* Stop it first/);
    expect(JSON.parse(stdout)).to.have.nested.property("error.code", "WORKER_RUNNING");
  });

  it("have locks of their own for each key and each deployment", () => {
    const { deployment } = rig.devnet;
    const names = [
      lockOf(parts.operator.key),
      lockOf(parts.wallet.key),
      workerLock(state, { ...deployment, chainId: 1 }, parts.operator.key),
      workerLock(state, { ...deployment, genesis: 1 }, parts.operator.key),
    ].map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
  });

  it("let go of the lock when they fail to start", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "worker-"));
    writeFileSync(path.join(folder, "operator.key"), parts.operator.key, { mode: 0o600 });
    writeFileSync(path.join(folder, "devnet.json"), JSON.stringify(rig.devnet.deployment));
    // A listening address that no host has.
    const line = `auditor run --auditor ${AUDITOR} --operator-key-file operator.key
      --deployment devnet.json --rpc ${rig.devnet.rpcUrl} --state ${state} --metrics 192.0.2.1:1`;
    const { code } = await runCli(line.split(/\s+/), { cwd: folder });
    rmSync(folder, { recursive: true });
    expect(code).to.equal(1);
    expect(WorkerLock.isTaken(lockOf(parts.operator.key))).to.equal(false);
  });
});
