import {
  encodeAbiParameters,
  encodeEventTopics,
  encodeFunctionData,
  keccak256,
  toHex,
  type Abi,
  type AbiEvent,
  type Address,
  type Hex,
} from "viem";
import type { Deployment } from "../../src/chain/deployment.ts";
import { abis } from "../../src/protocol/abis.ts";
import { chunkHash, chunksRoot, commitment, toChunks } from "../../src/protocol/round.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { drawKey, drawnWeight, expectedWeight, LANES } from "../../src/protocol/sortition.ts";
import { reportWord, type Grade } from "../../src/protocol/tally.ts";

type ContractName = keyof typeof abis;
const ZERO_HASH: Hex = `0x${"0".repeat(64)}`;
const STAKE = 10n ** 21n;
const EPOCH_SECONDS = 3_600;
const BLOCK_SECONDS = 12;
const GENESIS = 1_780_000_000;
/** Blocks at the end without events: an index takes them for not final. */
const TAIL = 64;

/** How large a history is. */
export interface HistorySize {
  services: number;
  auditors: number;
  epochs: number;
  /** Services that register in a block, and in a transaction. */
  registrationsPerBlock: number;
  registrationsPerTransaction: number;
}

export interface HistoryLog {
  contract: ContractName;
  topics: readonly (Hex | null)[];
  data: Hex;
}

export interface HistoryTransaction {
  from: Address;
  contract: ContractName;
  input: Hex;
  logs: readonly HistoryLog[];
}

const addressOf = (kind: string, index: number): Address =>
  `0x${keccak256(toHex(`${kind} ${index}`)).slice(26)}`;

/**
 * A history as a deployment has it, made up block by block: services register; in each epoch a seed is proven, auditors
 * commit, reveal and claim, with the words, weights and calldata of real rounds; services settle and users pay.
 */
export class History {
  readonly deployment: Deployment;
  readonly head: number;
  readonly #size: HistorySize;
  readonly #registering: number;
  readonly #inEpoch: number;
  events = 0;
  votes = 0;

  constructor(size: HistorySize) {
    this.#size = size;
    this.#registering = Math.ceil(size.services / size.registrationsPerBlock) + 2;
    this.#inEpoch = EPOCH_SECONDS / BLOCK_SECONDS;
    this.head = this.#registering + size.epochs * this.#inEpoch + TAIL;
    const names = Object.keys(abis) as ContractName[];
    const contracts = Object.fromEntries(names.map((name, at) => [name, addressOf(name, at)]));
    this.deployment = {
      chainId: 31_337,
      block: 1,
      genesis: GENESIS,
      epochSeconds: EPOCH_SECONDS,
      confirmations: 1,
      contracts: contracts as Deployment["contracts"],
    };
  }

  timeOf(block: number): number {
    // All services register in epoch 0; then an epoch has its blocks.
    const later = block - this.#registering;
    return later < 0 ? GENESIS + block : GENESIS + EPOCH_SECONDS * 3 + later * BLOCK_SECONDS;
  }

