import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";
import { parseEther, type Hex } from "viem";
import { openWallet } from "../../../src/cashier/payer/openWallet.ts";
import { Cashier } from "../../../src/chain/cashier/cashier.ts";
import { ChainClock } from "../../../src/chain/clock.ts";
import { createClient } from "../../../src/client/createClient.ts";
import { silentLogger } from "../../../src/node/logger.ts";
import { systemTimers } from "../../../src/node/timers.ts";
import { parsePrice } from "../../../src/cashier/price.ts";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import { signDelegation } from "../../../src/protocol/delegation.ts";
import { cashierAbi } from "../../../src/protocol/abi/cashier.ts";
import { rootServiceId, serviceId } from "../../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { createSubService } from "../../../src/provider/subservice/createSubService.ts";
import { listen } from "../../../src/provider/listen/listen.ts";
import { parts } from "../../support/cliRig.ts";
import { rejection } from "../../support/rejection.ts";
import { until } from "../../support/until.ts";
import { WeatherRig } from "../../support/weatherRig.ts";

/** More than is free. */
const BYTES = 9_000_000;
const { owner: payer, stranger: device } = parts;
const DAY = 86_400_000;

/** One chain, on which each test goes on where the one before ended. */
describe("a service of a process of its own, with a price", function () {
  this.timeout(120_000);

  let rig: WeatherRig;
  let cashier: Cashier;
  before(async () => {
    rig = await WeatherRig.start();
    cashier = new Cashier(rig.chain.client, rig.chain.devnet.deployment);
    const deposit = await rig.chain.cli("cashier deposit 10 --payer-key-file owner.key --yes");
    expect(deposit.code, deposit.stderr).to.equal(0);
  });
  after(() => rig.stop());
  beforeEach(() => rig.chain.pass(0));

  /** Redeemed as soon as it is worth anything. */
  const terms = () => ({
    ...{ blocPriceWei: parseEther("1000"), leastLimit: parseEther("0.5"), redeemMs: 50 },
    // So that the tab is opened on chain at once.
    exposure: { payer: 1n, total: parseEther("1") },
    walletKey: parts.operator.key,
  });
  const redeemed = (number: bigint) =>
    until("the voucher is redeemed", async () => {
      const [earned, events] = await Promise.all([
        cashier.earnedOf(rootServiceId(number)),
        rig.chain.client.getContractEvents({
          ...{ address: rig.chain.devnet.deployment.contracts.cashier, fromBlock: 0n },
          ...{ abi: cashierAbi, eventName: "Redeemed" },
        }),
      ]);
      return earned > 0n || events.some(({ args }) => args.service === rootServiceId(number));
    });

  it("a program that listens is paid for its flows, and redeems", async () => {
    const { deployment } = rig.chain.devnet;
    const key = readFileSync(rig.echoKeyFile, "utf8").trim() as Hex;
    const options = {
      ...{ deployment: rig.deploymentFile, rpc: rig.rpcUrl, bootstrap: [rig.bootstrap] },
      ...{ key, ports: [7], host: "127.0.0.1", allowLoopback: true },
    };
    const pay = { ...terms(), price: "0.002/MB" };
    const ECHO = rootServiceId(2n);
    await rejection("SAL_OPTIONS", listen(ECHO, { ...options, pay }));
    await rejection(
      "PRICE_INVALID",
      listen(ECHO, { ...options, stateDir: rig.chain.folder, pay: { ...pay, price: "much" } }),
    );
    const listener = await listen(ECHO, { ...options, stateDir: rig.chain.folder, pay });
    const serving = (async () => {
      for await (const { flow } of listener) flow.resume().end(Buffer.alloc(BYTES));
    })();
    const { client: chain } = rig.chain;
    const time = new ChainClock(
      { timing: deployment },
      { client: chain, timers: systemTimers, log: silentLogger },
    );
    await time.start();
    const { wallet, close } = openWallet(
      { stateDir: path.join(rig.chain.folder, "wallet"), deployment, key: hexToBytes(payer.key) },
      { client: chain, time, log: silentLogger },
    );
    let spent = 0n;
    const client = createClient(
      {
        deployment: rig.deploymentFile,
        rpc: rig.rpcUrl,
        resolver: rig.resolverUrl,
        allowLoopback: true,
      },
      { payer: { wallet, observer: { spent: ({ amount }) => (spent += amount) } } },
    );
    const flow = await client.connect(ECHO, { port: 7 });
    let got = 0;
    for await (const chunk of flow.end()) got += (chunk as Buffer).length;
    expect(got).to.equal(BYTES);
    await client.close();
    close();
    await time.stop();
    const { perByte } = parsePrice(pay.price);
    expect(spent > 0n && spent <= perByte * BigInt(BYTES), `${spent} wei`).to.equal(true);
    await redeemed(2n);
    await listener.close();
    await serving;
  });

  it("a sub-service is paid by tabs of its root", async () => {
    const { devnet, folder } = rig.chain;
    const { deployment } = devnet;
    const id = serviceId({ prefix: 2n, group: 0, self: device.address });
    const domain = blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry);
    const now = Number((await rig.chain.client.getBlock()).timestamp) * 1000;
    const delegation = signDelegation(
      { serviceId: id, issuedAt: BigInt(now), expiresAt: BigInt(now + DAY) },
      domain,
      hexToBytes(readFileSync(rig.echoKeyFile, "utf8").trim() as Hex),
    );
    const worker = createSubService(
      {
        ...{ deployment, rpcUrls: [rig.rpcUrl], serviceId: id, key: device.key, delegation },
        ...{ upstream: new URL(rig.upstreamUrl), listen: { host: "127.0.0.1", port: 0 } },
        ...{ endpoint: undefined, stateDir: path.join(folder, "device") },
        coral: {
          ...{ chainId: deployment.chainId, registry: deployment.contracts.registry },
          ...{ listen: [], bootstrap: [rig.bootstrap], subscribe: false, allowPrivate: true },
        },
        pay: { ...terms(), price: parsePrice("0.002/MB"), allowLoopback: true },
      },
      { timers: systemTimers, log: silentLogger },
    );
    await worker.start();
    await until("its record is there", async () => {
      const { code } = await rig.chain.cli(`resolve ${id} --resolver ${rig.resolverUrl}`);
      return code === 0;
    });
    const use = `--resolver ${rig.resolverUrl} --allow-loopback --max-spend 1`;
    const paid = await rig.chain.cli(
      `fetch ${id}/bytes/${BYTES} ${use} --payer-key-file owner.key --json`,
      { timers: systemTimers },
    );
    expect(paid.code, paid.stderr).to.equal(0);
    expect(Number(paid.json().paid)).to.be.greaterThan(0);
    await redeemed(2n);
    await worker.stop();
  });
});
