import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Hex } from "viem";
import { MIGRATIONS } from "../../../src/provider/gateway/pay/migrations.ts";
import {
  PaymentStore,
  UNANSWERED,
  type NewPayment,
} from "../../../src/provider/gateway/pay/store.ts";

const BOUNDS = {
  ...{ maxPayments: 4, maxPaymentsPerPayer: 4, maxBytes: 1_000 },
  ...{ maxPending: 3, maxPendingPerPayer: 2 },
};

describe("the store of payments", () => {
  let folder: string;
  let store: PaymentStore;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "payments-"));
    store = new PaymentStore(path.join(folder, "payments.sqlite"), BOUNDS);
  });
  afterEach(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });

  const payment = (
    nonce: number,
    over: Partial<NewPayment & { payer: string }> = {},
  ): NewPayment => ({
    key: { asset: "0xa", payer: over.payer ?? "0xb", nonce: `0x${nonce}` as Hex },
    ...{ header: Buffer.from("header"), asked: "GET /", settlement: "none", run: "idle" },
    ...{ endsAt: 100, keepUntil: 1_000, ...over },
  });
  const answer = { status: 200, headers: ["x-a", "b"], body: Buffer.alloc(600, "x") };

  it("keeps what it was told, for another process, too", async () => {
    const { key } = payment(1);
    expect(await store.add(payment(1), 0)).to.equal(undefined);
    await store.update(key, {
      ...{ settlement: "paid", run: "answered", transaction: "0x12", answer },
      digest: Buffer.from("digest"),
    });
    const other = new PaymentStore(path.join(folder, "payments.sqlite"), BOUNDS);
    const found = other.find(key);
    other.close();
    expect(found).to.deep.include({ settlement: "paid", run: "answered", transaction: "0x12" });
    expect(found?.answer).to.deep.equal(answer);
    expect(Buffer.from(found?.digest ?? []).toString()).to.equal("digest");
  });

  it("adds a payment once, whoever is faster", async () => {
    const other = new PaymentStore(path.join(folder, "payments.sqlite"), BOUNDS);
    const both = await Promise.all([store.add(payment(1), 0), other.add(payment(1), 0)]);
    other.close();
    expect(both.filter((refusal) => refusal === "known")).to.have.length(1);
  });

  it("bounds what is pending, for each payer and in all, until it cannot be settled any more", async () => {
    expect(await store.add(payment(1), 0)).to.equal(undefined);
    expect(await store.add(payment(2), 0)).to.equal(undefined);
    expect(await store.add(payment(3), 0), "the payer's bound").to.equal("pending");
    expect(await store.add(payment(4, { payer: "0xc" }), 0)).to.equal(undefined);
    expect(await store.add(payment(5, { payer: "0xd" }), 0), "the bound of all").to.equal(
      "pending",
    );
    await store.update(payment(1).key, { settlement: "paid" });
    expect(await store.add(payment(6), 0)).to.equal(undefined);
  });

  it("evicts nothing before its time: full, it takes no new payment", async () => {
    for (const nonce of [1, 2, 3, 4]) {
      const paid = payment(nonce, { settlement: "paid", keepUntil: 500 + nonce });
      expect(await store.add(paid, 0)).to.equal(undefined);
    }
    expect(await store.add(payment(5), 500)).to.equal("full");
    expect(store.find(payment(1).key)).not.to.equal(undefined);
    expect(await store.add(payment(5), 502)).to.equal(undefined);
    expect(store.find(payment(1).key)).to.equal(undefined);
    expect(store.find(payment(2).key)).not.to.equal(undefined);
  });

  it("keeps a part of the payments for other payers", async () => {
    const other = new PaymentStore(":memory:", { ...BOUNDS, maxPaymentsPerPayer: 2 });
    const paid = (nonce: number, payer: string) =>
      payment(nonce, { settlement: "paid", keepUntil: 100 + nonce, payer });
    for (const nonce of [1, 2]) await other.add(paid(nonce, "0xb"), 0);
    expect([other.hasRoom("0xb", 0), other.hasRoom("0xc", 0)]).to.deep.equal([false, true]);
    expect(await other.add(paid(3, "0xb"), 0)).to.equal("full");
    expect(await other.add(paid(4, "0xc"), 0)).to.equal(undefined);
    // Its own payments make room when they are old enough.
    expect(other.hasRoom("0xb", 102)).to.equal(true);
    expect(await other.add(paid(5, "0xb"), 102)).to.equal(undefined);
    expect(other.find(paid(1, "0xb").key)).to.equal(undefined);
    expect(other.find(paid(2, "0xb").key)).not.to.equal(undefined);
    other.close();
  });

  it("counts the payments of a store from before, by payer", async () => {
    const file = path.join(folder, "older.sqlite");
    const older = new DatabaseSync(file);
    older.exec(MIGRATIONS[0]!);
    older.exec("PRAGMA user_version = 1");
    const row = "('0xa', '0xb', ?, x'00', 'GET /', 'paid', 'idle', 0, 500)";
    const insert = older.prepare(
      `INSERT INTO payments (asset, payer, nonce, header, asked, settlement, run, ends_at, keep_until) VALUES ${row}`,
    );
    for (const nonce of ["0x1", "0x2"]) insert.run(nonce);
    older.close();
    const newer = new PaymentStore(file, { ...BOUNDS, maxPaymentsPerPayer: 2 });
    expect([newer.hasRoom("0xb", 0), newer.hasRoom("0xc", 0)]).to.deep.equal([false, true]);
    newer.close();
  });

  it("keeps a payment that was served without its answer, if there is no room for that", async () => {
    for (const nonce of [1, 2, 3]) {
      const served = payment(nonce, { settlement: "paid", run: "answered", answer });
      expect(await store.add(served, 0)).to.equal(undefined);
    }
    expect(store.bytes).to.equal(1_200);
    expect(store.find(payment(3).key)).to.deep.include({ settlement: "paid", run: "sent" });
    expect(store.hasRoom("0xb", 0)).to.equal(true);
    await store.add(payment(4, { settlement: "paid", run: "answered", answer }), 0);
    expect(store.hasRoom("0xb", 0)).to.equal(false);
    expect(store.hasRoom("0xb", 1_001)).to.equal(true);
  });

  it("bounds the bytes of kept answers", async () => {
    for (const nonce of [1, 2]) {
      await store.add(payment(nonce), 0);
      await store.update(payment(nonce).key, { settlement: "paid", run: "answered", answer });
    }
    expect(store.bytes).to.equal(1_200);
    expect(store.keeps(1)).to.equal(false);
    // It is taken, and its answer is not kept.
    expect(await store.add(payment(3, { settlement: "paid", keepUntil: 10 }), 0)).to.equal(
      undefined,
    );
  });

  it("removes no payment that another gateway has given away or whose request has run", async () => {
    for (const [nonce, to] of [
      [1, { settlement: "given" }],
      [2, { run: "begun" }],
    ] as const) {
      await store.add(payment(nonce), 0);
      await store.update(payment(nonce).key, to);
      await store.remove(payment(nonce).key);
      expect(store.find(payment(nonce).key)).not.to.equal(undefined);
    }
  });

  it("lets one of two gateways answer", async () => {
    await store.add(payment(1), 0);
    expect(await store.update(payment(1).key, { run: "begun" }, ["idle"])).to.equal(true);
    expect(await store.update(payment(1).key, { run: "begun" }, ["idle"])).to.equal(false);
    expect(await store.update(payment(1).key, { run: "sent" }, UNANSWERED)).to.equal(true);
    expect(await store.update(payment(1).key, { run: "sent" }, UNANSWERED)).to.equal(false);
  });
});
