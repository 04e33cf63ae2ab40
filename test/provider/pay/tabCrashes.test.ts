import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { encodeTabPayment } from "../../../src/cashier/tabPayment.ts";
import type { PayerTab } from "../../../src/cashier/tabs.ts";
import { encodeField } from "../../../src/protocol/x402.ts";
import { committed, payer, PayRig, type CollectorLife } from "../../cashier/rig/payRig.ts";
import { Crash, stepByStore } from "../../support/crashes.ts";
import { offered, paying } from "../../support/payRig.ts";
import { TabRig } from "../../support/tabRig.ts";

const REQUEST = 10n ** 14n;
const PRICE = { perByte: 0n, perRequest: REQUEST, perSecond: 0n };
/** Two tranches of 16 requests. */
const WINDOW = 32n * REQUEST;

/** What a payer asks for; each is asked for again until it is answered. */
const REQUESTS = [
  { method: "GET", path: "/a" },
  { method: "POST", path: "/buy", body: "one" },
  { method: "GET", path: "/b" },
] as const;

/** A payer and a gateway with its collector. Disks outlive processes. */
class Story {
  readonly tabs = new PayRig();
  readonly rig = new TabRig("0.0001/request");
  readonly folder = mkdtempSync(path.join(tmpdir(), "tab-crashes-"));
  /** How often each request ran at the upstream. */
  readonly runs = new Map<string, number>();
  gateway: Crash;
  #life!: CollectorLife;
  #url = "";
  #ours!: PayerTab;
  #ids = 0;

  constructor(gateway: Crash) {
    this.gateway = gateway;
    const disk = this.tabs.collectorDisk;
    const commit = disk.commit.bind(disk);
    disk.commit = (...args) => {
      const { gateway: now } = this;
      if (now.reaches("before commit")) throw new Error("the process has ended");
      commit(...args);
      if (now.reaches("after commit")) throw new Error("the process has ended");
    };
  }

  readonly #upstream: RequestListener = (request, response) => {
    request.resume();
    request.on("end", () => {
      const name = `${request.method} ${request.url}`;
      this.runs.set(name, (this.runs.get(name) ?? 0) + 1);
      void this.gateway.step("the upstream ran").then(() => response.end(`sunny ${name}`));
    });
  };

  async begin(): Promise<void> {
    this.#life = this.tabs.collect({ price: PRICE });
    this.#url = await this.rig.serve(this.#upstream, {
      collector: this.#life.collector,
      now: () => this.tabs.time.now() * 1000,
      storeFile: path.join(this.folder, "payments.sqlite"),
    });
  }

  /** The gateway's process has ended; another one begins with its disks. */
  async #restart(): Promise<void> {
    this.#life.crash();
    this.gateway = new Crash();
    await this.rig.close();
    await this.begin();
  }

  startPayer(): void {
    this.#ours = undefined as never;
  }

  async #pay(due: bigint): Promise<ReturnType<typeof encodeTabPayment>> {
    this.#ours ??= await this.tabs.pay().tabFor(this.#life.collector.quote());
    const { authorization, signature, salt } = this.#ours;
    this.#ids += 1;
    return encodeTabPayment({
      opening: { authorization, signature, salt },
      voucher: await this.#ours.pay(due),
      requestId: `0x${String(this.#ids).padStart(64, "0")}`,
    });
  }

  /** Asks with one payment until there is an answer; its status. */
  async ask(request: (typeof REQUESTS)[number], due: bigint): Promise<number> {
    let header: string | undefined;
    for (let tries = 0; tries < 4; tries += 1) {
      const url = `${this.#url}${request.path}`;
      const init = { method: request.method, ...("body" in request && { body: request.body }) };
      const attempt = async () => {
        header ??= encodeField({
          ...{ x402Version: 2, accepted: offered(await fetch(url, init)).accepts[0] },
          payload: await this.#pay(due),
        });
        return (await paying(url, header, init)).status;
      };
      const going = attempt().catch(() => undefined);
      const ended = this.gateway.ended.then(() => undefined);
      const status = await this.#during(Promise.race([going, ended]));
      if (status === 402) {
        // As the plugin does: after a restart any voucher may be public, so the payer signs one above it.
        header = undefined;
        due = this.signed + 1n;
        continue;
      }
      if (status !== undefined && status !== 503) return status;
      if (this.gateway.isOver) await this.#restart();
      await going;
    }
    throw new Error("never answered");
  }

  get tab() {
    return this.#life.collector.find(payer, this.#ours.tab);
  }

  get signed(): bigint {
    return this.#ours.cumulative;
  }

  async #during<T>(promise: Promise<T>): Promise<T> {
    return committed(this.#life, promise);
  }

  async stop(): Promise<void> {
    this.gateway = new Crash();
    await this.rig.close();
    rmSync(this.folder, { recursive: true });
  }
}

describe("requests that are paid by tab, when the gateway's process ends at any step", function () {
  this.timeout(120_000);

  let story: Story;
  let undo: () => void;
  before(() => {
    undo = stepByStore(() => story.gateway);
  });
  after(() => {
    undo();
  });

  /** Asks for all, and checks what each side has lost; the payer's process may end after each request. */
  async function play(at: number, payerEnds: boolean): Promise<string[]> {
    const crash = new Crash(at);
    story = new Story(crash);
    const name = at < 0 ? "no step" : `step ${at}`;
    try {
      await story.begin();
      const statuses: number[] = [];
      for (const [index, request] of REQUESTS.entries()) {
        if (payerEnds) story.startPayer();
        statuses.push(await story.ask(request, BigInt(index + 1) * REQUEST));
      }
      const where = `${name} (${crash.steps.at(-1) ?? ""})`;
      const crashes = crash.isOver ? 1n : 0n;
      const [first, effect, last] = statuses;
      expect([first, last], where).to.deep.equal([200, 200]);
      // It may have run before the end, and its answer is lost then: it never runs twice.
      expect(effect, where).to.be.oneOf(crash.isOver ? [200, 409] : [200]);
      expect(story.runs.get("POST /buy") ?? 0, where).to.be.within(effect === 200 ? 1 : 0, 1);
      const { charged, paid } = story.tab!;
      const all = BigInt(REQUESTS.length);
      // The payer: each request is charged once at most. The collector: at most one request is not charged.
      expect(charged <= all * REQUEST, `${where}: ${charged}`).to.equal(true);
      expect(charged >= (all - crashes) * REQUEST, `${where}: ${charged}`).to.equal(true);
      expect(paid >= charged, where).to.equal(true);
      // A wallet writes ahead by a window; each end of its process may cost one, as a credit at the collector.
      const windows = payerEnds ? BigInt(REQUESTS.length - 1) : 1n;
      expect(paid - charged <= windows * WINDOW, `${where}: ${paid} paid`).to.equal(true);
      return crash.steps;
    } finally {
      await story.stop();
    }
  }

  for (const payerEnds of [false, true]) {
    it(`lose at most what is open${payerEnds ? ", also when the payer's process ends after each request" : ""}`, async () => {
      const steps = await play(-1, payerEnds);
      expect(steps).to.include.members([
        ...["before add", "after add", "before commit", "after commit", "the upstream ran"],
        ...["before update", "after update"],
      ]);
      for (const at of steps.keys()) await play(at, payerEnds);
    });
  }
});
