import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { parseEther, toHex } from "viem";
import { createAlerts } from "../../src/alerts/createAlerts.ts";
import type { AlertMessage } from "../../src/alerts/store.ts";
import { packageRoot } from "../../src/node/packageRoot.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { HORIZON } from "../../src/protocol/epoch.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";
import { until } from "../support/until.ts";
import { webhookReceiver } from "../support/webhookReceiver.ts";

const SECRET = "a secret of some length";
const POOR = `0x${"0d".repeat(20)}` as const;

describe("alerts of a chain", function () {
  this.timeout(120_000);

  let rig: CliRig;
  before(async () => {
    rig = await CliRig.start();
    const keys = "--service-key-file service.key --wallet-key-file wallet.key";
    const { code, stderr } = await rig.cli(`service register --probe '${PROBE}' ${keys} --yes`);
    expect(code, stderr).to.equal(0);
    await rig.epochs(HORIZON);
  });
  after(() => rig.stop());

  it("are read from the contracts, and told once", async () => {
    const { url, got, close } = await webhookReceiver();
    const { deployment, rpcUrl } = rig.devnet;
    const create = () =>
      createAlerts(
        {
          ...{ rpcUrls: [rpcUrl], deployment, stateDir: path.join(rig.folder, "alerts") },
          watched: { services: [1n], auditors: [parts.stranger.address], accounts: [POOR] },
          limits: { inARow: 2, leastGrade: 2, leastDays: 3, withinS: 3_600 },
          webhook: { url, secret: SECRET, allowLoopback: true },
          everyMs: 20,
        },
        { timers: systemTimers, log: silentLogger },
      );
    const first = create();
    await first.start();
    await until("both alerts are told", () => got.length === 2);
    await first.stop();
    const told = () => (got as AlertMessage[]).map(({ event, key }) => `${event} ${key}`);
    const both = ["fired service 1 lease", `fired account ${POOR} balance`];
    expect(told()).to.deep.equal(both);
    await rig.request("hardhat_setBalance", [POOR, toHex(parseEther("10000"))]);
    const second = create();
    await second.start();
    await until("one is over", () => got.length === 3);
    await second.stop();
    expect(told()).to.deep.equal([...both, `cleared account ${POOR} balance`]);
    await close();
  });

  it("log at the start what is watched, how often, and the host that is told, without its path", async () => {
    const log = new MemoryLog();
    const { deployment, rpcUrl } = rig.devnet;
    const worker = createAlerts(
      {
        ...{ rpcUrls: [rpcUrl], deployment, stateDir: path.join(rig.folder, "said") },
        watched: { services: [1n], auditors: [], accounts: [POOR] },
        limits: { inARow: 2, leastGrade: 2, leastDays: 3, withinS: 3_600 },
        webhook: { url: new URL("https://a.invalid/hidden"), secret: SECRET, allowLoopback: true },
        everyMs: 60_000,
      },
      { timers: systemTimers, log },
    );
    await worker.start();
    await worker.stop();
    expect(log.lines[0]).to.deep.equal({
      ...{ level: "info", message: "watching" },
      fields: {
        ...{ services: [1], auditors: [], accounts: [POOR] },
        ...{ everySeconds: 60, webhook: "a.invalid" },
      },
    });
  });

  it("can be tried with one message, without a chain", async () => {
    const webhook = await webhookReceiver();
    rig.file("try.secret", SECRET);
    const line = `alerts test --webhook ${webhook.url.href} --webhook-secret-file try.secret`;
    const env = { BLOCKCLOUD_DEPLOYMENT: "", BLOCKCLOUD_RPC: "" };
    try {
      const taken = await rig.cli(`${line} --allow-loopback`, { env });
      expect(taken.code, taken.stderr).to.equal(0);
      expect(taken.stdout).to.contain(webhook.url.host).and.not.to.contain(webhook.url.pathname);
      expect(webhook.got).to.have.length(1);
      expect(webhook.got[0]).to.include({ v: 1, event: "fired", kind: "test", epoch: 0 });
      webhook.status = 403;
      const refused = await rig.cli(`${line} --allow-loopback`, { env });
      expect(refused.code).to.equal(1);
      expect(refused.stderr).to.match(/^ALERT_REFUSED: .*403: compare the secret/m);
      const here = await rig.cli(line, { env });
      expect(here.stderr).to.match(/^NET_REFUSED: .*--allow-loopback/m);
    } finally {
      await webhook.close();
    }
  });

  it("are told again, under the same ID, by the process after one that was killed as it told them", async () => {
    const webhook = await webhookReceiver();
    rig.file("long.secret", SECRET);
    const args = ["alerts", "run", "--service", "1", "--deployment", "devnet.json"];
    args.push("--rpc", rig.devnet.rpcUrl, "--state", "killed", "--every", "1s");
    args.push("--webhook", webhook.url.href, "--webhook-secret-file", "long.secret");
    const start = () =>
      spawn(
        process.execPath,
        [path.join(packageRoot(), "bin/blockcloud"), ...args, "--allow-loopback"],
        {
          cwd: rig.folder,
          env: {},
          stdio: "ignore",
        },
      );
    const first = start();
    const killed = once(first, "exit");
    webhook.before = async () => {
      first.kill("SIGKILL");
      await killed;
    };
    await killed;
    webhook.before = () => undefined;
    const second = start();
    try {
      await until("it is told again", () => webhook.got.length === 2);
      expect(webhook.got[1]).to.deep.equal(webhook.got[0]);
    } finally {
      const ended = once(second, "exit");
      second.kill("SIGTERM");
      await ended;
      await webhook.close();
    }
  });

  it("need a secret that is long enough and that others cannot read", async () => {
    const run = (more: string) =>
      rig.cli(`alerts run --webhook https://alerts.example/hook ${more}`);
    rig.file("short.secret", "short");
    const short = await run("--service 1 --webhook-secret-file short.secret");
    expect(short.stderr).to.contain("ALERT_SECRET");
    const nothing = await run("--webhook-secret-file short.secret");
    expect(nothing.stderr).to.contain("give one of them at least");
  });
});
