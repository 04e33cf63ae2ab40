/** Auditors: stake, enrolment, operators and tips (docs/protocol.md, sections 3.1, 3.3 and 3.11). */
import { zeroAddress, type Address, type Hex } from "viem";
import type { Books } from "./books.ts";
import { NOBODY } from "./figures.ts";
import { Trace } from "./trace.ts";
import { Unbonding } from "./unbonding.ts";

export interface Auditor {
  address: Address;
  stake: Trace<bigint>;
  enrolled: Trace<boolean>;
  operator: Address;
  tips: { tip: Hex; since: number }[];
  /** The newest element that was shown. */
  shown: { element: Hex; epoch: number } | undefined;
  unbonding: Unbonding;
  earned: bigint;
}

export class Auditors {
  readonly all = new Map<Address, Auditor>();
  readonly #books: Books;

  constructor(books: Books) {
    this.#books = books;
  }

  auditor(address: Address): Auditor {
    const known = this.all.get(address);
    if (known !== undefined) return known;
    const auditor: Auditor = {
      address,
      stake: new Trace(0n),
      enrolled: new Trace(false),
      operator: zeroAddress,
      tips: [],
      shown: undefined,
      unbonding: new Unbonding(),
      earned: 0n,
    };
    this.all.set(address, auditor);
    return auditor;
  }

  /** The stake of an auditor in an epoch, as far as it is enrolled. */
  countedStake(address: Address, epoch: number): bigint {
    const { stake, enrolled } = this.auditor(address);
    return enrolled.at(epoch) ? stake.at(epoch) : 0n;
  }

  enrolledStake(epoch: number): bigint {
    return [...this.all.keys()].reduce((sum, each) => sum + this.countedStake(each, epoch), 0n);
  }

  stake(from: Address, amount: bigint): void {
    this.#books.ledger.move(from, this.#books.contracts.staking, amount);
    this.#set(from, this.auditor(from).stake.newest + amount);
  }

  unstake(from: Address, amount: bigint): void {
    const { terms, now } = this.#books;
    const releaseAt = BigInt(now.time) + terms.unbondingSeconds;
    this.auditor(from).unbonding.push(amount, releaseAt);
    this.#books.emit("staking", "UnbondingStarted", { beneficiary: from, amount, releaseAt });
    this.#set(from, this.auditor(from).stake.newest - amount);
  }

  withdraw(address: Address): void {
    const { ledger, contracts, now } = this.#books;
    const amount = this.auditor(address).unbonding.ripe(BigInt(now.time));
    ledger.move(contracts.staking, address, amount);
    this.#books.emit("staking", "Withdrawn", { beneficiary: address, amount });
  }

  enrol(from: Address, tip: Hex, operator: Address): void {
    const auditor = this.auditor(from);
    const { since } = this.#books;
    const enough = auditor.stake.newest >= this.#books.terms.minimumAuditorStake;
    this.#books.require("enrol: the least stake", enough, { party: from });
    auditor.operator = operator;
    auditor.tips.push({ tip, since });
    if (!auditor.enrolled.newest) {
      auditor.enrolled.set(since, true);
      this.#books.emit("staking", "AuditorEnrolled", { auditor: from, since });
    }
    this.#books.emit("proofOfService", "TipRegistered", { auditor: from, operator, tip, since });
  }

  setOperator(from: Address, operator: Address): void {
    this.auditor(from).operator = operator;
    this.#books.emit("proofOfService", "OperatorSet", { auditor: from, operator });
  }

  lapse(address: Address): void {
    const { since } = this.#books;
    this.auditor(address).enrolled.set(since, false);
    this.#books.emit("staking", "AuditorLapsed", { auditor: address, since });
  }

  /** Half of a slash, rounded down, goes to the reporter, the rest is burned. */
  slash(address: Address, penalty: bigint, prover: Address): void {
    const auditor = this.auditor(address);
    const { ledger, contracts } = this.#books;
    const staked = auditor.stake.newest;
    const first = staked < penalty ? staked : penalty;
    if (first > 0n) this.#set(address, staked - first);
    const amount = first + auditor.unbonding.slash(penalty - first);
    ledger.move(contracts.staking, prover, amount / 2n);
    ledger.move(contracts.staking, NOBODY, amount - amount / 2n);
    this.#books.emit("staking", "AuditorSlashed", { auditor: address, amount, prover });
  }

  #set(address: Address, stake: bigint): void {
    const auditor = this.auditor(address);
    const { since } = this.#books;
    auditor.stake.set(since, stake);
    this.#books.emit("staking", "AuditorStakeChanged", { auditor: address, since, stake });
    if (stake === 0n && auditor.enrolled.newest) this.lapse(address);
  }
}
