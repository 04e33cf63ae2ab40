import { expect } from "chai";
import { randomBytes } from "node:crypto";
import type { RequestListener } from "node:http";
import path from "node:path";
import { erc20Abi, parseEther } from "viem";
import { startUpstream, type Upstream } from "../../devnet/upstreams.ts";
import type { Startable } from "../../src/node/lifecycle.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { createProvider } from "../../src/provider/createProvider.ts";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { epochStart, HORIZON } from "../../src/protocol/epoch.ts";
import { decodeReceipt } from "../../src/protocol/receipt.ts";
import type { EndpointRecord } from "../../src/protocol/record.ts";
import { AuditedChain, FIRST } from "../support/auditedChain.ts";
import { runCli, type CliSurroundings } from "../support/cli.ts";

/** Far above what a healthy answer takes on a busy machine, and below what a slow one takes. */
const EXCELLENT_MS = 2_000;

interface Finding {
  code: string;
  severity: string;
  epochs?: number[];
}
interface Report {
  epochs: { epoch: number; verdict: number | null; counts: number[]; pay?: string }[];
  diagnosis: Finding[];
  probe?: { requests: { transport: string; grade: number; reason?: string }[] };
}

describe("commands that show a state", function () {
  let chain: AuditedChain;
  let upstream: Upstream;
  let provider: Startable;
  let answer: RequestListener;
  let isRunning = true;

  const cli = (line: string, surroundings: CliSurroundings = {}) =>
    runCli(line.split(" "), {
      ...surroundings,
      cwd: chain.stage.folder,
      env: {
        BLOCKCLOUD_DEPLOYMENT: path.join(chain.stage.folder, "devnet.json"),
        BLOCKCLOUD_RPC: chain.stage.devnet.rpcUrl,
      },
    });
  const show = async (flags = "") => {
    const { code, stderr, json } = await cli(`service show 1 --allow-loopback --json${flags}`);
    expect(code, stderr).to.equal(0);
    return json() as unknown as Report;
  };
  const codes = (report: Report) => report.diagnosis.map(({ code }) => code);
  const stopProvider = async () => {
    if (isRunning) await provider.stop();
    isRunning = false;
  };

  /** Waits until the gateway dates its receipts in an epoch: its clock looks for blocks now and then. */
  const followed = async (epoch: number) => {
    const { json } = await cli("service show 1 --skip-probe --json");
    const { service } = json() as { service: { record: { record: EndpointRecord } } };
    const endpoint = service.record.record.endpoints[0]!.uri;
    const start = BigInt(epochStart(chain.deployment, epoch) * 1000);
    await chain.driver.until("the gateway has seen the newest block", async () => {
      const nonce = bytesToHex(randomBytes(32));
      const response = await fetch(`${endpoint}/health`, { headers: { "service-nonce": nonce } });
      return decodeReceipt(response.headers.get("service-receipt") ?? "").issuedAt >= start;
    });
  };

  before(async () => {
    chain = await AuditedChain.start({
      services: [2_000, 1_000],
      auditors: [10_000, 10_000, 10_000],
      probe: { v: 1, requests: [{ path: "/health", json: [{ pointer: "/ok", equals: true }] }] },
      bounds: { excellentMs: EXCELLENT_MS, goodMs: 20_000, poorMs: 30_000 },
    });
    upstream = await startUpstream((request, response) => {
      answer(request, response);
    });
    answer = (_, response) => response.end('{"ok":true}');
    provider = createProvider(
      {
        rpcUrls: [chain.stage.devnet.rpcUrl],
        deployment: chain.deployment,
        number: 1n,
        serviceKey: chain.serviceKey(1).key,
        previousKeys: [],
        walletKey: chain.owner(1).key,
        upstream: new URL(upstream.url),
        listen: { host: "127.0.0.1", port: 0 },
        endpoint: undefined,
        settleEvery: 200,
        stateDir: chain.stage.folder,
        coral: {
          chainId: chain.deployment.chainId,
          registry: chain.deployment.contracts.registry,
          listen: [],
          bootstrap: [],
          subscribe: false,
        },
      },
      { timers: systemTimers, log: silentLogger },
    );
    await provider.start();
    await chain.play(FIRST, FIRST, { 1: 3, 2: 3 });
    await chain.play(FIRST + 1, FIRST + 1, { 1: 0, 2: 3 });
    await chain.play(FIRST + 2, FIRST + 2, { 1: 3, 2: 3 });
    await chain.enter(FIRST + 3);
    for (const auditor of [0, 1, 2]) await chain.reveal(FIRST + 2, auditor);
    await chain.claim(FIRST, 0);
    await chain.enter(FIRST + 4);
    await followed(FIRST + 4);
  });
  after(async () => {
    await stopProvider();
    await upstream.stop();
    await chain.stop();
  });

  it("service show tells a service whose probe holds, with its grades, votes and pay by epoch", async () => {
    const report = await show();
    const probed = report.probe?.requests.map(({ transport, grade }) => ({ transport, grade }));
    expect(probed, "over each transport of its record").to.deep.equal([
      { transport: "http", grade: 3 },
      { transport: "sal", grade: 3 },
    ]);
    expect(report.diagnosis.filter(({ severity }) => severity === "problem")).to.deep.equal([]);
    const failed = report.diagnosis.find(({ code }) => code === "EPOCH_FAILED");
    expect(failed?.epochs).to.deep.equal([FIRST + 1]);
    expect(report.epochs[0]?.epoch, "none before it existed").to.equal(FIRST);
    const rows = new Map(report.epochs.map((row) => [row.epoch, row]));
    expect(rows.get(FIRST)?.verdict).to.equal(3);
    expect(rows.get(FIRST + 1)).to.include({ verdict: 0, pay: "0" });
    expect(BigInt(rows.get(FIRST)?.pay ?? 0)).to.equal(BigInt(rows.get(FIRST + 2)?.pay ?? -1));
  });

  it("service show speaks to people in aligned columns, without colours", async () => {
    const { code, stdout } = await cli("service show 1 --allow-loopback --epochs 4");
    expect(code).to.equal(0);
    expect(stdout).to.contain("service 1, in epoch 6").and.to.contain("http: EXCELLENT to 2000 ms");
    expect(stdout).to.match(/^ +2 {2}Active {2}EXCELLENT {2}.*\d EXCELLENT +\d+ +\d+\.\d+ +no$/m);
    expect(stdout).to.match(/^ +3 {2}Active {2}FAILED {5}.*\d FAILED +\d+ +0 +no$/m);
    expect(stdout).to.match(
      /own probe, from here .*\nGET \/health +http +EXCELLENT.*\nGET \/health +sal +EXCELLENT/,
    );
    expect(stdout).to.contain("reasons for its grades:").and.to.contain("[epoch 3]");
    expect(stdout).not.to.contain("\u001b");
  });

  it("provider status says the same in short, with the pay that waits", async () => {
    const { code, stdout } = await cli("provider status --service 1 --allow-loopback");
    expect(code).to.equal(0);
    expect(stdout).to.contain("service 1 is Active in epoch 6");
    expect(stdout).to.match(/pay to settle +\d+(\.\d+)? BLOC of 2 epochs/);
    const { json } = await cli("provider status --service 1 --skip-probe --json");
    expect(json()).to.include({ number: 1, epoch: 6 }).and.not.to.have.property("probe");
  });

  it("a service that does not answer as its probe says is told so, with what it answered", async () => {
    answer = (_, response) => response.writeHead(500).end();
    const down = await show();
    expect(codes(down)).to.include("PROBE_FAILED");
    const reasons = down.probe?.requests.map(({ reason }) => reason);
    expect(reasons).to.deep.equal(Array(2).fill("status 500 instead of 200"));
    answer = (_, response) => response.end('{"ok":false}');
    const wrong = await show();
    expect(codes(wrong)).to.include("PROBE_FAILED");
    expect(wrong.probe?.requests[0]?.reason).to.contain("/ok");
    const { stdout } = await cli("service show 1 --allow-loopback");
    expect(stdout).to.match(
      /! GET \/health over sal fails from here, after \d+ ms: .*\n {4}PROBE_FAILED: /,
    );
  });

  it("a slow one is told how slow, and what would be fast enough", async () => {
    answer = (_, response) => {
      setTimeout(() => response.end('{"ok":true}'), EXCELLENT_MS + 200);
    };
    const report = await show();
    expect(codes(report)).to.include("PROBE_SLOW");
    // GOOD, or POOR where the machine is busy.
    expect(report.probe?.requests[0]?.grade).to.be.within(1, 2);
  });

  it("loopback is probed only where the devnet's switch allows it", async () => {
    const { json } = await cli("service show 1 --json");
    expect((json() as unknown as Report).probe?.requests[0]).to.include({ grade: 0 });
  });

  it("service list shows the services that match, and where the next page begins", async () => {
    const { stdout } = await cli("service list --status Active");
    expect(stdout)
      .to.match(/^ +number {2}status/)
      .and.to.match(/^ +2 {2}Active +http +1000 {2}0x/m);
    expect(stdout).to.contain("2 services");
    const page = (await cli("service list --limit 1 --json")).json();
    expect(page).to.include({ next: 1 });
    expect(page.services).to.have.length(1);
    const rest = (await cli("service list --after 1 --json")).json();
    expect(rest).to.deep.include({ next: null });
    const none = await cli("service list --class json-rpc");
    expect(none).to.include({ code: 0, stdout: "no matching services\n" });
  });

  it("auditor status puts earnings against gas, at a price where one is given", async () => {
    const { owner, operator } = chain.auditors[0]!;
    const line = `auditor status --auditor ${owner}`;
    const { code, stdout } = await cli(line);
    expect(code).to.equal(0);
    expect(stdout).to.contain(`auditor ${owner} in epoch 6: counts since 2`);
    expect(stdout).to.match(/^ +2 {2}claimed +2 +2 +\d+(\.\d+)? +0\.0\d+$/m);
    expect(stdout).to.contain(operator).and.to.contain("at this pace");
    const { json } = await cli(`${line} --bloc-price 0.001 --epochs 10 --json`);
    const { earnings } = json() as { earnings: Record<string, string> };
    const [claimed, spent, net] = [earnings.claimed, earnings.spent, earnings.net].map((wei) =>
      BigInt(wei ?? 0),
    );
    expect(claimed).to.be.greaterThan(0n);
    expect(net).to.equal((claimed! * parseEther("0.001")) / parseEther("1") - spent!);
  });

  it("auditor status warns of a round that can be reported", async () => {
    await chain.commit(FIRST + 4, 2, { 1: 3 });
    await chain.enter(FIRST + 6);
    const { stdout } = await cli(`auditor status --auditor ${chain.auditors[2]!.owner}`);
    expect(stdout).to.contain("! round 6 was not revealed: a report costs 1 BLOC of the stake");
  });

  it("--watch shows it until Ctrl-C, and ends well", async () => {
    const interrupt = new AbortController();
    const pauses: number[] = [];
    const timers = {
      monotonic: systemTimers.monotonic,
      sleep: async (milliseconds: number, signal: AbortSignal) => {
        pauses.push(milliseconds);
        if (pauses.length === 2) interrupt.abort();
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
      },
    };
    const line = "provider status --service 1 --skip-probe --watch --json";
    const { code, stdout, stderr } = await cli(line, { interrupt: interrupt.signal, timers });
    expect(code, stderr).to.equal(0);
    expect(stdout.trim().split("\n")).to.have.length(2);
    expect(pauses).to.deep.equal([60_000, 60_000]);
  });

  it("maintenance is named as the reason, now and in the epochs that it cost", async () => {
    const { epoch } = await chain.moment();
    await chain.own(1, "setMaintenance", [1n, true]);
    expect(codes(await show(" --skip-probe"))).to.include("STATUS_MAINTENANCE_NEXT");
    for (const next of [1, 2, 3]) await chain.enter(epoch + next);
    const report = await show(" --skip-probe");
    expect(codes(report)).to.include("STATUS_MAINTENANCE");
    const lost = report.diagnosis.find(({ code }) => code === "EPOCH_MAINTENANCE");
    expect(lost?.epochs).to.deep.equal([epoch + HORIZON]);
    await chain.own(1, "setMaintenance", [1n, false]);
  });

  it("a label leads to its service", async () => {
    const salt = bytesToHex(randomBytes(32));
    const { labels } = chain.contracts;
    const args = ["weather", chain.owner(1).address, salt] as const;
    const call = { ...labels, functionName: "labelCommitment", args } as const;
    await chain.own(1, "commitLabel", [await chain.client.readContract(call)], labels);
    const { epoch } = await chain.moment();
    await chain.enter(epoch + HORIZON);
    await chain.fund(chain.owner(1).address, 50);
    const token = { address: chain.deployment.contracts.token, abi: erc20Abi };
    await chain.own(1, "approve", [labels.address, parseEther("50")], token);
    await chain.own(1, "setLabel", [1n, "weather", salt], labels);
    const { stdout } = await cli("service show weather --skip-probe");
    expect(stdout).to.match(/^service 1, label weather, in epoch /);
    const unknown = await cli("service show nobody --json");
    expect(unknown.code).to.equal(1);
    expect(unknown.json()).to.have.nested.property("error.code", "SERVICE_UNKNOWN");
  });

  it("a provider that is gone is found by its record, which ran out", async () => {
    await stopProvider();
    const { epoch } = await chain.moment();
    const day = Math.ceil(86_400 / chain.deployment.epochSeconds);
    await chain.enter(epoch + day + 1);
    const report = await show();
    expect(codes(report)).to.include.members(["RECORD_EXPIRED", "PROBE_FAILED"]);
    const { stdout } = await cli("service show 1 --skip-probe");
    expect(stdout).to.match(
      /announced on chain +http:\/\/127\.0\.0\.1:\d+, sal:\/\/127\.0\.0\.1:\d+, expired /,
    );
  });
});
