import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Hex } from "viem";
import { workerLock } from "../../src/cli/framework/worker.ts";
import { WorkerLock } from "../../src/node/lock.ts";
import { runCli } from "../support/cli.ts";
import { blockcloud } from "../support/bin.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";

const AUDITOR = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

describe("workers", () => {
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
    expect(stderr).to.match(/^WORKER_RUNNING: .* Stop the other worker first/);
    expect(JSON.parse(stdout)).to.have.nested.property("error.code", "WORKER_RUNNING");
  });

  it("without a key share only the state folder, and are told so", async () => {
    const { deployment } = rig.devnet;
    const lock = WorkerLock.take(workerLock(state, deployment, "relay"));
    const { stderr } = await rig.cli("relay run --listen 127.0.0.1:0 --json");
    lock.release();
    expect(stderr)
      .to.match(/^WORKER_RUNNING: /)
      .and.to.contain("--state");
    expect(stderr).not.to.match(/\bkey\b/);
  });

  it("are told of --take-over where the command has it", async () => {
    const lock = WorkerLock.take(lockOf(parts.wallet.key));
    const line =
      "provider run --service 1 --upstream http://127.0.0.1:1 --listen 127.0.0.1:0 " +
      "--service-key-file service.key --wallet-key-file wallet.key --json";
    const { stderr } = await rig.cli(line);
    lock.release();
    expect(stderr).to.match(/^WORKER_RUNNING: .*--take-over/);
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

  it("run and obey from a shell: a session that never shows a key", async () => {
    const { rpcUrl } = rig.devnet;
    const env = { BLOCKCLOUD_DEPLOYMENT: "devnet.json", BLOCKCLOUD_RPC: rpcUrl };
    const keys = { BLOCKCLOUD_SERVICE_KEY: parts.service.key };
    const register = ["service", "register", "--probe", PROBE, "--wallet-key-file", "wallet.key"];
    const options = { cwd: rig.folder, env: { ...env, ...keys } };
    const refused = await blockcloud(register, options);
    expect(refused.code).to.equal(3);
    const done = await blockcloud([...register, "--yes", "--json"], options);
    expect(done.code, done.stderr).to.equal(0);
    expect(JSON.parse(done.stdout)).to.include({ number: 1, owner: parts.wallet.address });
    const reverted = await blockcloud(
      [..."service reinstate --service 1 --yes".split(" "), "--wallet-key-file", "wallet.key"],
      options,
    );
    expect(reverted.code).to.equal(5);
    const status = await blockcloud(["doctor", "--wallet-key-file", "wallet.key"], options);
    const printed = [refused, done, reverted, status].map(({ stdout, stderr }) => stdout + stderr);
    for (const { key } of Object.values(parts))
      expect(printed.join("")).not.to.contain(key.slice(2));
  });

  it("of a service that is not the key's end before they listen, publish or pay", async () => {
    const registered = await rig.cli(
      `service register --probe '${PROBE}' --wallet-key-file wallet.key --service-key-file service.key --yes --json`,
    );
    const number = String(registered.json().number);
    const sent = await rig.sent(parts.wallet.address);
    const run = (service: string, key: string) =>
      rig.cli(
        `provider run --service ${service} --upstream http://127.0.0.1:1 --listen 127.0.0.1:0
          --service-key-file ${key} --wallet-key-file wallet.key --json`,
      );
    for (const [service, key, code] of [
      [number, "stranger.key", "SERVICE_KEY_OTHER"],
      ["99", "service.key", "SERVICE_UNREGISTERED"],
    ] as const) {
      const outcome = await run(service, key);
      expect(outcome.stderr).to.match(new RegExp(`^${code}: `));
      expect(outcome.code).to.equal(2);
    }
    await rig.cli(`service retire --service ${number} --wallet-key-file wallet.key --yes`);
    expect((await run(number, "service.key")).stderr).to.match(/^SERVICE_RETIRED: /);
    expect(await rig.sent(parts.wallet.address), "only the retirement").to.equal(sent + 1);
  });

  it("of a service that does not exist end at once, and so do commands about it", async () => {
    rig.file("webhook.secret", "a secret of some length");
    const webhook =
      "--webhook http://127.0.0.1:1/ --webhook-secret-file webhook.secret --allow-loopback";
    for (const line of [
      `alerts run --service 99 ${webhook}`,
      "provider move --service 99 --back",
      "expose 1 --under 99 --service-key-file service.key --listen 127.0.0.1:0 --allow-loopback",
      `subservice add --service 99 --self ${AUDITOR} --service-key-file service.key`,
    ]) {
      const { code, stderr } = await rig.cli(line);
      expect(stderr, line).to.match(/^SERVICE_UNREGISTERED: /m);
      expect(code, line).to.equal(2);
    }
  });

  it("are not waited for by a move, if none serves the service", async () => {
    for (const to of ["--to https://new.example", "--listen 127.0.0.1:0"]) {
      const { code, stderr } = await rig.cli(`provider move --service 1 ${to} --wait 1d`);
      expect(stderr).to.match(/^AGENT_ABSENT: .*provider run --service 1/m);
      expect(code).to.equal(1);
    }
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
