import { encodeFunctionData, parseEther, toHex, zeroHash, type Hex } from "viem";
import { sender } from "../../../devnet/cast.ts";
import { devKey } from "../../../devnet/devnet.ts";
import { keyIndex } from "../../../devnet/stage.ts";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import { blockcloudDomain } from "../../../src/protocol/typedData.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { signRecord } from "../../../src/protocol/record.ts";
import { abis } from "../../../src/protocol/abis.ts";
import type { Deployment } from "../../../src/chain/deployment.ts";
import type { Grade } from "../../../src/protocol/tally.ts";
import { AuditedChain, FIRST } from "../auditedChain.ts";
import { Payer } from "../payer.ts";

const DAY = 86_400;
const bloc = (amount: number) => parseEther(amount.toString());
const stranger = devKey(keyIndex.visitor);
const owner = (number: number) => devKey(keyIndex.owner + number - 1);

/** Texts that strangers put on chain. */
export const hostile = "<script>alert(1)</script>\u0000\u202Eevil";

/** A chain on which in 50 epochs everything happens that an index counts. */
export class IndexedStory {
  readonly chain: AuditedChain;
  readonly payer: Payer;
  epoch = FIRST;

  private constructor(chain: AuditedChain) {
    this.chain = chain;
    this.payer = new Payer(stranger.key, chain.deployment);
  }

