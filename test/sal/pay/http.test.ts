import { expect } from "chai";
import { request, type IncomingMessage } from "node:http";
import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { FreeAllowance } from "../../../src/cashier/allowance.ts";
import type { Deployment } from "../../../src/chain/deployment.ts";
import { silentLogger } from "../../../src/node/logger.ts";
import { systemScheduler as clock } from "../../../src/node/scheduler.ts";
import { systemTimers as timers } from "../../../src/node/timers.ts";
import { bytesToHex } from "../../../src/protocol/bytes.ts";
import { Gateway } from "../../../src/provider/gateway/gateway.ts";
import { createPayments } from "../../../src/provider/gateway/pay/createPayments.ts";
import { portTable } from "../../../src/provider/gateway/ports.ts";
import { FlowAgent } from "../../../src/sal/flowAgent.ts";
import { Payer } from "../../../src/sal/pay/payer.ts";
import { createCertificate } from "../../../src/sal/transport/certificate.ts";
import { until } from "../../support/until.ts";
import { DOMAIN, KEY, SERVICE, START_MS } from "../rig/salRig.ts";
import { TlsRig } from "../rig/tlsRig.ts";
import { FakeCollector } from "./rig/fakeCollector.ts";
import { FakeWallet } from "./rig/fakeWallet.ts";
import { MIB } from "./rig/payRig.ts";

const REQUEST = 1_000_000_000n;
const price = { perByte: 0n, perRequest: REQUEST, perSecond: 0n };
const address = (digit: string) => `0x${digit.repeat(40)}` as const;
const deployment = {
  ...{ chainId: 31_337, confirmations: 1 },
  contracts: { cashier: address("c"), token: address("b") },
} as Deployment;

describe("requests to the gateway of a priced service, over a flow", () => {
  let upstream: Server;
  let rig: TlsRig;
  let gateway: Gateway;
  let collector: FakeCollector;
  let wallet: FakeWallet;
  let agent: FlowAgent;
  let served: number;
  let close: () => void;

  async function begin(isPaying: boolean): Promise<void> {
    served = 0;
    upstream = createServer((_, response) => {
      served += 1;
      response.end("sunny");
    });
    upstream.listen(0, "127.0.0.1");
    await once(upstream, "listening");
    collector = new FakeCollector(price, MIB);
    const allowance = new FreeAllowance({}, () => 1);
    const serveHttp = (flow: Parameters<Gateway["serveFlow"]>[0]) => {
      gateway.serveFlow(flow);
    };
    wallet = new FakeWallet();
    wallet.limit = 10n ** 15n;
    rig = new TlsRig({
      ports: portTable([], serveHttp, { timers, clock }),
      pricing: { collector, allowance },
      ...(isPaying && { payer: new Payer({ wallet }) }),
    });
    const never = () => Promise.reject(new Error("not settled in this test"));
    const pay = createPayments(
      { price, payTo: address("a"), weiPerBloc: 1n, allowLoopback: true },
      {
        ...{ deployment, serviceKey: bytesToHex(KEY), storeFile: ":memory:", collector, allowance },
        ...{ client: undefined as never, sender: undefined as never, timers, log: silentLogger },
        now: () => START_MS,
        facilitator: {
          isRemote: false,
          takes: () => Promise.resolve(true),
          verify: never,
          settle: never,
        },
      },
    );
    close = () => {
      pay.close();
    };
    gateway = new Gateway(
      {
        ...{ serviceId: SERVICE, domain: DOMAIN, key: KEY, listen: { host: "127.0.0.1", port: 0 } },
        upstream: new URL(`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`),
      },
      {
        ...{ logger: silentLogger, now: () => START_MS, monotonic: () => clock.monotonic() },
        sal: { provider: rig.provider, certificate: createCertificate(START_MS), clock },
        payments: pay.payments,
      },
    );
    await gateway.start();
    await rig.start();
    agent = new FlowAgent((_, port) => rig.client.connect("weather", port), true);
  }

  afterEach(async () => {
    agent.destroy();
    await rig.stop();
    await gateway.stop();
    close();
    upstream.closeAllConnections();
    upstream.close();
  });

  async function get(): Promise<{ status: number; fields: IncomingMessage["headers"] }> {
    const asked = request({ host: "weather.bloc.alt", port: 80, path: "/forecast", agent });
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    response.resume();
    await once(response, "end");
    return { status: response.statusCode ?? 0, fields: response.headers };
  }

  it("are charged one by one to the session's tab, on one flow, and get no 402", async () => {
    await begin(true);
    // The session begins, and its tab is there before the first request.
    const session = await rig.client.session("weather", new AbortController().signal);
    expect(session.flows).to.equal(0);
    await until("the tab is charged", () => collector.tabs.size === 1 && collector.tab.paid > 0n);
    for (let each = 0; each < 40; each += 1) expect((await get()).status).to.equal(200);
    expect([served, collector.tab.charged]).to.deep.equal([40, 40n * REQUEST]);
    agent.destroy();
    // The rest is paid when the flow is over.
    await until("the rest is paid", () => collector.tab.paid === collector.tab.charged);
    expect(wallet.tab.cumulative).to.equal(40n * REQUEST);
  });

  it("are free three times in an epoch for a client that does not pay, then 402 with offers", async () => {
    await begin(false);
    for (let each = 0; each < 3; each += 1) expect((await get()).status).to.equal(200);
    const { status, fields } = await get();
    expect([status, served]).to.deep.equal([402, 3]);
    expect(fields["payment-required"]).to.be.a("string");
  });
});
