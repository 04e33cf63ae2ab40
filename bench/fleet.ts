import { encodeFunctionData, keccak256, parseEther, toBytes, type Address, type Hex } from "viem";
import { chainKey } from "../src/auditor/secrets.ts";
import type { Vote } from "../src/auditor/inspection/inspector.ts";
import { buildRound, OpenedRound } from "../src/auditor/round.ts";
import type { AuditedService } from "../src/chain/services.ts";
import { devKey } from "../devnet/devnet.ts";
import { bytesToHex, hexToBytes } from "../src/protocol/bytes.ts";
import { epochStart } from "../src/protocol/epoch.ts";
import { HashChain } from "../src/protocol/hashChain.ts";
import { encodeProbe } from "../src/protocol/probe.ts";
import { EMPTY_DIGEST, httpChannel, ReceiptSigner, sha256 } from "../src/protocol/receipt.ts";
import { rootServiceId } from "../src/protocol/serviceId.ts";
import { addressOfKey } from "../src/protocol/signature.ts";
import {
  drawKey,
  drawnWeight,
  expectedWeight,
  inspectionNonce,
  LANES,
  shardCount,
  slotAt,
} from "../src/protocol/sortition.ts";
import type { Grade } from "../src/protocol/tally.ts";
import { blockcloudDomain } from "../src/protocol/typedData.ts";
import { type BenchChain } from "./chain.ts";
import { abis } from "../src/protocol/abis.ts";

/** Length of an auditor's hash chain: more than the epochs of any benchmark. */
const CHAIN_LENGTH = 2048;
/** Service keys; each signs for many services. */
const SERVICE_KEYS = 16;
export const SERVICE_STAKE = parseEther("1000");
export const REGISTRATION_FEE = parseEther("10");

/** 120 bytes of a specification that auditors would accept. */
export const PROBE: Hex = bytesToHex(
  encodeProbe({
    v: 1,
    requests: [
      {
        path: "/status/health-of-service",
        json: [{ pointer: "/status", equals: "serving all requests" }],
      },
    ],
  }),
);

/**
 * The content of a round. `votes` has receipts for its contacts; `failed` votes FAILED on everything, so it needs no
 * receipts and is fast to make; `empty` has no votes.
 */
export type RoundKind = "votes" | "failed" | "empty";

/** An auditor of a benchmark. */
export interface BenchAuditor {
  owner: Address;
  operator: Address;
  operatorKey: Hex;
  /** BLOC in wei. */
  stake: bigint;
}

/** A round of an auditor, in the form in which it is sent. */
export interface BenchRound {
  opened: OpenedRound;
  votes: number;
  words: number;
}

/** Services and auditors on a chain, and the rounds that the auditors' workers would make. */
export class Fleet {
  readonly auditors: readonly BenchAuditor[];
  readonly services: number;
  readonly #chain: BenchChain;
  readonly #receipts: ReceiptSigner;
  readonly #keys: readonly { key: Uint8Array; address: Address }[];
  /** Services by their slots. */
  readonly #holders = new Map<number, bigint>();
  /** Number of registered services, including those that never became active. */
  #registered = 0n;
  readonly #secrets = new Map<Address, { chain: HashChain; anchor: number }>();

