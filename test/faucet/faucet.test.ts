import { expect } from "chai";
import { parseEther, type Address, type Hex, type TransactionReceipt } from "viem";
import type { Call, EtherTransfer } from "../../src/chain/transactions/call.ts";
import { parseCidr } from "../../src/net/cidr.ts";
import { createFaucet, type FaucetOptions } from "../../src/faucet/createFaucet.ts";
import { Faucet, type FaucetDependencies, type FaucetLimits } from "../../src/faucet/faucet.ts";
import { FaucetFront } from "../../src/faucet/front.ts";
import { FaucetStore } from "../../src/faucet/store.ts";
import { createMetrics } from "../../src/node/metrics.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { expectCode } from "../support/expectCode.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { FakeTimers } from "../support/fakeTime.ts";
import { ask } from "../support/httpClient.ts";
import { MemoryLog } from "../support/memoryLog.ts";

const HOUR = 3_600_000;
const START = 1_700_000_000_000;
const FAUCET: Address = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const receiver = (n: number): Address => `0x${n.toString(16).padStart(40, "a1")}`;

const LIMITS: FaucetLimits = {
  gift: { bloc: parseEther("100"), ether: parseEther("0.1") },
  daily: { bloc: parseEther("400"), ether: parseEther("1") },
  waitMs: 12 * HOUR,
  giftsPerPeer: 2,
};