  /** The transactions of a block; the same each time. */
  transactionsOf(block: number): HistoryTransaction[] {
    if (block < 1 || block > this.head - TAIL) return [];
    if (block === 1) return this.#enrolments();
    if (block < this.#registering) return this.#registrations(block - 2);
    const later = block - this.#registering;
    const epoch = 3 + Math.floor(later / this.#inEpoch);
    return this.#audits(epoch, later % this.#inEpoch);
  }

  #enrolments(): HistoryTransaction[] {
    return Array.from({ length: this.#size.auditors }, (_, index) => {
      const auditor = addressOf("auditor", index);
      return this.#transaction(auditor, "proofOfService", "0x", [
        event("proofOfService", "TipRegistered", {
          auditor,
          operator: auditor,
          tip: ZERO_HASH,
          since: 2,
        }),
        event("staking", "AuditorStakeChanged", { auditor, since: 2, stake: STAKE }),
        event("staking", "AuditorEnrolled", { auditor, since: 2 }),
      ]);
    });
  }

  #registrations(at: number): HistoryTransaction[] {
    const { services, registrationsPerBlock, registrationsPerTransaction } = this.#size;
    const first = at * registrationsPerBlock;
    const count = Math.max(0, Math.min(registrationsPerBlock, services - first));
    const numbers = Array.from({ length: count }, (_, index) => first + index + 1);
    const calls = Math.ceil(count / registrationsPerTransaction);
    return Array.from({ length: calls }, (_, call) => {
      const from = call * registrationsPerTransaction;
      const together = numbers.slice(from, from + registrationsPerTransaction);
      const sender = addressOf("owner", together[0] ?? 0);
      return this.#transaction(sender, "registry", "0x", together.flatMap(registration));
    });
  }

  /** What happens in the n-th block of an epoch. */
  #audits(epoch: number, block: number): HistoryTransaction[] {
    const { services, auditors } = this.#size;
    if (block === 0) return [this.#tick(epoch)];
    const transactions: HistoryTransaction[] = [];
    const at = (share: number) => Math.floor(share * this.#inEpoch);
    for (let auditor = 0; auditor < auditors; auditor++) {
      if (block === at(0.2) + auditor) transactions.push(...this.#reveal(epoch - 1, auditor));
      if (block === at(0.75) + auditor) transactions.push(this.#commit(epoch, auditor));
    }
    const perBlock = Math.ceil(services / at(0.3));
    const first = (block - at(0.4)) * perBlock;
    if (block < at(0.4) || first >= services) return transactions;
    for (let each = first; each < Math.min(services, first + perBlock); each++) {
      transactions.push(this.#settle(BigInt(each + 1), epoch));
    }
    return transactions;
  }

  #tick(epoch: number): HistoryTransaction {
    const { services, auditors } = this.#size;
    return this.#transaction(addressOf("ticker", 0), "proofOfService", "0x", [
      event("rewardPool", "Reserved", {
        epoch,
        providers: 1n,
        auditors: 1n,
        contributed: 0n,
        bounty: 1n,
      }),
      event("proofOfService", "Ticked", {
        ...{ epoch, seed: seedOf(epoch), providersBudget: 1n, auditorsBudget: 1n },
        ...{ activeStake: STAKE * BigInt(services), enrolledStake: STAKE * BigInt(auditors) },
        activeServices: services,
      }),
    ]);
  }

  #round(epoch: number, index: number) {
    const { services, auditors } = this.#size;
    const auditor = addressOf("auditor", index);
    const secret = keccak256(toHex(`secret ${epoch} ${index}`));
    const y = drawKey(seedOf(epoch), secret, auditor);
    const expected = expectedWeight(STAKE, STAKE * BigInt(auditors));
    const reports: { shard: number; votes: bigint }[] = [];
    let votes = 0;
    for (let shard = 0; shard * LANES < services; shard++) {
      if (drawnWeight(y, shard, expected) === 0) continue;
      const lanes = Math.min(LANES, services - shard * LANES);
      const grades = Array.from({ length: lanes }, (_, lane) => ((epoch + lane) % 4) as Grade);
      reports.push({ shard, votes: reportWord(0, grades) });
      votes += lanes;
    }
    const chunks = toChunks(reports);
    const hashes = chunks.map(chunkHash);
    const count = chunks.length;
    const opened = { auditor, epoch, chunksRoot: chunksRoot(hashes), chunkCount: count };
    const committed = commitment({ ...opened, evidenceRoot: ZERO_HASH, secret });
    return { auditor, secret, chunks, hashes, count, committed, votes };
  }

  #commit(epoch: number, index: number): HistoryTransaction {
    const { auditor, committed } = this.#round(epoch, index);
    const input = encodeFunctionData({
      ...{ abi: abis.proofOfService, functionName: "commit" },
      args: [auditor, epoch, committed],
    });
    return this.#transaction(auditor, "proofOfService", input, [
      event("proofOfService", "Committed", { auditor, epoch }),
    ]);
  }

  #reveal(epoch: number, index: number): HistoryTransaction[] {
    if (epoch < 3) return [];
    const { auditor, secret, chunks, hashes, count } = this.#round(epoch, index);
    return chunks.map((chunk) => {
      const votes = chunk.words.reduce((sum, packed) => sum + lanesIn(packed), 0);
      const args = { auditor, epoch, count, evidenceRoot: ZERO_HASH, secret, hashes, ...chunk };
      const input = encodeFunctionData({
        ...{ abi: abis.proofOfService, functionName: "reveal", args: [args] },
      });
      this.votes += votes;
      return this.#transaction(auditor, "proofOfService", input, [
        event("proofOfService", "Revealed", {
          auditor,
          epoch,
          index: chunk.index,
          votes: BigInt(votes),
        }),
        event("proofOfService", "Claimed", {
          ...{ auditor, epoch, index: chunk.index, paidVotes: BigInt(votes), reward: 1n },
        }),
      ]);
    });
  }

  #settle(number: bigint, epoch: number): HistoryTransaction {
    const payer = addressOf("payer", Number(number % 50n));
    return this.#transaction(payer, "settlement", "0x", [
      event("settlement", "Settled", { number, epoch: epoch - 2, grade: 3, reward: 1n }),
      event("cashier", "Deposited", { payer, from: payer, amount: 10n }),
      event("cashier", "Collected", {
        service: rootServiceId(number),
        payout: payer,
        paid: 9n,
        fee: 1n,
      }),
    ]);
  }

  #transaction(
    from: Address,
    contract: ContractName,
    input: Hex,
    logs: readonly HistoryLog[],
  ): HistoryTransaction {
    return { from, contract, input, logs };
  }
}

/** The events of a service that registers and has a stake. */
function registration(place: number): HistoryLog[] {
  const number = BigInt(place);
  const owner = addressOf("owner", place);
  return [
    event("registry", "ServiceRegistered", {
      ...{ number, owner, classId: 0, key: owner, metadata: "" },
    }),
    event("registry", "SlotTaken", { number, slot: place, since: 2 }),
    event("staking", "ServiceStakeChanged", { number, since: 2, stake: STAKE }),
  ];
}

const seedOf = (epoch: number) => keccak256(toHex(`seed ${epoch}`));

function lanesIn(packed: bigint): number {
  let votes = 0;
  for (let rest = packed & ((1n << 240n) - 1n); rest > 0n; rest >>= 16n) {
    if ((rest & 0xffffn) !== 0n) votes += 1;
  }
  return votes;
}

function event(contract: ContractName, name: string, args: Record<string, unknown>): HistoryLog {
  const abi = abis[contract] as Abi;
  const item = abi.find((each): each is AbiEvent => each.type === "event" && each.name === name);
  if (item === undefined) throw new Error(`There is no event ${name}.`);
  const plain = item.inputs.filter(({ indexed }) => indexed !== true);
  return {
    contract,
    topics: encodeEventTopics({ abi, eventName: name, args }) as Hex[],
    data: encodeAbiParameters(
      plain,
      plain.map((input) => args[input.name ?? ""]),
    ),
  };
}
