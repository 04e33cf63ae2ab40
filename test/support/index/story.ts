import { encodeFunctionData, parseEther, type Hex } from "viem";
import { sender } from "../../../devnet/cast.ts";
import { devKey } from "../../../devnet/devnet.ts";
import { keyIndex } from "../../../devnet/stage.ts";
import { abis } from "../../../src/protocol/abis.ts";
import type { Deployment } from "../../../src/chain/deployment.ts";
import type { Grade } from "../../../src/protocol/tally.ts";
import { AuditedChain, FIRST } from "../auditedChain.ts";
import { Payer, type SignedTab } from "../payer.ts";

const DAY = 86_400;
export const bloc = (amount: number) => parseEther(amount.toString());
export const stranger = devKey(keyIndex.visitor);
export const owner = (number: number) => devKey(keyIndex.owner + number - 1);
/** Auditors that take part in ordinary rounds. */
const ORDINARY = [0, 1, 2];
/** The last auditor: it takes part in the odd rounds only, and leaves. */
export const GUEST = 3;

/** Texts that strangers put on chain. */
export const hostile = "<script>alert(1)</script>\u0000\u202Eevil";

/** A chain on which things happen that an index counts; `story/play.ts` lets all of them happen. */
export class IndexedStory {
  readonly chain: AuditedChain;
  readonly payer: Payer;
  /** The tabs of {@link pay}: one with service 2 that goes on, and one with service 3 that is closed. */
  tabs: SignedTab[] = [];
  epoch = FIRST;

  private constructor(chain: AuditedChain) {
    this.chain = chain;
    this.payer = new Payer(stranger.key, chain.deployment);
  }

  static async start(): Promise<IndexedStory> {
    const chain = await AuditedChain.start({
      services: [4_000, 3_000, 120_000],
      auditors: [10_000, 11_000, 13_000, 9_000],
      metadata: hostile,
      challengeWindow: 60,
    });
    await chain.fund(stranger.address, 20_000);
    return new IndexedStory(chain);
  }

  stop(): Promise<void> {
    return this.chain.stop();
  }

  send(
    key: Hex,
    name: keyof Deployment["contracts"] & keyof typeof abis,
    functionName: string,
    args: readonly unknown[] = [],
  ) {
    const address = this.chain.deployment.contracts[name];
    return sender(this.chain.stage, key).send({ address, abi: abis[name], functionName, args });
  }

  async approve(
    key: Hex,
    name: "challengeBook" | "staking" | "labels" | "cashier" | "rewardPool",
    amount: number,
  ) {
    await this.send(key, "token", "approve", [this.chain.deployment.contracts[name], bloc(amount)]);
  }

  /** Goes some epochs on; all of them have a seed. */
  async advance(epochs: number): Promise<void> {
    await this.chain.enter((this.epoch += epochs));
  }

  /** Epochs with commitments, reveals and claims; `grades` gives each auditor's votes. */
  async audit(
    count: number,
    grades: (epoch: number, auditor: number) => Record<number, Grade>,
    during: (epoch: number) => Promise<void> = () => Promise.resolve(),
  ) {
    const { chain } = this;
    const first = this.epoch;
    for (; this.epoch < first + count; this.epoch++) {
      await chain.enter(this.epoch);
      await during(this.epoch - first);
      for (const auditor of ORDINARY) {
        if (this.epoch > first) await chain.reveal(this.epoch - 1, auditor);
        if (this.epoch > first + 1 && auditor !== 1) await chain.claim(this.epoch - 2, auditor);
        await chain.commit(this.epoch, auditor, grades(this.epoch, auditor));
      }
    }
    await chain.enter(this.epoch);
    for (const auditor of ORDINARY) await chain.reveal(this.epoch - 1, auditor);
    this.epoch += 1;
    await chain.enter(this.epoch);
  }

  /** An auditor stakes more, in two parts that count from the same epoch on. */
  async raiseStake(auditor: number, parts: readonly number[]) {
    const { key } = devKey(keyIndex.auditor + auditor);
    const sum = parts.reduce((total, part) => total + part, 0);
    await this.chain.fund(this.chain.auditors[auditor]!.owner, sum);
    await this.approve(key, "staking", sum);
    for (const part of parts) await this.send(key, "staking", "stakeAuditor", [bloc(part)]);
  }