describe("a faucet", () => {
  let now: number;
  let log: MemoryLog;
  let store: FaucetStore;
  let sent: (Call | EtherTransfer)[];
  let failing: Error | undefined;
  let held: { bloc: bigint; ether: bigint };
  let code: Hex | undefined;
  /** Set, transactions wait for it. */
  let gate: Promise<void> | undefined;
  let faucet: Faucet;
  let front: FaucetFront;
  let port: number;

  beforeEach(async () => {
    [now, log, store, sent] = [START, new MemoryLog(), new FaucetStore(":memory:"), []];
    [failing, code, gate] = [undefined, undefined, undefined];
    held = { bloc: parseEther("1000000"), ether: parseEther("10") };
    await serve(LIMITS);
  });
  afterEach(async () => {
    await front.stop();
    store.close();
  });

  async function serve(limits: FaucetLimits): Promise<void> {
    const client = {
      getCode: async () => code,
      getBalance: async () => held.ether,
      getGasPrice: async () => 1_000_000_000n,
      readContract: async () => held.bloc,
    } as unknown as FaucetDependencies["client"];
    const sender = {
      address: FAUCET,
      send: async (call: Call | EtherTransfer) => {
        await gate;
        if (failing !== undefined) throw failing;
        sent.push(call);
        return { transactionHash: `0x${String(sent.length).padStart(64, "0")}` };
      },
    } as { address: Address; send(call: Call | EtherTransfer): Promise<TransactionReceipt> };
    faucet = new Faucet(limits, {
      ...{ client, sender, store, log, deployment: DEPLOYMENT },
      now: () => now,
    });
    front = new FaucetFront(
      {
        listen: { host: "127.0.0.1", port: 0 },
        trustedProxies: [parseCidr("127.0.0.9")!],
        ...{ maxConnections: 0, maxConnectionsPerPeer: 0, keepAliveMs: 1_000 },
        ...{ maxUnread: 0, maxUnreadPerPeer: 0 },
        chainId: DEPLOYMENT.chainId,
      },
      { faucet, log },
    );
    await front.start();
    ({ port } = front.address);
  }

  /** Asks over HTTP from an address of 127.0.0.0/8. */
  async function gift(to: string, from = "127.0.0.1", headers: Record<string, string> = {}) {
    const body = Buffer.from(JSON.stringify({ address: to }));
    const answer = await ask({ port, method: "POST", path: "/v1/gifts", body, from, headers });
    const json = JSON.parse(answer.body.toString()) as Record<string, unknown>;
    return { status: answer.status, json, retry: Number(answer.headers["retry-after"]) };
  }

  it("sends BLOC and ether, each once, and says in which transactions", async () => {
    const { status, json } = await gift(receiver(1).toLowerCase());
    expect(status).to.equal(200);
    expect(json).to.deep.include({
      bloc: LIMITS.gift.bloc.toString(),
      ether: LIMITS.gift.ether.toString(),
    });
    expect(json.transactions).to.have.length(2);
    expect(sent.map(({ functionName }) => functionName)).to.deep.equal(["transfer", "sendEther"]);
    expect(sent[1]).to.include({ value: LIMITS.gift.ether });
  });

  it("gives an address one gift in the time, whoever asks, and says when the next one is due", async () => {
    expect((await gift(receiver(1))).status).to.equal(200);
    now += HOUR;
    const again = await gift(receiver(1).toLowerCase(), "127.0.0.2");
    expect([again.status, again.json.code]).to.deep.equal([429, "GIFTS_EXCEEDED"]);
    expect(again.retry).to.equal((11 * HOUR) / 1000);
    now += 11 * HOUR;
    expect((await gift(receiver(1))).status).to.equal(200);
  });

  it("gives a client so many gifts in the time, also through a trusted proxy", async () => {
    for (const n of [1, 2]) expect((await gift(receiver(n))).status).to.equal(200);
    expect((await gift(receiver(3))).json.code).to.equal("GIFTS_EXCEEDED");
    const forged = { "X-Forwarded-For": "192.0.2.1" };
    expect((await gift(receiver(3), "127.0.0.1", forged)).status, "a client's own word").to.equal(
      429,
    );
    expect((await gift(receiver(3), "127.0.0.9", forged)).status, "the proxy's word").to.equal(200);
  });

  it("gives so much in a day, and starts again as the oldest gift leaves it", async () => {
    for (const n of [1, 2, 3, 4]) {
      expect((await gift(receiver(n), `127.0.1.${n}`)).status).to.equal(200);
      now += HOUR;
    }
    const { status, json, retry } = await gift(receiver(5));
    expect([status, json.code, retry]).to.deep.equal([503, "FAUCET_DRY", 20 * 3_600]);
    expect(faucet.left).to.deep.equal({ bloc: 0n, ether: parseEther("0.6") });
    now += 20 * HOUR;
    expect((await gift(receiver(5))).status).to.equal(200);
  });

  it("counts gifts that are still being sent", async () => {
    let open = () => {};
    gate = new Promise((resolve) => (open = resolve));
    const gifts = [1, 2, 3, 4, 5, 6].map((n) => gift(receiver(n), `127.0.1.${n}`));
    const twice = [gift(receiver(9), "127.0.2.1"), gift(receiver(9), "127.0.2.2")];
    const refused = await Promise.race([...gifts, ...twice]);
    expect(refused.status).to.be.oneOf([429, 503]);
    open();
    const statuses = (await Promise.all([...gifts, ...twice])).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).to.have.length(4);
    expect(sent.filter(({ functionName }) => functionName === "transfer")).to.have.length(4);
  });

  it("serves so many at a time, and tells the others to come again", async () => {
    await front.stop();
    await serve({ ...LIMITS, daily: { bloc: parseEther("9999"), ether: parseEther("9999") } });
    let open = () => {};
    gate = new Promise((resolve) => (open = resolve));
    const gifts = Array.from({ length: 17 }, (_, n) => gift(receiver(n + 1), `127.0.1.${n + 1}`));
    const first = await Promise.race(gifts);
    expect([first.status, first.json.code]).to.deep.equal([503, "FAUCET_BUSY"]);
    open();
    await Promise.all(gifts);
  });

  it("takes back what was certainly not sent, and counts what may have been", async () => {
    failing = new BlockcloudError("FEE_TOO_HIGH", "Gas is expensive.");
    expect((await gift(receiver(1))).json.code).to.equal("FAUCET_UNSENT");
    expect(faucet.left.bloc).to.equal(LIMITS.daily.bloc);
    failing = new BlockcloudError("TRANSACTION_FAILED", "It was not mined.");
    expect((await gift(receiver(1))).json.code).to.equal("FAUCET_UNSENT");
    expect((await gift(receiver(1))).json.code).to.equal("GIFTS_EXCEEDED");
  });

  it("sends nothing to contracts, the zero address and itself", async () => {
    for (const to of [`0x${"00".repeat(20)}`, FAUCET]) {
      expect((await gift(to)).json.code, to).to.equal("RECEIVER_INVALID");
    }
    code = "0x6000";
    expect((await gift(receiver(1))).json.code).to.equal("RECEIVER_INVALID");
    expect([sent, faucet.left.bloc]).to.deep.equal([[], LIMITS.daily.bloc]);
  });

  it("says that it is empty before it promises, and asks its operator for more", async () => {
    for (const poor of [
      { ...held, bloc: LIMITS.gift.bloc - 1n },
      { ...held, ether: LIMITS.gift.ether },
    ]) {
      held = poor;
      expect((await gift(receiver(1))).json.code).to.equal("FAUCET_EMPTY");
      expect(log.lines.at(-1)).to.deep.include({ level: "warn" });
      expect(log.lines.at(-1)?.fields).to.include({ address: FAUCET });
    }
    expect(faucet.left.bloc).to.equal(LIMITS.daily.bloc);
  });

  it("reads requests strictly", async () => {
    const post = (body: string) =>
      ask({ port, method: "POST", path: "/v1/gifts", body: Buffer.from(body) });
    for (const [body, status] of [
      ["", 400],
      ["[]", 400],
      ['{"address":"0x12"}', 400],
      [`{"address":"${FAUCET.replace("C5", "c5")}"}`, 400],
      [`{"address":"${receiver(1)}","bloc":"9"}`, 400],
      ["x".repeat(2_000), 413],
    ] as const) {
      expect((await post(body)).status, body.slice(0, 60)).to.equal(status);
    }
    for (const [method, path, status, allow] of [
      ["GET", "/v1/gifts", 405, "POST"],
      ["POST", "/v1/faucet", 405, "GET, HEAD"],
      ["GET", "/", 404, undefined],
    ] as const) {
      const answer = await ask({ port, method, path });
      expect([answer.status, answer.headers.allow], path).to.deep.equal([status, allow]);
    }
    expect(sent).to.deep.equal([]);
  });

  it("shows amounts, limits and what is left", async () => {
    await gift(receiver(1));
    const { body } = await ask({ port, path: "/v1/faucet" });
    expect(JSON.parse(body.toString())).to.deep.include({
      ...{ chainId: DEPLOYMENT.chainId, from: FAUCET, waitSeconds: 43_200, giftsPerPeer: 2 },
      left: { bloc: parseEther("300").toString(), ether: parseEther("0.9").toString() },
    });
  });

  it("runs on a test network only, with gifts that its limits allow", () => {
    const make = (more: { chainId?: number; gift?: FaucetLimits["gift"] }) => () => {
      const { chainId = DEPLOYMENT.chainId, gift: one = LIMITS.gift } = more;
      const options = {
        deployment: { ...DEPLOYMENT, chainId },
        rpcUrls: ["http://127.0.0.1:1"],
        key: `0x${"5e".repeat(32)}`,
        stateDir: "/nonexistent",
        limits: { ...LIMITS, gift: one },
      } as unknown as FaucetOptions;
      return createFaucet(options, {
        ...{ timers: new FakeTimers(), log },
        metrics: createMetrics("faucet"),
      });
    };
    expectCode("NO_TEST_CHAIN", make({ chainId: 1 }));
    expectCode("GIFT_INVALID", make({ gift: { bloc: 0n, ether: 0n } }));
    expectCode("GIFT_INVALID", make({ gift: { ...LIMITS.gift, bloc: LIMITS.daily.bloc + 1n } }));
  });
});
