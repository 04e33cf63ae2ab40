import { encodeEventTopics, formatLog, parseEventLogs, type Hex } from "viem";
import type { ChainClient } from "../chain/client.ts";
import type { Deployment } from "../chain/deployment.ts";
import { readServed, type BlockRange } from "../chain/logs.ts";
import type { Logger } from "../node/logger.ts";
import { challengeBookAbi } from "../protocol/abi/challengeBook.ts";
import { proofOfServiceAbi } from "../protocol/abi/proofOfService.ts";
import { serviceRegistryAbi } from "../protocol/abi/serviceRegistry.ts";
import { settlementAbi } from "../protocol/abi/settlement.ts";
import { stakingAbi } from "../protocol/abi/staking.ts";
import type { KeeperObserver } from "./observer.ts";
import type { KeeperStore } from "./store.ts";

/** Number of blocks that are read again each time, because a reorganisation may have changed them. */
const REORG_BLOCKS = 64n;
/** Maximum number of ranges of history that one call reads. */
const PIECES = 32;

const abi = [
  ...proofOfServiceAbi,
  ...settlementAbi,
  ...challengeBookAbi,
  ...serviceRegistryAbi,
  ...stakingAbi,
];
const names = [
  "ChallengeOpened",
  "ChallengeAnswered",
  "ChallengeUnanswered",
  "ChallengeAnnulled",
  "Committed",
  "Reported",
  "Revealed",
  "TipRegistered",
  "AuditorEnrolled",
  "AuditorLapsed",
  "ServiceRegistered",
  "Settled",
  "ActivityChanged",
  "SlotReleased",
] as const;
const topics: Hex[] = names.map((eventName) => encodeEventTopics({ abi: [...abi], eventName })[0]);

export interface FollowerDependencies {
  client: ChainClient;
  deployment: Deployment;
  store: KeeperStore;
  observer: Pick<KeeperObserver, "followed">;
  log: Logger;
}

/** Writes the chain's events to a store, from the deployment's first block on. */
export class EventFollower {
  readonly #client: ChainClient;
  readonly #deployment: Deployment;
  readonly #store: KeeperStore;
  readonly #observer: Pick<KeeperObserver, "followed">;
  readonly #log: Logger;

  constructor(dependencies: FollowerDependencies) {
    this.#client = dependencies.client;
    this.#deployment = dependencies.deployment;
    this.#store = dependencies.store;
    this.#observer = dependencies.observer;
    this.#log = dependencies.log;
  }

  /**
   * Continues from the cursor, and reads again the blocks that a reorganisation may have changed. Each range and
   * its cursor are written together.
   *
   * @returns Whether it has caught up with `head`; if not, the next call continues.
   */
  async follow(head: bigint, signal: AbortSignal): Promise<boolean> {
    const client = this.#client;
    const deployment = this.#deployment;
    const store = this.#store;
    const observer = this.#observer;
    const log = this.#log;
    const first = BigInt(deployment.block);
    const known = store.cursor();
    // If the endpoint lags behind or the chain got shorter, the cursor goes back.
    const last = known !== undefined && known > head ? head : known;
    const from = last === undefined ? first : last + 1n - REORG_BLOCKS;
    const range = { from: from > first ? from : first, to: head };
    let pieces = 0;
    const gone = (oldest: bigint) => {
      log.warn("the endpoint has dropped older events, so chores from them stay unknown", {
        fromBlock: oldest,
      });
    };
    const read = (piece: BlockRange) => readEvents(client, deployment, piece);
    for await (const { to, value } of readServed(range, read, gone, { signal })) {
      store.atomically(() => {
        for (const event of value) this.#apply(event);
        store.setCursor(to);
      });
      observer.followed(to);
      pieces += 1;
      if (to < head && pieces === PIECES) {
        log.info("reading the chain's history", { block: to, head });
        return false;
      }
    }
    return true;
  }

  #apply(event: KeeperEvent): void {
    const store = this.#store;
    switch (event.eventName) {
      case "ChallengeOpened":
        store.addChallenge(event.args.id);
        break;
      case "ChallengeAnswered":
      case "ChallengeUnanswered":
      case "ChallengeAnnulled":
        store.dropChallenge(event.args.id);
        break;
      case "Committed":
        store.addRound(event.args.auditor, event.args.epoch);
        break;
      case "Reported":
        store.dropRound(event.args.auditor, event.args.epoch);
        break;
      case "Revealed":
        store.auditorSeen(event.args.auditor, event.args.epoch);
        break;
      case "TipRegistered":
        store.auditorSeen(event.args.auditor, event.args.since);
        break;
      case "AuditorEnrolled":
        store.addAuditor(event.args.auditor, event.args.since);
        break;
      case "AuditorLapsed":
        store.dropAuditor(event.args.auditor);
        break;
      case "ServiceRegistered":
        store.settledThrough(event.args.number, 0);
        break;
      case "Settled":
        store.settledThrough(event.args.number, event.args.epoch);
        break;
      case "ActivityChanged":
        if (event.args.active) store.dropIdle(event.args.number);
        else store.addIdle(event.args.number, event.args.since);
        break;
      case "SlotReleased":
        store.dropIdle(event.args.number);
        break;
    }
  }
}

type KeeperEvent = Awaited<ReturnType<typeof readEvents>>[number];

/** The relevant events of a range of blocks, in order, by one request. */
async function readEvents(client: ChainClient, deployment: Deployment, { from, to }: BlockRange) {
  const { registry, staking, proofOfService, settlement, challengeBook } = deployment.contracts;
  const logs = await client.request({
    method: "eth_getLogs",
    params: [
      {
        address: [registry, staking, proofOfService, settlement, challengeBook],
        topics: [topics],
        fromBlock: `0x${from.toString(16)}`,
        toBlock: `0x${to.toString(16)}`,
      },
    ],
  });
  return parseEventLogs({ abi, eventName: [...names], logs: logs.map((log) => formatLog(log)) });
}