  /** A service is challenged, answers nothing, and is slashed and suspended. */
  async challenge(number: bigint) {
    await this.approve(stranger.key, "challengeBook", 50);
    await this.send(stranger.key, "challengeBook", "challenge", [number]);
    await this.advance(1);
    await this.chain.driver.jump(this.epoch, 0.6);
    const { client, deployment } = this.chain;
    const id = await client.readContract({
      ...{ address: deployment.contracts.challengeBook, abi: abis.challengeBook },
      ...{ functionName: "openChallenge", args: [number] },
    });
    await this.send(stranger.key, "challengeBook", "resolve", [id]);
  }

  /** A deposit, tabs, vouchers, a refused item, a collection, a closed tab, a withdrawal. */
  async pay() {
    const { payer, chain } = this;
    const collector = owner(2);
    const now = Number((await chain.client.getBlock()).timestamp);
    await this.approve(payer.key, "cashier", 1_000);
    await this.send(payer.key, "cashier", "deposit", [bloc(1_000)]);
    const terms = { now, lastsS: 2 * DAY };
    let tab = payer.tab(2n, collector.address, { ...terms, limit: bloc(100) });
    const other = payer.tab(3n, collector.address, { ...terms, limit: bloc(30) });
    const open = (each: typeof tab) =>
      this.send(collector.key, "cashier", "openTab", [each.terms, each.salt, each.signature]);
    await open(tab);
    await open(other);
    tab = payer.tab(2n, collector.address, { ...terms, limit: bloc(150), of: tab });
    await open(tab);
    this.tabs = [tab, other];
    const redeem = (...items: readonly unknown[]) =>
      this.send(collector.key, "cashier", "redeemBatch", [items]);
    await redeem(payer.voucher(tab, bloc(10)), payer.voucher(tab, bloc(10)));
    await redeem(payer.voucher(tab, bloc(35)), payer.voucher(other, bloc(7)));
    await redeem(payer.voucher(tab, bloc(60), { base: bloc(40) }));
    await this.send(payer.key, "cashier", "authorizeSigner", [
      owner(3).address,
      bloc(5),
      now + DAY,
    ]);
    await this.send(payer.key, "cashier", "revokeSigner", [owner(3).address]);
    await this.send(collector.key, "cashier", "closeAsCollector", [
      payer.address,
      other.terms.service,
      other.salt,
    ]);
    await this.send(payer.key, "cashier", "announceClosing", [tab.terms.service, tab.terms.tab]);
    await this.send(payer.key, "cashier", "collect", [rootIdOf(2n)]);
    await this.send(payer.key, "cashier", "forwardFees");
    await this.send(payer.key, "cashier", "withdraw", [bloc(300)]);
  }

  /** Settles services. */
  async settle(numbers: readonly bigint[] = [1n, 2n, 3n]) {
    for (const number of numbers) {
      await this.send(stranger.key, "settlement", "settle", [number, this.epoch - 2]);
    }
  }

  /** Pays auditors out. */
  async payAuditors() {
    for (const auditor of [0, 2]) {
      const { owner } = this.chain.auditors[auditor]!;
      await this.send(stranger.key, "proofOfService", "collect", [owner]);
    }
  }

  /** Reports rounds that were not revealed, in one transaction. */
  async report(...rounds: readonly { epoch: number; auditor: number }[]) {
    const calls = rounds.map(({ epoch, auditor }) =>
      encodeFunctionData({
        ...{ abi: abis.proofOfService, functionName: "report" },
        args: [this.chain.auditors[auditor]!.owner, epoch],
      }),
    );
    await this.send(stranger.key, "proofOfService", "tryMulticall", [calls]);
  }

  /** An auditor commits and does not reveal; the second report of it fails. */
  async unrevealed() {
    const { epoch } = this;
    await this.chain.commit(epoch, 2, { 1: 3 });
    await this.advance(2);
    await this.report({ epoch, auditor: 2 }, { epoch, auditor: 2 });
  }
}

/** The ID of a root service. */
export const rootIdOf = (number: bigint): Hex =>
  `0x${number.toString(16).padStart(16, "0")}${"0".repeat(48)}`;
