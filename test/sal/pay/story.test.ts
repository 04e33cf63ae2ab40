import { expect } from "chai";
import { FreeAllowance } from "../../../src/cashier/allowance.ts";
import type { Collector } from "../../../src/cashier/collector/collector.ts";
import type { WalletOptions } from "../../../src/cashier/payer/wallet.ts";
import { Payer } from "../../../src/sal/pay/payer.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import { salError } from "../../../src/sal/errors.ts";
import { rejection } from "../../support/rejection.ts";
import { FakeClock } from "../rig/fakeClock.ts";
import { collect, SalRig } from "../rig/salRig.ts";
import { CashierSides } from "./rig/cashierSides.ts";
import { MIB, source, SOURCE } from "./rig/payRig.ts";

/** Port of a server that keeps its connections, and gives as many bytes as it is asked for. */
const KEPT = 72;

function kept(flow: Flow): Promise<void> {
  flow.on("data", (asked: Buffer) => flow.write(Buffer.alloc(Number(asked.toString()))));
  flow.on("end", () => flow.end());
  return Promise.resolve();
}

describe("a paying client with its wallet, and a provider with its collector", () => {
  let sides: CashierSides;
  let collector: Collector;
  let rig: SalRig;

  /** A provider's process. */
  function begin(): void {
    const clock = new FakeClock();
    collector = sides.collect(clock);
    rig = new SalRig({
      clock,
      ports: { [SOURCE]: source, [KEPT]: kept },
      pricing: { collector, allowance: new FreeAllowance({ bytes: 0, requests: 0 }, () => 1) },
    });
  }

  function pay(options: Partial<WalletOptions> = {}) {
    const wallet = sides.pay(options);
    return { wallet, client: rig.createClient({}, new Payer({ wallet })) };
  }

  beforeEach(() => {
    sides = new CashierSides();
    begin();
  });
  afterEach(async () => {
    rig.stop();
    await collector.stop();
  });

  async function ask(client: SalRig["client"], bytes: number) {
    const flow = await rig.open(SOURCE, client);
    flow.end(String(bytes));
    return flow;
  }

  async function download(client: SalRig["client"], bytes: number): Promise<void> {
    const got = collect(await ask(client, bytes));
    expect((await rig.clock.play(got)).length).to.equal(bytes);
    await rig.clock.advance(1_000);
  }

  const tabs = () => [...collector.tabs];

  it("agree on each wei, in one tab for two sessions", async () => {
    const { wallet, client } = pay();
    await download(client, 5 * MIB);
    client.close();
    const again = rig.createClient({}, new Payer({ wallet }));
    await download(again, 3 * MIB);
    again.close();
    wallet.close();
    expect(tabs().map(({ charged, paid }) => [charged, paid])).to.deep.equal([
      [BigInt(8 * MIB + 14), BigInt(8 * MIB + 14)],
    ]);
  });

  it("are even after a short run: a client that settles before it closes sends its last voucher", async () => {
    const payer = new Payer({ wallet: sides.pay() });
    let sum = 0;
    for (const bytes of [1, 1_000, MIB, 3 * MIB + 5]) {
      const client = rig.createClient({}, payer);
      // As with HTTP, the flow is kept after the answer: the provider tells its last bill when the client ends it.
      const flow = await rig.open(KEPT, client);
      flow.write(String(bytes));
      let got = 0;
      flow.on("data", ({ length }: Buffer) => (got += length));
      await rig.clock.until(() => got === bytes);
      sum += bytes + String(bytes).length;
      await rig.clock.play(client.settle(salError("closed", "The test closes the client.")));
      client.close();
      await rig.clock.advance(100);
      const [tab] = tabs();
      expect([tab?.charged, tab?.paid], `${bytes} bytes`).to.deep.equal([BigInt(sum), BigInt(sum)]);
    }
  });

  it("owe each other at most a window when a client settles in the middle of a flow", async () => {
    const payer = new Payer({ wallet: sides.pay() });
    for (const ms of [0, 1, 20, 45, 60, 90, 120, 200]) {
      const client = rig.createClient({}, payer);
      const got = collect(await ask(client, 3 * MIB)).catch(() => undefined);
      await rig.clock.advance(ms);
      await rig.clock.play(client.settle(salError("closed", "The test closes the client.")));
      client.close();
      await rig.clock.play(got);
      await rig.clock.advance(100);
      const [tab] = tabs();
      // What was under way when the flow was given up reached no program.
      expect(Number(tab!.charged - tab!.paid), `after ${ms} ms`).to.be.within(0, 2 * MIB);
    }
  });

  it("open the tab on chain when the exposure asks for it, and the flow goes on", async () => {
    const { client } = pay();
    await download(client, 20 * MIB);
    expect(sides.chain.mined.map(({ functionName }) => functionName)).to.include("openTab");
    expect(tabs().map(({ paid }) => paid)).to.deep.equal([BigInt(20 * MIB + 8)]);
  });

  it("go on with the tab after the payer's process has crashed", async () => {
    const { client } = pay();
    const flow = await ask(client, 20 * MIB);
    flow.resume();
    await rig.clock.until(() => flow.bytesRead > 6.5 * MIB);
    // The process is gone: nothing is closed in order.
    for (const { near } of rig.net.open) near.destroy();
    client.close();
    await rig.clock.advance(1_000);
    const next = pay();
    await download(next.client, 2 * MIB);
    next.client.close();
    expect(tabs()).to.have.length(1);
    const [tab] = tabs();
    expect(tab?.paid).to.equal(tab?.charged);
  });

  it("go on with the tab after the provider's process has crashed", async () => {
    const { client } = pay();
    const flow = await ask(client, 20 * MIB);
    const got = collect(flow);
    await rig.clock.until(() => flow.bytesRead > 6.5 * MIB);
    const paid = tabs()[0]?.paid ?? 0n;
    rig.provider.stop();
    await rejection("SAL_LEAVING", rig.clock.play(got));
    client.close();
    rig.stop();
    await collector.stop();
    begin();
    expect(tabs()[0]?.paid).to.equal(paid);
    const next = rig.createClient({}, new Payer({ wallet: sides.pay() }));
    await download(next, 2 * MIB);
    next.close();
    expect(tabs()).to.have.length(1);
    expect(tabs()[0]?.paid).to.equal(tabs()[0]?.charged);
  });

  it("end the flow when a cap of the wallet is reached, with what is paid and the reason", async () => {
    const { client } = pay({ caps: { eachService: { ever: BigInt(6 * MIB) } } });
    const error = await rejection(
      "SAL_UNPAID",
      rig.clock.play(ask(client, 20 * MIB).then((flow) => collect(flow))),
    );
    expect((error.cause as { code?: string }).code).to.equal("CASHIER_CAP");
    expect(Number(tabs()[0]?.paid)).to.be.at.most(6 * MIB);
    client.close();
  });

  it("refuse each other at once when the payer's account is empty", async () => {
    sides = new CashierSides(0n);
    rig.stop();
    begin();
    const { client } = pay();
    const error = await rejection("SAL_UNPAID", rig.clock.play(client.connect("weather", SOURCE)));
    expect((error.cause as { code?: string }).code).to.equal("CASHIER_FUNDS");
    client.close();
  });
});