  static async start(): Promise<IndexedStory> {
    const chain = await AuditedChain.start({
      services: [4_000, 3_000, 120_000],
      auditors: [10_000, 11_000, 13_000],
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
    args: readonly unknown[],
  ) {
    const address = this.chain.deployment.contracts[name];
    return sender(this.chain.stage, key).send({ address, abi: abis[name], functionName, args });
  }

  async approve(
    key: Hex,
    name: "challengeBook" | "staking" | "labels" | "cashier",
    amount: number,
  ) {
    await this.send(key, "token", "approve", [this.chain.deployment.contracts[name], bloc(amount)]);
  }

  /** Epochs with commitments, reveals and claims; `grades` gives each auditor's votes. */
  async audit(count: number, grades: (epoch: number, auditor: number) => Record<number, Grade>) {
    const { chain } = this;
    const first = this.epoch;
    for (; this.epoch < first + count; this.epoch++) {
      await chain.enter(this.epoch);
      for (const auditor of chain.auditors.keys()) {
        if (this.epoch > first) await chain.reveal(this.epoch - 1, auditor);
        if (this.epoch > first + 1 && auditor !== 1) await chain.claim(this.epoch - 2, auditor);
        await chain.commit(this.epoch, auditor, grades(this.epoch, auditor));
      }
    }
    await chain.enter(this.epoch);
    // One reveals through `tryMulticall`, beside a call that fails.
    for (const auditor of chain.auditors.keys()) await chain.reveal(this.epoch - 1, auditor);
    this.epoch += 1;
    await chain.enter(this.epoch);
  }

  /** A service is challenged, answers nothing, and is slashed and suspended. */
  async challenge(number: bigint) {
    await this.approve(stranger.key, "challengeBook", 50);
    await this.send(stranger.key, "challengeBook", "challenge", [number]);
    await this.chain.enter((this.epoch += 1));
    await this.chain.driver.jump(this.epoch, 0.6);
    await this.send(stranger.key, "challengeBook", "resolve", [1n]);
    await this.chain.own(Number(number), "reinstate", [number]);
  }

  /** A label, a sale, stake that comes and leaves, a record that is announced. */
  async change() {
    const { chain } = this;
    const key = owner(1).key;
    await this.approve(key, "labels", 50);
    const commitment = await chain.client.readContract({
      ...{ address: chain.deployment.contracts.labels, abi: abis.labels },
      ...{ functionName: "labelCommitment", args: ["weather", owner(1).address, zeroHash] },
    });
    await chain.fund(owner(1).address, 1_000);
    await this.send(key, "labels", "commitLabel", [commitment]);
    await chain.driver.jump(this.epoch, 0.7);
    await this.send(key, "labels", "setLabel", [1n, "weather", zeroHash]);
    await this.announce(1n, chain.serviceKey(1).key);
    await this.announce(2n, chain.serviceKey(1).key);
    await chain.own(2, "setMetadata", [2n, "x".repeat(256)]);
    await chain.own(2, "setPayout", [2n, stranger.address]);
    await chain.own(2, "setProbe", [2n, toHex(new Uint8Array([0xff, 0xfe]))]);
    await this.approve(key, "staking", 500);
    await this.send(key, "staking", "stakeService", [1n, bloc(500)]);
    await this.send(key, "staking", "unstakeService", [1n, bloc(1_500)]);
    await chain.own(1, "transferFrom", [owner(1).address, stranger.address, 1n]);
    await chain.enter((this.epoch += 1));
    await this.send(stranger.key, "registry", "setKey", [1n, chain.serviceKey(1).address]);
    await this.approve(stranger.key, "staking", 2_000);
    await this.send(stranger.key, "staking", "stakeService", [1n, bloc(2_000)]);
    await chain.own(3, "setMaintenance", [3n, true]);
    await chain.enter((this.epoch += 1));
    await chain.own(3, "setMaintenance", [3n, false]);
    await chain.enter((this.epoch += 2));
  }

  /** The record of a service, signed by a key. */
  async announce(number: bigint, key: Hex) {
    const { chainId, contracts } = this.chain.deployment;
    const { timestamp } = await this.chain.client.getBlock();
    const now = timestamp * 1_000n;
    const record = signRecord(
      {
        ...{ serviceId: rootServiceId(number), issuedAt: now, expiresAt: now + 3_600_000n },
        endpoints: [{ uri: "https://weather.example/", priority: 0, weight: 0 }],
        delegation: "0x",
      },
      blockcloudDomain(BigInt(chainId), contracts.registry),
      hexToBytes(key),
    );
    await this.send(stranger.key, "registry", "announce", [number, record]);
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
    const { service, tab: id } = other.terms;
    await this.send(collector.key, "cashier", "closeAsCollector", [
      payer.address,
      service,
      other.salt,
    ]);
    await this.send(payer.key, "cashier", "announceClosing", [tab.terms.service, tab.terms.tab]);
    await this.send(payer.key, "cashier", "collect", [rootServiceId(2n)]);
    await this.send(payer.key, "cashier", "forwardFees", []);
    await this.send(payer.key, "cashier", "withdraw", [bloc(300)]);
    return id;
  }

  /** Settles all services, reports a round that is not revealed, pays auditors out. */
  async settle() {
    const { chain } = this;
    for (const number of [1n, 2n, 3n]) {
      await this.send(stranger.key, "settlement", "settle", [number, this.epoch - 2]);
    }
    for (const auditor of [0, 2]) {
      await this.send(stranger.key, "proofOfService", "collect", [chain.auditors[auditor]!.owner]);
    }
  }

  /** An auditor commits and does not reveal. */
  async unrevealed() {
    const { chain } = this;
    const epoch = this.epoch;
    await chain.commit(epoch, 2, { 1: 3 });
    await chain.enter((this.epoch += 2));
    const args = [chain.auditors[2]!.owner, epoch] as const;
    const report = encodeFunctionData({
      ...{ abi: abis.proofOfService, functionName: "report", args },
    });
    await this.send(stranger.key, "proofOfService", "tryMulticall", [[report, report]]);
  }

  /** All of it, over 50 epochs. */
  async play() {
    await this.audit(14, (epoch, auditor) => ({ 1: 3, 2: ((epoch + auditor) % 4) as Grade, 3: 0 }));
    await this.challenge(2n);
    await this.change();
    await this.pay();
    await this.unrevealed();
    await this.settle();
    await this.audit(14, (epoch, auditor) =>
      auditor === 0 ? { 1: 2, 3: 1 } : { 1: 3, 2: 2, 3: (epoch % 3) as Grade },
    );
    while (this.epoch < FIRST + 50) await this.chain.enter((this.epoch += 1));
    await this.settle();
  }
}
