import { erc20Abi, parseEther } from "viem";
import { Challenges } from "../../src/chain/challenges.ts";
import { createChainClient } from "../../src/chain/client.ts";
import { ChainClock } from "../../src/chain/clock.ts";
import { Seeds } from "../../src/chain/seeds.ts";
import { tickOf } from "../../src/chain/ticks.ts";
import type { Call } from "../../src/chain/transactions/call.ts";
import type { FeePolicy } from "../../src/chain/transactions/fees.ts";
import { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { silentLogger, type Logger } from "../../src/node/logger.ts";
import { challengeBookAbi } from "../../src/protocol/abi/challengeBook.ts";
import { ChallengeResponder } from "../../src/provider/duties/challengeResponder.ts";
import { fastTimers, keys, type AuditorStage } from "./auditorStage.ts";

/** A stage on which a stranger challenges a service. */
export class ChallengedStage {
  readonly #stage: AuditorStage;

  constructor(stage: AuditorStage) {
    this.#stage = stage;
  }

  get challenges(): Challenges {
    return new Challenges(this.#stage.client, this.#stage.deployment);
  }

  /** The stranger opens a challenge in the stage's first epoch. */
  async challenge(service: bigint): Promise<void> {
    const { token, challengeBook } = this.#stage.deployment.contracts;
    await this.#stage.jump(this.#stage.first, 0);
    const args = [challengeBook, parseEther("50")];
    await this.act({ address: token, abi: erc20Abi, functionName: "approve", args });
    const book = { address: challengeBook, abi: challengeBookAbi };
    await this.act({ ...book, functionName: "challenge", args: [service] });
  }

  /** Records the next epoch's seed, from which the question and the window follow. */
  async ask(): Promise<void> {
    const { client, deployment, first } = this.#stage;
    const epoch = first + 1;
    await this.#stage.jump(epoch, 0);
    const head = { number: await client.getBlockNumber() };
    const tick = await tickOf({ deployment, seeds: new Seeds(client, deployment) }, epoch, head);
    await this.act(tick.call);
  }

  /** Starts what answers for the service, behind an endpoint; each call is another process. Returns its stop. */
  async startResponder(
    number: bigint,
    rpcUrl: string,
    { log, fees = {} }: { log: Logger; fees?: FeePolicy },
  ): Promise<() => Promise<void>> {
    const { deployment } = this.#stage;
    const { chainId, genesis, epochSeconds } = deployment;
    const { key } = keys.provider;
    const timers = fastTimers;
    const client = createChainClient([rpcUrl], chainId, { timers });
    const time = new ChainClock({ timing: { genesis, epochSeconds } }, { client, timers, log });
    await time.start();
    const sender = new TransactionSender(
      { rpcUrls: [rpcUrl], chainId, key, fees },
      { client, log, timers },
    );
    const challenges = new Challenges(client, deployment);
    const responder = new ChallengeResponder(
      { number, keys: [key] },
      { deployment, challenges, sender, time, timers, log },
    );
    await responder.start();
    return async () => {
      await responder.stop();
      await time.stop();
    };
  }

  /** How many transactions of the provider to the challenge book are in blocks. */
  async answers(): Promise<number> {
    const { client, deployment } = this.#stage;
    const book = deployment.contracts.challengeBook.toLowerCase();
    const provider = keys.provider.address.toLowerCase();
    let count = 0;
    const head = await client.getBlockNumber();
    for (let number = 1n; number <= head; number++) {
      const block = await client.getBlock({ blockNumber: number, includeTransactions: true });
      count += block.transactions.filter(({ from, to }) => from === provider && to === book).length;
    }
    return count;
  }

  /** A stranger's call, mined at once. */
  async act(call: Call): Promise<void> {
    const { anvil, client, deployment } = this.#stage;
    const sender = new TransactionSender(
      { rpcUrls: [anvil.rpcUrl], chainId: deployment.chainId, key: keys.treasury.key },
      { client, log: silentLogger, timers: fastTimers },
    );
    let isDone = false;
    const sending = sender.send(call).finally(() => (isDone = true));
    await this.#stage.mineUntil("the stranger's call is mined", () => isDone);
    await sending;
  }
}
