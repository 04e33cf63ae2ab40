import { expect } from "chai";
import { once } from "node:events";
import { FreeAllowance } from "../../../src/cashier/allowance.ts";
import { SharedCollector } from "../../../src/cashier/shared/sharedCollector.ts";
import { systemScheduler } from "../../../src/node/scheduler.ts";
import type { BlockcloudError } from "../../../src/protocol/errors.ts";
import { Payer } from "../../../src/sal/pay/payer.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import { PayRig, PRICE, WINDOW, type CollectorLife } from "../../cashier/rig/payRig.ts";
import { ProviderRig } from "../../support/providerRig.ts";
import { rejection } from "../../support/rejection.ts";
import { until } from "../../support/until.ts";
import { ECHO, HandoffRig, type PresencePay } from "./rig.ts";

const MIB = 1024 * 1024;

describe("a paid flow whose process is replaced", () => {
  let rig: HandoffRig;
  let upstreams: ProviderRig;
  let upstream: URL;
  let books: PayRig;
  /** The collectors of all processes, and which of them keep the books. */
  let lives: CollectorLife[];
  let keepers: number;
  let commits: NodeJS.Timeout;

  beforeEach(async () => {
    rig = new HandoffRig();
    upstreams = new ProviderRig();
    ({ url: upstream } = await upstreams.upstream((_, response) => response.end("sunny")));
    books = new PayRig();
    lives = [];
    keepers = 0;
    // The disk of these collectors works when it is told to.
    commits = setInterval(() => {
      for (const life of lives) life.commit();
    }, 5);
  });
  afterEach(async () => {
    clearInterval(commits);
    await rig.stop();
    await upstreams.close();
  });

  /** The payments of one more process, with the books that the others have used before. */
  const pay: PresencePay = () => {
    keepers += 1;
    expect(keepers, "processes that keep the books").to.equal(1);
    const life = books.collect({ number: 7n });
    lives.push(life);
    const shared = new SharedCollector(life.collector, systemScheduler);
    const allowance = new FreeAllowance({ bytes: 0, requests: 0 }, () => 1);
    return {
      pricing: { collector: shared, allowance },
      payments: undefined,
      books: shared,
      giveUp: (held) =>
        shared.giveUp(held, () => {
          keepers -= 1;
        }),
    };
  };

  /** Sends so much through the echo, and waits until all of it has come back. */
  async function uses(flow: Flow, bytes: number): Promise<void> {
    const end = flow.bytesRead + bytes;
    for (let left = bytes; left > 0; left -= 65_536) {
      if (!flow.write(Buffer.alloc(Math.min(left, 65_536)))) await once(flow, "drain");
    }
    await until("all has come back", () => flow.bytesRead >= end);
  }

  /** A process that serves for pay, and a client's flow that has sent so much through it. */
  async function paying(bytes: number) {
    await rig.start(upstream, pay);
    const { client } = rig.user({ payer: new Payer({ wallet: books.pay() }) });
    const flow = await client.connect("service", ECHO);
    flow.resume();
    await uses(flow, bytes);
    return { client, flow };
  }

  it("goes on, and is charged once for each byte, beside a new flow in the new process", async () => {
    const { client, flow } = await paying(3 * MIB);
    let used = 3 * MIB;
    const others: Flow[] = [];
    for (let deployment = 1; deployment <= 3; deployment++) {
      await rig.start(upstream, pay);
      await uses(flow, 5 * MIB);
      const another = await client.connect("service", ECHO);
      another.resume();
      others.push(another);
      await uses(another, 2 * MIB);
      await uses(flow, 2 * MIB);
      used += 9 * MIB;
    }
    for (const each of [flow, ...others]) each.end();
    const cost = PRICE.perByte * BigInt(2 * used);
    const charged = () => [...(lives.at(-1)?.collector.tabs ?? [])].map((tab) => tab.charged);
    await until("the books have it all", () => charged()[0] === cost);
    expect(charged()).to.deep.equal([cost]);
    const paid = () => [...(lives.at(-1)?.collector.tabs ?? [])][0]?.paid ?? 0n;
    // What is left when all flows are over, is told and paid.
    await until("it is paid", () => cost - paid() <= WINDOW);
    client.close();
  });

  it("is charged by the one of two processes that wins its place, whichever asked last", async () => {
    const { client, flow } = await paying(3 * MIB);
    const starts = [rig.start(upstream, pay), rig.start(upstream, pay)];
    const outcomes = await Promise.allSettled(starts);
    const failures = outcomes.filter((each) => each.status === "rejected");
    expect(failures.map(({ reason }) => (reason as BlockcloudError).code)).to.deep.equal([
      "WORKER_RUNNING",
    ]);
    // More than the share of the tab that the old process had when the books changed hands.
    await uses(flow, 5 * MIB);
    const another = await client.connect("service", ECHO);
    another.resume();
    await uses(another, MIB);
    for (const each of [flow, another]) each.end();
    const cost = PRICE.perByte * BigInt(2 * 9 * MIB);
    const charged = () => [...(lives.at(-1)?.collector.tabs ?? [])].map((tab) => tab.charged);
    await until("the books of the winner have it all", () => charged()[0] === cost);
    expect(lives).to.have.lengthOf(2);
    client.close();
  });

  it("goes on within the free allowance, which its peer has once, however many processes serve it", async () => {
    const free: PresencePay = () => {
      const paid = pay();
      const allowance = new FreeAllowance({ bytes: 4 * MIB, requests: 3 }, () => 1);
      return { ...paid, pricing: { ...paid.pricing, allowance } };
    };
    await rig.start(upstream, free);
    const { client } = rig.user();
    const flow = await client.connect("service", ECHO);
    flow.on("error", () => {});
    flow.resume();
    await uses(flow, MIB / 4);
    for (let deployment = 1; deployment <= 2; deployment++) {
      await rig.start(upstream, free);
      await uses(flow, MIB / 4);
      const another = await client.connect("service", ECHO);
      another.resume();
      await uses(another, MIB / 4);
      another.end();
      await once(another, "close");
    }
    await rejection("SAL_UNPAID", client.connect("service", ECHO));
    await uses(flow, MIB / 4);
    client.close();
  });
});
