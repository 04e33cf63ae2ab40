import { expect } from "chai";
import { FreeAllowance } from "../../../src/cashier/allowance.ts";
import { WalletStore } from "../../../src/cashier/payer/store.ts";
import type { TabPayer } from "../../../src/cashier/tabs.ts";
import { addressOfKey } from "../../../src/protocol/signature.ts";
import { Payer } from "../../../src/sal/pay/payer.ts";
import { QuoteKind } from "../../../src/sal/pay/quoteFrame.ts";
import { FakeClock } from "../rig/fakeClock.ts";
import { collect, SalRig } from "../rig/salRig.ts";
import { CashierSides } from "./rig/cashierSides.ts";
import { MIB, PayRig, source, SOURCE } from "./rig/payRig.ts";
import { RawPayer } from "./rig/rawPayer.ts";

const THIEF_KEY = Buffer.alloc(32, 77);

describe("a thief of a payer's tab, in the SAL", () => {
  it("with a tab of the same ID, for its own account, uses its own tab", async () => {
    const sides = new CashierSides();
    sides.chain.deposit(addressOfKey(THIEF_KEY), 10n ** 12n);
    const clock = new FakeClock();
    const collector = sides.collect(clock);
    const allowance = new FreeAllowance({ bytes: 0, requests: 0 }, () => 1);
    const rig = new SalRig({
      ...{ clock, ports: { [SOURCE]: source }, pricing: { collector, allowance } },
    });
    const download = async (client: SalRig["client"], bytes: number) => {
      const flow = await rig.open(SOURCE, client);
      const got = collect(flow);
      flow.end(String(bytes));
      expect((await rig.clock.play(got)).length).to.equal(bytes);
      await rig.clock.advance(1_000);
    };
    const honest = rig.createClient({}, new Payer({ wallet: sides.pay() }));
    await download(honest, 3 * MIB);
    const [victim] = collector.tabs;

    // The salt of each tab is public, once the tab is on chain.
    const own = sides.pay({ key: THIEF_KEY }, new WalletStore(":memory:"));
    const wallet: TabPayer = {
      payer: own.payer,
      tabFor: (quote) => own.tabFor({ ...quote, salt: victim!.salt }),
    };
    const thief = rig.createClient({}, new Payer({ wallet }));
    await download(thief, 5 * MIB);

    const [first, second] = [...collector.tabs];
    expect(second?.tab).to.equal(first?.tab);
    expect(first?.charged).to.be.below(BigInt(4 * MIB));
    expect(second?.charged).to.be.at.least(BigInt(5 * MIB));
    await download(honest, 3 * MIB);
    honest.close();
    thief.close();
    rig.stop();
    await collector.stop();
  });

  it("with the tab's public authorization, is shown a voucher that is worth nothing from then on", async () => {
    const rig = new PayRig();
    const flow = await rig.ask(3 * MIB);
    await rig.clock.play(collect(flow));
    await rig.clock.advance(1_000);
    const { tab } = rig.collector;
    expect(tab.revealed).to.equal(0n);
    const thief = await RawPayer.begun(rig, "198.51.100.9");
    await thief.open(rig.wallet!.tab);
    const told = thief.quotes.find(({ kind }) => kind === QuoteKind.prove);
    expect(told).to.deep.include({ kind: QuoteKind.prove, tab: tab.tab });
    expect(thief.isAttached).to.equal(false);
    expect(tab.revealed).to.equal(tab.paid);
    rig.stop();
  });
});
