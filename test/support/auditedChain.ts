import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  bytesToHex,
  erc20Abi,
  parseEther,
  zeroHash,
  type Address,
  type Hex,
  type TransactionReceipt,
} from "viem";
import { auditorChain } from "../../src/auditor/secrets.ts";
import { draw } from "../../src/auditor/draw.ts";
import type { Vote } from "../../src/auditor/inspection/inspector.ts";
import { buildRound, OpenedRound } from "../../src/auditor/round.ts";
import type { StoredRound } from "../../src/auditor/store.ts";
import { createChainClient } from "../../src/chain/client.ts";
import { Seeds } from "../../src/chain/seeds.ts";
import type { Call } from "../../src/chain/transactions/call.ts";
import type { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { Services } from "../../src/chain/services.ts";
import { tickOf } from "../../src/chain/ticks.ts";
import { contractsOf, readMoment, type Moment } from "../../src/chain/views/contracts.ts";
import { castAuditors, operatorKey, sender, writeDeployment } from "../../devnet/cast.ts";
import { keyIndex, type DemoAuditor, type Stage } from "../../devnet/stage.ts";
import { devKey, startDevnet } from "../../devnet/devnet.ts";
import { registerService } from "../../src/chain/register.ts";
import { epochStart } from "../../src/protocol/epoch.ts";
import type { HashChain } from "../../src/protocol/hashChain.ts";
import type { ProbeInput } from "../../src/protocol/probe.ts";
import { ReceiptSigner, type SignedReceipt } from "../../src/protocol/receipt.ts";
import { toChunks, type ChunkArgument } from "../../src/protocol/round.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { inspectionNonce } from "../../src/protocol/sortition.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import type { Grade } from "../../src/protocol/tally.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { ChainDriver } from "./chainDriver.ts";

/** Enrolled in epoch 0, an auditor counts from the next but one. */
export const FIRST = 2;
const EPOCH_SECONDS = 240;

export interface AuditedChainOptions {
  /** Stake of each service, BLOC; registered in epoch 0. */
  services: readonly number[];
  /** Stake of each auditor, BLOC; enrolled in epoch 0. */
  auditors: readonly number[];
  probe?: ProbeInput;
  metadata?: string;
  challengeWindow?: number;
  bounds?: { excellentMs: number; goodMs: number; poorMs: number };
}

/** Gets a service's receipt for a nonce, in the epoch that starts at that Unix millisecond. */
export type Visit = (target: {
  number: bigint;
  nonce: Hex;
  startsAt: number;
}) => Promise<SignedReceipt>;

/**
 * An embedded chain whose services are audited by hand: real commitments, reveals and claims, with receipts
 * that the services' keys signed, and no worker whose moments a test would have to wait for.
 */
export class AuditedChain {
  readonly stage: Stage;
  readonly auditors: readonly DemoAuditor[];
  readonly driver: ChainDriver;
  readonly services: Services;
  readonly seeds: Seeds;
  /** Sends what anybody may send. */
  readonly stranger: TransactionSender;
  readonly #chains: readonly HashChain[];
  readonly #operators: readonly TransactionSender[];
  readonly #rounds = new Map<string, StoredRound>();
  readonly #receipts: ReceiptSigner;

  private constructor(stage: Stage, auditors: readonly DemoAuditor[]) {
    const { deployment } = stage.devnet;
    this.stage = stage;
    this.auditors = auditors;
    this.driver = new ChainDriver(stage.client, deployment);
    this.services = new Services(stage.client, deployment);
    this.seeds = new Seeds(stage.client, deployment);
    this.stranger = sender(stage, devKey(keyIndex.visitor).key);
    this.#chains = auditors.map((_, index) => auditorChain(operatorKey(index), deployment, 0));
    this.#operators = auditors.map((_, index) => sender(stage, operatorKey(index)));
    this.#receipts = new ReceiptSigner(
      blockcloudDomain(BigInt(deployment.chainId), deployment.contracts.registry),
    );
  }

  /** Starts a chain, and registers and enrols by contract calls. */
  static async start(options: AuditedChainOptions): Promise<AuditedChain> {
    const folder = await mkdtemp(path.join(tmpdir(), "audited-"));
    const { challengeWindow, bounds } = options;
    const devnet = await startDevnet(folder, {
      automine: true,
      epochSeconds: EPOCH_SECONDS,
      ...(challengeWindow !== undefined && { challengeWindow }),
      ...(bounds && { bounds }),
    });
    const client = createChainClient([devnet.rpcUrl], devnet.deployment.chainId);
    const treasury = sender({ devnet, client }, devKey(keyIndex.treasury).key);
    const stage: Stage = { devnet, client, treasury, folder, bootstrap: [], say: () => undefined };
    await writeDeployment(stage);
    const auditors = await castAuditors(stage, options.auditors);
    const chain = new AuditedChain(stage, auditors);
    for (const [index, stake] of options.services.entries()) {
      await chain.#register(index, stake, options);
    }
    return chain;
  }

  async stop(): Promise<void> {
    await this.stage.devnet.stop();
    await rm(this.stage.folder, { recursive: true });
  }

  get client() {
    return this.stage.client;
  }

  get deployment() {
    return this.stage.devnet.deployment;
  }

  get contracts() {
    return contractsOf(this.deployment);
  }

  /** The key that owns a service, from 1. */
  owner(number: number) {
    return devKey(keyIndex.owner + number - 1);
  }

  /** The key that signs for a service, from 1. */
  serviceKey(number: number) {
    return devKey(keyIndex.service + number - 1);
  }

  moment(): Promise<Moment> {
    return readMoment(this.client, this.deployment);
  }

  /** Goes to an epoch, and records its seed unless told otherwise. */
  async enter(epoch: number, options: { tick?: boolean } = {}): Promise<void> {
    await this.driver.jump(epoch, 0);
    if (options.tick !== false) await this.tick(epoch);
  }

  async tick(epoch: number): Promise<void> {
    const { number, timestamp } = await this.client.getBlock();
    const head = { number, timestamp: Number(timestamp) };
    const needs = { deployment: this.deployment, seeds: this.seeds };
    await this.stranger.send((await tickOf(needs, epoch, head)).call);
  }

  /**
   * Commits an auditor to grades by service number, in the epoch that the chain is in.
   *
   * @param visit Gets the receipt of a service that is up; by default the service's key signs one here.
   */
  async commit(
    epoch: number,
    auditor: number,
    grades: Record<number, Grade>,
    visit?: Visit,
  ): Promise<void> {
    await this.#operators[auditor]!.send(await this.commitment(epoch, auditor, grades, { visit }));
  }

  /**
   * The call that {@link commit} sends.
   *
   * @param given.maxWords Most words of a chunk.
   */
  async commitment(
    epoch: number,
    auditor: number,
    grades: Record<number, Grade>,
    given: { visit?: Visit | undefined; maxWords?: number | undefined } = {},
  ): Promise<Call> {
    const { visit = (target) => Promise.resolve(this.#sign(target)), maxWords } = given;
    const { owner } = this.auditors[auditor]!;
    const recorded = await this.seeds.recorded(epoch);
    const input = {
      auditor: owner,
      epoch,
      seed: recorded!.seed,
      secret: this.#chains[auditor]!.secret(epoch, FIRST - 1),
    };
    const { client, deployment, services } = this;
    const drawn = (await draw(input, { client, deployment, services }))!;
    const votes: Vote[] = [];
    for (const { number } of drawn.shards.flatMap((shard) => shard.services)) {
      const grade = grades[Number(number)];
      if (grade === 0) votes.push({ number, grade });
      if (grade === undefined || grade === 0) continue;
      const salt = bytesToHex(randomBytes(32));
      const nonce = inspectionNonce(drawn.y, number, salt);
      const startsAt = epochStart(deployment, epoch) * 1000;
      const { channel, issuedAt, signature } = await visit({ number, nonce, startsAt });
      votes.push({ number, grade, evidence: { number, salt, channel, issuedAt, signature } });
    }
    const round = inChunks(buildRound(drawn, votes), maxWords);
    this.#rounds.set(`${auditor}/${epoch}`, round);
    const { commitment } = new OpenedRound(owner, round);
    const args = [owner, epoch, commitment] as const;
    return { ...this.contracts.proofOfService, functionName: "commit", args };
  }

  /** The chunks of an auditor's round, as the contract takes them. */
  chunks(epoch: number, auditor: number): readonly ChunkArgument[] {
    return this.#opened(epoch, auditor).chunks;
  }

  /** Reveals an auditor's round of the epoch before the current. */
  async reveal(epoch: number, auditor: number): Promise<void> {
    for (const chunk of this.#opened(epoch, auditor).chunks) {
      await this.#operators[auditor]!.send({
        ...this.contracts.proofOfService,
        functionName: "reveal",
        args: [chunk],
      });
    }
  }

  /** Claims an auditor's round, or some of its chunks, with the seed of two epochs later. */
  async claim(epoch: number, auditor: number, chunks?: readonly number[]): Promise<void> {
    const sample = await this.seeds.recorded(epoch + 2);
    const opened = this.#opened(epoch, auditor);
    for (const chunk of opened.chunks.filter(({ index }) => chunks?.includes(index) ?? true)) {
      const samples = opened.samples(chunk.index, sample!.seed);
      await this.#operators[auditor]!.send({
        ...this.contracts.proofOfService,
        functionName: "claim",
        args: [chunk, epoch + 2, samples],
      });
    }
  }

  /**
   * Plays epochs one after the other, all auditors giving the same grades: seed, commitments, and reveals
   * of the epoch before. The last one is committed to and not revealed yet.
   */
  async play(from: number, to: number, grades: Record<number, Grade>): Promise<void> {
    for (let epoch = from; epoch <= to; epoch++) {
      await this.enter(epoch);
      for (const auditor of this.auditors.keys()) {
        if (this.#rounds.has(`${auditor}/${epoch - 1}`)) await this.reveal(epoch - 1, auditor);
        await this.commit(epoch, auditor, grades);
      }
    }
  }

  /** Sends a call from a service's owner, to the registry unless another contract is named. */
  own(
    number: number,
    functionName: string,
    args: readonly unknown[],
    contract: Pick<Call, "address" | "abi"> = this.contracts.registry,
  ): Promise<TransactionReceipt> {
    const call = { ...contract, functionName, args };
    return sender(this.stage, this.owner(number).key).send(call);
  }

  /** Hands BLOC out. */
  async fund(to: Address, bloc: number): Promise<void> {
    await this.stage.treasury.send({
      address: this.deployment.contracts.token,
      abi: erc20Abi,
      functionName: "transfer",
      args: [to, parseEther(bloc.toString())],
    });
  }

  #opened(epoch: number, auditor: number): OpenedRound {
    const round = this.#rounds.get(`${auditor}/${epoch}`);
    return new OpenedRound(this.auditors[auditor]!.owner, round!);
  }

  /** A receipt that the service's key signed, as a visit would leave it. */
  #sign({ number, nonce, startsAt }: Parameters<Visit>[0]): SignedReceipt {
    const issuedAt = BigInt(startsAt);
    const receipt = { serviceId: rootServiceId(number), nonce, channel: zeroHash, issuedAt };
    return this.#receipts.sign(receipt, hexToBytes(this.serviceKey(Number(number)).key));
  }

  async #register(index: number, stake: number, options: AuditedChainOptions): Promise<void> {
    const owner = this.owner(index + 1);
    await this.fund(owner.address, stake + 10);
    await registerService(sender(this.stage, owner.key), this.deployment, this.services, {
      classId: 0,
      key: this.serviceKey(index + 1).address,
      probe: options.probe ?? { v: 1, requests: [{ path: "/" }] },
      metadata: options.metadata ?? "",
      stake: parseEther(stake.toString()),
    });
  }
}

/** The same round with chunks of at most so many words. */
function inChunks(round: StoredRound, maxWords: number | undefined): StoredRound {
  if (maxWords === undefined) return round;
  const reports = round.chunks.flatMap(({ base, words }) =>
    words.map((word) => ({
      shard: base + Number(word >> 240n),
      votes: word & ((1n << 240n) - 1n),
    })),
  );
  return { ...round, chunks: toChunks(reports, maxWords) };
}