  constructor(chain: BenchChain, options: { services: number; stakes: readonly bigint[] }) {
    const { chainId, contracts } = chain.deployment;
    this.#chain = chain;
    this.services = options.services;
    this.#receipts = new ReceiptSigner(blockcloudDomain(BigInt(chainId), contracts.registry));
    this.#keys = Array.from({ length: SERVICE_KEYS }, (_, index) => {
      const key = keyOf(`service ${index}`);
      return { key: hexToBytes(key), address: addressOfKey(key) };
    });
    this.auditors = options.stakes.map((stake, index) => {
      const operatorKey = keyOf(`operator ${index}`);
      return {
        owner: addressOfKey(keyOf(`auditor ${index}`)),
        operator: addressOfKey(operatorKey),
        operatorKey,
        stake,
      };
    });
  }

  /** The sender of permissionless calls: an operator, as in practice. */
  get keeper(): Address {
    const [auditor] = this.auditors;
    if (auditor === undefined) throw new Error("There is no auditor.");
    return auditor.operator;
  }

  get shards(): number {
    return shardCount(Math.max(0, ...this.#holders.keys()));
  }

  /** The owner of all services. */
  get owner(): Address {
    return addressOfKey(keyOf("owner of the fleet"));
  }

  /** Registers all services, from one owner, on an empty chain. */
  async register(say: (message: string) => void = () => {}): Promise<void> {
    await this.add(Array<bigint>(this.services).fill(SERVICE_STAKE), say);
  }

  /**
   * Registers more services. They take the next slots, because all earlier slots are in use.
   *
   * @param stakes Stake of each service, wei; 0 for one that never becomes active.
   */
  async add(stakes: readonly bigint[], say: (message: string) => void = () => {}): Promise<void> {
    await this.fund(
      this.owner,
      stakes.reduce((sum, stake) => sum + stake + REGISTRATION_FEE, 0n),
    );
    for (const [index, stake] of stakes.entries()) {
      const number = ++this.#registered;
      const { address } = this.#keyOf(number);
      const data = encodeFunctionData({
        abi: abis.registry,
        functionName: "register",
        args: [0, address, PROBE, "", stake],
      });
      await this.#chain.post(this.owner, "registry", data);
      if (stake > 0n) this.#holders.set(this.#holders.size + 1, number);
      if ((index + 1) % 2500 === 0) say(`${index + 1} services registered`);
    }
  }

  /** The services by slot. */
  get holders(): ReadonlyMap<number, bigint> {
    return this.#holders;
  }

  /** Reads the slots of the services from the registry. */
  async locate(): Promise<void> {
    this.#holders.clear();
    for (let number = 1n; number <= this.#registered; number++) {
      const slot = await this.#chain.read<number>("registry", "slotOf", [number]);
      if (slot !== 0) this.#holders.set(slot, number);
    }
  }

  /**
   * Stakes and enrols all auditors.
   *
   * @returns The first epoch in which they are drawn.
   */
  async enrol(): Promise<number> {
    const { chainId, contracts } = this.#chain.deployment;
    const since = (await this.#chain.epoch()) + 2;
    for (const { owner, operator, operatorKey, stake } of this.auditors) {
      const scope = {
        chainId: BigInt(chainId),
        contract: contracts.proofOfService,
        chainNumber: 0,
      };
      const chain = new HashChain(chainKey(operatorKey), scope, CHAIN_LENGTH);
      this.#secrets.set(owner, { chain, anchor: since - 1 });
      // One BLOC stays, because a payment to an empty account costs more gas than later ones.
      await this.fund(owner, stake + parseEther("1"));
      await this.#chain.send({
        from: owner,
        contract: "staking",
        functionName: "stakeAuditor",
        args: [stake],
      });
      await this.#chain.send({
        from: owner,
        contract: "proofOfService",
        functionName: "enrol",
        args: [chain.tip, operator],
      });
    }
    return since;
  }

  /** Sends BLOC to an address and approves staking for it. */
  async fund(address: Address, amount: bigint): Promise<void> {
    const from = devKey(0).address;
    const contract = "token";
    await this.#chain.send({ from, contract, functionName: "transfer", args: [address, amount] });
    const args = [this.#chain.deployment.contracts.staking, amount];
    await this.#chain.send({ from: address, contract, functionName: "approve", args });
  }

  /** The round of an auditor in an epoch whose seed is known. */
  async round(
    auditor: BenchAuditor,
    epoch: number,
    seed: Hex,
    kind: RoundKind,
  ): Promise<BenchRound> {
    const { owner } = auditor;
    const secret = this.tipOf(auditor).chain.secret(epoch, this.tipOf(auditor).anchor);
    const y = drawKey(seed, secret, owner);
    const stake = await this.#chain.read<bigint>("staking", "auditorStakeAt", [owner, epoch]);
    const [, , total] = await this.#chain.read<[bigint, bigint, bigint]>("staking", "totalsAt", [
      epoch,
    ]);
    const expected = expectedWeight(stake, total);
    const shards = Array.from({ length: kind === "empty" ? 0 : this.shards }, (_, shard) => shard)
      .filter((shard) => drawnWeight(y, shard, expected) > 0)
      .map((shard) => ({ shard, services: this.#servicesOf(shard) }));
    const votes = shards.flatMap(({ services }) =>
      services.map(({ number }) =>
        kind === "votes" ? this.#vote(owner, epoch, y, number) : { number, grade: 0 as const },
      ),
    );
    const round = buildRound({ epoch, secret, y, shards }, votes);
    return {
      opened: new OpenedRound(owner, round),
      votes: votes.length,
      words: shards.length,
    };
  }

  /** The hash chain of an enrolled auditor, and the epoch before the first in which it is used. */
  tipOf(auditor: BenchAuditor): { chain: HashChain; anchor: number } {
    const secrets = this.#secrets.get(auditor.owner);
    if (secrets === undefined) throw new Error(`Auditor ${auditor.owner} is not enrolled.`);
    return secrets;
  }

  #servicesOf(shard: number): AuditedService[] {
    return Array.from({ length: LANES }, (_, lane) => slotAt(shard, lane))
      .map((slot) => ({ slot, number: this.#holders.get(slot) ?? 0n }))
      .filter(({ number }) => number !== 0n)
      .map(({ slot, number }) => ({
        number,
        slot,
        key: this.#keyOf(number).address,
        className: "http",
        classId: 0,
        bounds: { excellentMs: 500, goodMs: 2000, poorMs: 10_000 },
        probe: undefined,
      }));
  }

  #keyOf(number: bigint): { key: Uint8Array; address: Address } {
    const key = this.#keys[Number(number) % SERVICE_KEYS];
    if (key === undefined) throw new RangeError(`There is no service ${number}.`);
    return key;
  }

  /** The vote of an honest auditor: by the service's health, sometimes one grade off. */
  #vote(owner: Address, epoch: number, y: Hex, number: bigint): Vote {
    const salt = keccak256(toBytes(`${epoch} ${owner} ${number}`));
    const noise = Number(BigInt(salt) % 100n);
    const grade = Math.max(0, healthOf(number) - (noise < 3 ? 1 : 0)) as Grade;
    if (grade === 0) return { number, grade };
    const { epochSeconds } = this.#chain.deployment;
    const seconds = epochStart(this.#chain.deployment, epoch) + Math.floor(epochSeconds / 4);
    const receipt = this.#receipts.sign(
      {
        serviceId: rootServiceId(number),
        nonce: inspectionNonce(y, number, salt),
        channel: CHANNEL,
        issuedAt: BigInt(seconds) * 1000n + BigInt(noise),
      },
      this.#keyOf(number).key,
    );
    const { channel, issuedAt, signature } = receipt;
    return { number, grade, evidence: { number, salt, channel, issuedAt, signature } };
  }
}

/** 2 services of 50 are down, 1 is slow, 3 are good and the others excellent. */
function healthOf(number: bigint): Grade {
  const place = Number(number % 50n);
  if (place < 2) return 0;
  if (place === 2) return 1;
  return place < 6 ? 2 : 3;
}

/** A key of the benchmarks. */
export function keyOf(name: string): Hex {
  return keccak256(toBytes(`blockcloud benchmark, ${name}`));
}

const CHANNEL = httpChannel({
  method: "GET",
  target: "/health",
  requestDigest: EMPTY_DIGEST,
  status: 200,
  responseDigest: sha256(Buffer.from('{"status":"serving all requests"}')),
});
