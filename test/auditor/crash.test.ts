import { expect } from "chai";
import { decodeFunctionData, parseTransaction, type Hex } from "viem";
import { AuditorStore } from "../../src/auditor/store.ts";
import type { Startable } from "../../src/node/lifecycle.ts";
import { silentLogger } from "../../src/node/logger.ts";
import { proofOfServiceAbi } from "../../src/protocol/abi/proofOfService.ts";
import { AuditorStage } from "../support/auditorStage.ts";
import { Breaker } from "../support/breaker.ts";
import { RpcProxy, type RpcCall } from "../support/rpcProxy.ts";
import { until } from "../support/until.ts";

/** What of the store only reads. A method that is not listed is a step at which the power may fail. */
const READS: readonly (keyof AuditorStore)[] = ["round", "unclaimed", "isSent", "close"];

/** An auditor whose power fails once, and who is started again from what its disk holds. */
class Run {
  readonly breaker: Breaker;
  readonly #restarted = new Breaker();
  /** Commitments sent, by epoch. */
  readonly commitments = new Map<number, Set<string>>();
  readonly #stage: AuditorStage;
  #proxy: RpcProxy;
  #worker: Startable | undefined;
  #supervisor: Promise<void> = Promise.resolve();

  constructor(stage: AuditorStage, at?: string) {
    this.#stage = stage;
    this.breaker = new Breaker(at);
    this.#proxy = new RpcProxy(stage.anvil.rpcUrl);
  }

  get hasPruned(): boolean {
    return [this.breaker, this.#restarted].some(({ steps }) => steps.includes("after prune #1"));
  }

  async start(): Promise<void> {
    await this.#boot(this.breaker);
    this.#supervisor = this.breaker.tripped.then(async () => {
      await this.#halt();
      this.#proxy = new RpcProxy(this.#stage.anvil.rpcUrl);
      await this.#boot(this.#restarted);
    });
  }

  async stop(): Promise<void> {
    if (this.breaker.hasTripped) await this.#supervisor;
    await this.#halt();
  }

  async #boot(breaker: Breaker): Promise<void> {
    const proxy = this.#proxy;
    proxy.before = (call) => {
      if (call.method !== "eth_sendRawTransaction") return;
      this.#guarded(proxy, () => {
        breaker.step(`before sending ${this.#note(call)}`);
      });
    };
    proxy.after = async (call) => {
      if (call.method !== "eth_sendRawTransaction") return;
      // The node has it, and the auditor has no answer: it waits in the pool when the power fails here.
      this.#guarded(proxy, () => {
        breaker.step(`after sending ${nameOf(call)}`);
      });
      await this.#stage.mine();
      this.#guarded(proxy, () => {
        breaker.step(`after mining ${nameOf(call)}`);
      });
    };
    await proxy.start();
    const worker = this.#stage.createAuditor([proxy.url], {
      log: silentLogger,
      openStore: (file) => breaker.wrap(new AuditorStore(file), READS),
    });
    this.#worker = worker;
    await worker.start();
  }

  /** With the power the connection is gone. */
  #guarded(proxy: RpcProxy, step: () => void): void {
    try {
      step();
    } catch (error) {
      proxy.fail("cut");
      throw error;
    }
  }

  async #halt(): Promise<void> {
    this.#proxy.fail("cut");
    await this.#worker?.stop();
    await this.#proxy.stop();
  }

  #note(call: RpcCall): string {
    const { functionName, args } = decode(call);
    if (functionName === "commit") {
      const [, epoch, commitment] = args as unknown as [string, number, string];
      const sent = this.commitments.get(epoch) ?? new Set();
      this.commitments.set(epoch, sent.add(commitment));
    }
    return functionName;
  }
}

function decode({ params }: RpcCall) {
  const { data } = parseTransaction(params[0] as Hex);
  return decodeFunctionData({ abi: proofOfServiceAbi, data: data! });
}

const nameOf = (call: RpcCall): string => decode(call).functionName;

describe("an auditor whose power fails", function () {
  this.timeout(1_200_000);

  let stage: AuditorStage;

  before(async () => {
    stage = await AuditorStage.start();
  });
  after(() => stage?.stop());

  /** One round from its draw to the note that nothing of it is left to claim. */
  async function live(at?: string): Promise<Run> {
    await stage.reset();
    const { first } = stage;
    const round = (epoch = first) => stage.round(epoch);
    const noted = () => {
      const store = new AuditorStore(stage.storeFile);
      try {
        return !store.unclaimed(0, first).includes(first);
      } finally {
        store.close();
      }
    };

    const run = new Run(stage, at);
    await stage.jump(first, 0);
    await run.start();
    try {
      await until("it has committed", async () => (await round()).committed);
      await stage.jump(first, 0.3);
      await until("its seed is proven", () => stage.hasSeed(first));
      await stage.jump(first, 0.42);
      await until("it has looked what is to be earned", async () => run.hasPruned);
      for (const [later, what, holds] of [
        [first + 1, "it has revealed", async () => (await round()).revealed],
        [first + 2, "it has claimed", async () => (await round()).claimed],
        [first + 3, "it has noted that", async () => noted()],
      ] as const) {
        await stage.jump(later, 0);
        await until("it has committed to the next", async () => (await round(later)).committed);
        await stage.jump(later, 0.3);
        await until("the next seed is proven", () => stage.hasSeed(later));
        await stage.jump(later, 0.42);
        await until(what, holds);
      }
    } finally {
      await run.stop();
    }
    return run;
  }

  it("loses no round and contradicts none of its commitments, wherever it fails", async () => {
    const { breaker } = await live();
    const steps = breaker.steps.filter((step) => !step.includes("close"));
    expect(steps).to.include.members([
      "before save #1",
      "before markSent #1",
      "after sending commit #1",
      "after sending tryMulticall #1",
      "before markClaimed #1",
    ]);
    for (const step of steps) {
      const run = await live(step).catch((error: unknown) => {
        throw new Error(`failed at ${step}`, { cause: error });
      });
      expect(run.breaker.hasTripped, step).to.equal(true);
      for (const [epoch, sent] of run.commitments) {
        expect(sent.size, `${step}: commitments to ${epoch}`).to.equal(1);
      }
    }
  });
});
