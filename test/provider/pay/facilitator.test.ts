import { expect } from "chai";
import { DatabaseSync } from "node:sqlite";
import { erc20Abi, parseEther } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { devKey } from "../../../devnet/devnet.ts";
import { systemTimers, type Timers } from "../../../src/node/timers.ts";
import { FakeFacilitator } from "../../support/facilitator.ts";
import { offered, paid, paying, PayRig } from "../../support/payRig.ts";

/** Timers on which the wait for a settlement is over at once: for settlements that do not come. */
const timers: Timers = {
  monotonic: () => systemTimers.monotonic() * 1_000,
  sleep: (milliseconds, signal) => systemTimers.sleep(milliseconds / 1_000, signal),
};

describe("a facilitator at a URL", function () {
  this.timeout(240_000);

  let rig: PayRig;
  let facilitator: FakeFacilitator;
  let at: URL;
  let runs = 0;
  before(async () => {
    rig = await PayRig.start();
  });
  after(() => rig.stop());
  beforeEach(async () => {
    runs = 0;
    const { chainId } = rig.chain.devnet.deployment;
    facilitator = await FakeFacilitator.start(`eip155:${chainId}`, rig.sender);
    at = facilitator.url;
  });
  afterEach(async () => {
    facilitator.close();
    await rig.close();
  });

  const serve = (over: Parameters<PayRig["serve"]>[2] = {}) =>
    rig.serve(
      (_, response) => {
        runs += 1;
        response.end(`sunny ${runs}`);
      },
      { facilitator: at },
      over,
    );
  const codeOf = async (response: Response) => {
    const { code } = (await response.json()) as { code: string };
    return `${response.status} ${code}`;
  };

  it("verifies and settles; it gets no token of the offer and no query", async () => {
    const url = await serve();
    const before = await rig.income();
    const response = await paying(
      `${url}/a?secret=1`,
      await rig.pay(await rig.offer(`${url}/a?secret=1`)),
    );
    expect(response.status).to.equal(200);
    expect(await rig.income()).to.equal(before + 1);
    expect([facilitator.count("verify"), facilitator.count("settle")]).to.deep.equal([1, 1]);
    for (const { body } of facilitator.asked) {
      expect(new URL(body.paymentPayload.resource.url).pathname).to.equal("/a");
      expect(JSON.stringify(body)).not.to.match(/secret|offer/);
      expect(body.paymentPayload.accepted.extra).to.deep.equal({
        name: "Blockcloud",
        version: "1",
      });
    }
  });

  it("that is down, or does not serve the network, leaves nothing to offer", async () => {
    facilitator.close();
    expect(await codeOf(await fetch(await serve()))).to.equal("503 PAYMENTS_FULL");
    facilitator = await FakeFacilitator.start("eip155:1", rig.sender);
    at = facilitator.url;
    expect(await codeOf(await fetch(await serve()))).to.equal("503 PAYMENTS_FULL");
  });

  it("that says success without a transaction: pending, nothing is served", async () => {
    facilitator.settle = () => ({
      ...{ success: true, transaction: `0x${"12".repeat(32)}`, network: "" },
    });
    const url = await serve({ timers });
    const header = await rig.pay(await rig.offer(url));
    for (let tries = 0; tries < 2; tries++) {
      const response = await paying(url, header);
      expect(response.headers.get("retry-after")).to.equal("2");
      expect(response.headers.get("payment-required")).to.equal(null);
      expect(await codeOf(response)).to.equal("503 PAYMENT_PENDING");
    }
    expect(runs, "the answer is kept").to.equal(1);
  });

  it("that names another payment's transaction: pending", async () => {
    const patient = await serve();
    const first = await paying(patient, await rig.pay(await rig.offer(patient)));
    const { transaction } = paid(first);
    const url = await serve({ timers });
    facilitator.settle = () => ({ success: true, transaction, network: "" });
    const second = await paying(url, await rig.pay(await rig.offer(url)));
    expect(await codeOf(second)).to.equal("503 PAYMENT_PENDING");
  });

  const liars: Record<string, FakeFacilitator["settle"]> = {
    "says that it failed, and has settled": async (_, execute) => {
      await execute();
      return { success: false, errorReason: "no", transaction: "", network: "" };
    },
    "settles and breaks the connection": async (_, execute) => {
      await execute();
      return "reset";
    },
    "settles and sends noise": async (_, execute) => {
      await execute();
      return "noise";
    },
  };
  for (const [what, settle] of Object.entries(liars)) {
    it(`that ${what}: the chain decides, the answer is served`, async () => {
      facilitator.settle = settle;
      const url = await serve();
      const before = await rig.income();
      const header = await rig.pay(await rig.offer(url));
      const response = await paying(url, header);
      expect(await response.text()).to.equal("sunny 1");
      expect(paid(response).success).to.equal(true);
      expect(await rig.income()).to.equal(before + 1);
    });
  }

  it("that settles late: the same header gets the answer, paid once", async () => {
    facilitator.settle = () => ({ success: false, transaction: "", network: "" });
    const url = await serve({ timers });
    const before = await rig.income();
    const header = await rig.pay(await rig.offer(url));
    expect(await codeOf(await paying(url, header))).to.equal("503 PAYMENT_PENDING");
    await facilitator.execute(facilitator.asked[0]!);
    const response = await paying(url, header);
    expect([response.status, await response.text()]).to.deep.equal([200, "sunny 1"]);
    expect([runs, await rig.income()]).to.deep.equal([1, before + 1]);
  });

  it("that settles after the process was killed: the same header gets the answer", async () => {
    const storeFile = rig.storeFile();
    facilitator.settle = () => ({ success: false, transaction: "", network: "" });
    const url = await serve({ storeFile, timers });
    const header = await rig.pay(await rig.offer(url));
    expect((await paying(url, header)).status).to.equal(503);
    await rig.close();
    await facilitator.execute(facilitator.asked[0]!);
    const later = await serve({ storeFile });
    expect(await (await paying(later, header)).text()).to.equal("sunny 1");
    expect(runs).to.equal(1);
  });

  it("that calls a payment invalid has it all the same: pending, never a new offer", async () => {
    facilitator.verify = () => ({ isValid: false, invalidReason: "insufficient_funds" });
    const url = await serve();
    const header = await rig.pay(await rig.offer(url));
    expect(await codeOf(await paying(url, header))).to.equal("503 PAYMENT_PENDING");
    expect(runs).to.equal(0);
    // A lie: it settles what it has called invalid.
    await facilitator.execute(facilitator.asked[0]!);
    expect(await (await paying(url, header)).text()).to.equal("sunny 1");
  });

  it("that never settles: pending until the chain's time is past it, then fresh offers", async () => {
    facilitator.settle = () => "reset";
    const url = await serve({ timers });
    const before = await rig.income();
    const header = await rig.pay(await rig.offer(url));
    expect(await codeOf(await paying(url, header))).to.equal("503 PAYMENT_PENDING");
    await rig.pass(58);
    expect(await codeOf(await paying(url, header)), "too late to settle").to.equal(
      "503 PAYMENT_PENDING",
    );
    await rig.pass(10);
    // One block above: the deployment's confirmations.
    await rig.pass(1);
    const response = await paying(url, header);
    expect(response.status).to.equal(402);
    expect(paid(response).errorReason).to.equal("expired");
    expect(offered(response).accepts).not.to.have.length(0);
    expect(await rig.income()).to.equal(before);
  });

  it("that is silent: pending; the request ran once and is not served", async () => {
    facilitator.settle = () => "silence";
    const url = await serve({ timers });
    const header = await rig.pay(await rig.offer(url));
    expect(await codeOf(await paying(url, header))).to.equal("503 PAYMENT_PENDING");
    expect(runs).to.equal(1);
  });

  it("in this process sends nothing that would revert: fresh offers, and the header may come again", async () => {
    const poor = `0x${"78".repeat(32)}` as const;
    const { address } = privateKeyToAccount(poor);
    const treasury = devKey(0).key;
    const give = () =>
      rig.chain.send(treasury, rig.bloc, erc20Abi, "transfer", [address, parseEther("0.01")]);
    await give();
    let isSpent = false;
    const url = await rig.serve((_, response) => {
      // The payer spends its BLOC while the request runs.
      const spend = isSpent ? Promise.resolve() : rig.spend(poor, parseEther("0.01"));
      isSpent = true;
      void spend.then(() => response.end("sunny"));
    });
    const header = await rig.pay(await rig.offer(url), { key: poor });
    const response = await paying(url, header);
    expect([response.status, paid(response).errorReason]).to.deep.equal([402, "transfer_refused"]);
    await give();
    const again = await paying(url, header);
    expect([again.status, await again.text()]).to.deep.equal([200, "sunny"]);
  });

  it("gets a payment only when its state is on disk", async () => {
    const storeFile = rig.storeFile();
    const states: unknown[] = [];
    const look = () => {
      const database = new DatabaseSync(storeFile, { readOnly: true });
      states.push(...database.prepare("SELECT settlement, run FROM payments").all());
      database.close();
    };
    facilitator.verify = () => {
      look();
      return { isValid: true };
    };
    facilitator.settle = async (_, settle) => {
      look();
      return { success: true, transaction: await settle(), network: "" };
    };
    const url = await serve({ storeFile });
    expect((await paying(url, await rig.pay(await rig.offer(url)))).status).to.equal(200);
    look();
    expect(states.map((state) => ({ ...(state as object) }))).to.deep.equal([
      { settlement: "given", run: "idle" },
      { settlement: "given", run: "answered" },
      { settlement: "paid", run: "answered" },
    ]);
  });

  it("is asked for no more pending payments of a payer than are allowed", async () => {
    facilitator.settle = () => "reset";
    const url = await rig.serve(
      (_, response) => response.end(),
      { facilitator: at, maxPendingPerPayer: 1 },
      { timers },
    );
    const first = await paying(url, await rig.pay(await rig.offer(url)));
    expect(await codeOf(first)).to.equal("503 PAYMENT_PENDING");
    const second = await paying(url, await rig.pay(await rig.offer(url)));
    expect(await codeOf(second)).to.equal("503 PAYMENTS_FULL");
    expect(facilitator.count("settle")).to.equal(1);
  });

  it("cannot pay for a payer that has cancelled: fresh offers", async () => {
    facilitator.settle = () => "reset";
    const url = await serve({ timers });
    const header = await rig.pay(await rig.offer(url));
    expect(await codeOf(await paying(url, header))).to.equal("503 PAYMENT_PENDING");
    await rig.cancel(header);
    const response = await paying(url, header);
    expect([response.status, paid(response).errorReason]).to.deep.equal([402, "cancelled"]);
  });
});
