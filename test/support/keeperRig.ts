import { createPublicClient, custom, erc20Abi, type Address, type Hex } from "viem";
import { Challenges } from "../../src/chain/challenges.ts";
import { describeChain, type ChainClient } from "../../src/chain/client.ts";
import type { ChainTime } from "../../src/chain/clock.ts";
import { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { Services } from "../../src/chain/services.ts";
import { CollectDuty } from "../../src/keeper/collectDuty.ts";
import type { Chore, KeeperDuty } from "../../src/keeper/duty.ts";
import { Executor } from "../../src/keeper/executor.ts";
import { FeesDuty, LEAST_FEES } from "../../src/keeper/feesDuty.ts";
import { EventFollower } from "../../src/keeper/follower.ts";
import { LapseDuty } from "../../src/keeper/lapseDuty.ts";
import type { KeeperObserver } from "../../src/keeper/observer.ts";
import { ReportDuty } from "../../src/keeper/reportDuty.ts";
import { ResolveDuty } from "../../src/keeper/resolveDuty.ts";
import { SettleDuty } from "../../src/keeper/settleDuty.ts";
import { KeeperStore } from "../../src/keeper/store.ts";
import { SuspendDuty } from "../../src/keeper/suspendDuty.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import type { AuditedChain } from "./auditedChain.ts";
import { MemoryLog } from "./memoryLog.ts";

/** Sees each request before the node does; may throw in its place. */
export type Intercept = (method: string, params: unknown) => void;

export interface KeeperRigOptions {
  key: Hex;
  /** Wei of ether for one BLOC; by default everything that pays at all pays. */
  blocPriceWei?: bigint;
  unpaidWeiPerDay?: bigint;
  settleAfterEpochs?: number;
  collectFor?: readonly Address[];
  leastFees?: bigint;
  /** Path of the store; in memory by default. */
  file?: string;
  intercept?: Intercept;
}

/** A keeper's parts on a real chain, round by round. */
export class KeeperRig {
  readonly address: Address;
  readonly store: KeeperStore;
  readonly log = new MemoryLog();
  /** What was done, left alone or failed, as the observer hears it. */
  readonly heard: string[] = [];
  readonly #chain: AuditedChain;
  readonly #follower: EventFollower;
  readonly #executor: Executor;
  readonly #duties: readonly KeeperDuty[];
  readonly #killed = new AbortController();
  #now = 0;

  constructor(chain: AuditedChain, options: KeeperRigOptions) {
    this.#chain = chain;
    const { deployment } = chain;
    const { key, intercept, unpaidWeiPerDay = 0n } = options;
    const client = intercept ? watched(chain, intercept) : chain.client;
    this.address = addressOfKey(key);
    this.store = new KeeperStore(options.file ?? ":memory:");
    const { log, store } = this;
    const shared = { client, deployment, store };
    const { chainId } = deployment;
    const { rpcUrl } = chain.stage.devnet;
    const observer: KeeperObserver = {
      done: (duty) => this.heard.push(`done ${duty}`),
      lost: (duty) => this.heard.push(`lost ${duty}`),
      skipped: (duty) => this.heard.push(`skipped ${duty}`),
      failed: (duty) => this.heard.push(`failed ${duty}`),
      followed: () => undefined,
    };
    this.#follower = new EventFollower({ ...shared, observer, log });
    this.#executor = new Executor(
      { blocPriceWei: options.blocPriceWei ?? 10n ** 18n, unpaidWeiPerDay },
      {
        ...shared,
        sender: new TransactionSender({ rpcUrls: [rpcUrl], chainId, key }, { client, log }),
        time: { now: () => this.#now } as ChainTime,
        observer,
        log,
      },
    );
    const keeper = this.address;
    const afterEpochs = options.settleAfterEpochs ?? 48;
    const challenges = new Challenges(client, deployment);
    this.#duties = [
      new ReportDuty({ keeper }, shared),
      new ResolveDuty({ keeper }, { challenges, deployment, store }),
      new SuspendDuty({ client, deployment, services: new Services(client, deployment) }),
      new LapseDuty({ keeper }, shared),
      new SettleDuty({ keeper, afterEpochs }, shared),
      new CollectDuty({ auditors: options.collectFor ?? [] }, shared),
      new FeesDuty({ least: options.leastFees ?? LEAST_FEES }, shared),
    ];
  }

  /** Reads events and does all that is due, once; without names, of every duty. */
  async round(...names: string[]): Promise<void> {
    const moment = await this.#chain.moment();
    this.#now = moment.timestamp;
    while (!(await this.#follower.follow(moment.number, this.#killed.signal)));
    for (const duty of this.#duties) {
      if (names.length > 0 && !names.includes(duty.name)) continue;
      await duty.run(
        moment,
        (chores) => this.#executor.offer(chores, this.#killed.signal),
        this.#killed.signal,
      );
    }
  }

  /** Offers chores that a test made. */
  offer(chores: readonly Chore[]): Promise<void> {
    return this.#executor.offer(chores, this.#killed.signal);
  }

  /** Ends whatever it is at, as the end of its process would. */
  kill(): void {
    this.#killed.abort(new Error("killed"));
  }

  /** BLOC that the keeper holds, wei. */
  balance(): Promise<bigint> {
    return this.#chain.client.readContract({
      address: this.#chain.deployment.contracts.token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [this.address],
    });
  }
}

/** A client of the same node whose requests are seen first. */
function watched(chain: AuditedChain, intercept: Intercept): ChainClient {
  const forward = chain.client.request as (call: object) => Promise<unknown>;
  return createPublicClient({
    chain: describeChain(chain.deployment.chainId),
    transport: custom(
      {
        request: async ({ method, params }: { method: string; params?: unknown }) => {
          intercept(method, params);
          return forward({ method, params });
        },
      },
      { retryCount: 0 },
    ),
    pollingInterval: 50,
    cacheTime: 0,
  });
}
