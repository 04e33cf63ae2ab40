import { expect } from "chai";
import { parseEther, type TransactionReceipt } from "viem";
import { createMetrics, type Metrics } from "../../src/node/metrics.ts";
import { ProviderMetrics, type ServiceMetrics } from "../../src/provider/metrics.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { encodeLog } from "../support/fakeChain.ts";
import { ask } from "../support/httpClient.ts";
import { ProviderRig, WITH_NONCE } from "../support/providerRig.ts";
import { sample } from "../support/samples.ts";

describe("ProviderMetrics", () => {
  let metrics: Metrics;
  let agent: ProviderMetrics;
  let provider: ServiceMetrics;
  beforeEach(() => {
    metrics = createMetrics("provider");
    agent = new ProviderMetrics(metrics);
    provider = agent.of("7");
  });

  const value = (name: string, labels?: Record<string, string>) =>
    sample(metrics, `blockcloud_${name}`, { service: "7", ...labels });

  describe("of a gateway", () => {
    const rig = new ProviderRig();
    afterEach(() => rig.close());

    it("count requests by status, receipts, and what it refused or gave up", async () => {
      rig.observer = provider;
      const { url } = await rig.upstream((request, response) => {
        if (request.url === "/break") request.socket.destroy();
        else response.writeHead(request.url === "/missing" ? 404 : 200).end();
      });
      const { port } = (await rig.gateway(url, { receiptBurst: 3 })).address;
      await ask({ port });
      await ask({ port, headers: WITH_NONCE });
      await ask({ port, path: "/missing", headers: WITH_NONCE });
      await ask({ port, path: "/break", headers: WITH_NONCE });
      await ask({ port, headers: WITH_NONCE });
      // A client has its answer a moment before the gateway has seen the end of it.
      await rig.close();
      const requests = (status: string) => value("gateway_requests_total", { status });
      expect(await requests("2xx")).to.equal(2);
      expect(await requests("4xx")).to.equal(2);
      expect(await requests("5xx")).to.equal(1);
      expect(await requests("none")).to.equal(0);
      expect(await value("gateway_request_seconds_count")).to.equal(5);
      expect(await value("gateway_receipts_total")).to.equal(3);
      const problems = (code: string) => value("gateway_problems_total", { code });
      expect(await problems("RECEIPTS_EXHAUSTED")).to.equal(1);
      expect(await problems("UPSTREAM_FAILED")).to.equal(1);
      expect(await problems("CLIENT_GONE")).to.equal(0);
    });
  });

  it("tell of a challenge from its opening to its end", async () => {
    const open = () => value("provider_challenge_open");
    const deadline = () => value("provider_challenge_deadline_timestamp_seconds");
    expect(await open()).to.equal(0);
    provider.challengeOpen(undefined);
    expect(await open()).to.equal(1);
    expect(await deadline()).to.be.NaN;
    provider.challengeOpen(1_700_000_030);
    expect(await deadline()).to.equal(1_700_000_030);
    provider.challengeClosed("Answered");
    expect(await open()).to.equal(0);
    expect(await deadline()).to.be.NaN;
    expect(await value("provider_challenges_total", { state: "Answered" })).to.equal(1);
    expect(await value("provider_challenges_total", { state: "Unanswered" })).to.equal(0);
  });

  it("tell the one status that the service has", async () => {
    const status = (name: string) => value("provider_service_status", { status: name });
    provider.serviceStatus("Active");
    provider.serviceStatus("Suspended");
    expect(await status("Active")).to.equal(0);
    expect(await status("Suspended")).to.equal(1);
  });

  it("count what settlements paid, by the verdict", async () => {
    const logs = [
      { epoch: 5, grade: 3, reward: parseEther("2.5") },
      { epoch: 6, grade: 0, reward: 0n },
    ].map((args) => encodeLog({ block: 1, eventName: "Settled", args: { number: 7n, ...args } }));
    agent.mined({ logs } as unknown as TransactionReceipt);
    const settled = (grade: string) => value("provider_epochs_settled_total", { grade });
    expect(await settled("EXCELLENT")).to.equal(1);
    expect(await settled("FAILED")).to.equal(1);
    expect(await value("provider_earned_bloc_total")).to.equal(2.5);
    expect(await value("provider_newest_settled_epoch")).to.equal(6);
  });

  it("tell until when the record holds, in seconds", async () => {
    provider.published(1_700_000_000_500n);
    const until = await value("provider_record_expiry_timestamp_seconds");
    expect(until).to.equal(1_700_000_000.5);
  });

  it("are unwell while a task of the bookkeeping fails", async () => {
    provider.bookkeeping("publish", new Error("https://rpc.example/v2/secret"));
    provider.bookkeeping("settle");
    expect(metrics.health.report()).to.deep.equal({
      ok: false,
      checks: [{ name: "service_7", ok: false, reason: "publish failed: an unexpected error" }],
    });
    provider.bookkeeping("publish");
    expect(metrics.health.report().ok).to.equal(true);
    const name = "provider_bookkeeping_failures_total";
    expect(await value(name, { task: "publish" })).to.equal(1);
    expect(await value(name, { task: "settle" })).to.equal(0);
  });

  it("keep the services of one agent apart", async () => {
    const other = agent.of("8");
    other.receipt();
    provider.failed(new BlockcloudError("GATEWAY_LISTEN", "Cannot listen on 127.0.0.1:80."));
    other.running();
    expect(await value("gateway_receipts_total")).to.equal(0);
    expect(await value("gateway_receipts_total", { service: "8" })).to.equal(1);
    expect(await value("provider_service_up")).to.equal(0);
    expect(await value("provider_service_up", { service: "8" })).to.equal(1);
    expect(metrics.health.report().checks).to.deep.equal([
      { name: "service_7", ok: false, reason: "cannot start: GATEWAY_LISTEN" },
      { name: "service_8", ok: true },
    ]);
    provider.running();
    expect(metrics.health.report().ok).to.equal(true);
  });

  it("forget a service that was removed, so that no alert is about it", async () => {
    provider.receipt();
    provider.finished(200, 0.1);
    provider.serviceStatus("Suspended");
    provider.published(1_700_000_000_500n);
    agent.forget("7");
    const { text } = await metrics.expose();
    expect(text).not.to.contain('service="7"');
    expect(metrics.health.report().checks).to.deep.equal([]);
    agent.of("7");
    expect(await value("gateway_receipts_total")).to.equal(0);
  });

  it("tell of the payments of a service, until it is gone", async () => {
    const bloc = parseEther("1");
    const { pay } = provider;
    pay.charged(3n * bloc);
    pay.credited(2n * bloc);
    pay.redeemed({ amount: bloc, paid: 4, skipped: 1 });
    pay.refused("CASHIER_VOUCHER");
    pay.refused("anything else");
    pay.vanished();
    pay.lost();
    const unwatch = pay.watch(() => ({
      ...{ tabs: 5, exposure: bloc, exposureLimit: 10n * bloc, waiting: 2n * bloc, pending: 7 },
    }));
    const read = async () => ({
      charged: await value("pay_charged_bloc_total"),
      credited: await value("pay_credited_bloc_total"),
      redeemed: await value("pay_redeemed_bloc_total"),
      paid: await value("pay_redemptions_total", { outcome: "paid" }),
      skipped: await value("pay_redemptions_total", { outcome: "skipped" }),
      refused: await value("pay_refusals_total", { code: "CASHIER_VOUCHER" }),
      others: await value("pay_refusals_total", { code: "other" }),
      vanished: await value("pay_transfers_reorganised_total", { outcome: "vanished" }),
      lost: await value("pay_transfers_reorganised_total", { outcome: "lost" }),
      tabs: await value("pay_tabs_open"),
      exposure: await value("pay_exposure_bloc"),
      limit: await value("pay_exposure_limit_bloc"),
      waiting: await value("pay_waiting_bloc"),
      pending: await value("pay_settlements_open"),
    });
    expect(await read()).to.deep.equal({
      ...{ charged: 3, credited: 2, redeemed: 1, paid: 4, skipped: 1, refused: 1, others: 1 },
      ...{ vanished: 1, lost: 1, tabs: 5, exposure: 1, limit: 10, waiting: 2, pending: 7 },
    });
    unwatch();
    agent.forget("7");
    const gone = Object.values(await read());
    expect(new Set(gone)).to.deep.equal(new Set([undefined]));
  });
});
