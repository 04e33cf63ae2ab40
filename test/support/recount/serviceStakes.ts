/** Stake of services (docs/protocol.md, sections 3.1 and 3.9). */
import { zeroAddress, type Address } from "viem";
import type { Books } from "./books.ts";
import { NOBODY } from "./figures.ts";
import { Trace } from "./trace.ts";
import { Unbonding } from "./unbonding.ts";

interface Stake {
  amount: Trace<bigint>;
  staker: Trace<Address>;
}

export class ServiceStakes {
  readonly #books: Books;
  readonly #stakes = new Map<bigint, Stake>();
  readonly #unbonding = new Map<string, Unbonding>();

  constructor(books: Books) {
    this.#books = books;
  }

  newest(number: bigint): bigint {
    return this.#of(number).amount.newest;
  }

  at(number: bigint, epoch: number): bigint {
    return this.#of(number).amount.at(epoch);
  }

  stakerAt(number: bigint, epoch: number): Address {
    return this.#of(number).staker.at(epoch);
  }

  stake(number: bigint, from: Address, amount: bigint): void {
    const { ledger, contracts, since } = this.#books;
    ledger.move(from, contracts.staking, amount);
    const stake = this.#of(number);
    if (stake.staker.newest === zeroAddress) stake.staker.set(since, from);
    this.#set(number, stake.amount.newest + amount);
  }

  unstake(number: bigint, amount: bigint): void {
    const stake = this.#of(number);
    const { terms, now } = this.#books;
    const staker = stake.staker.newest;
    const releaseAt = BigInt(now.time) + terms.unbondingSeconds;
    this.#waiting(number, staker).push(amount, releaseAt);
    this.#books.emit("staking", "UnbondingStarted", { beneficiary: staker, amount, releaseAt });
    this.#set(number, stake.amount.newest - amount);
  }

  /** After a sale or a retirement: all of it unbonds, and the service has no staker. */
  unbondAll(number: bigint): void {
    const amount = this.newest(number);
    if (amount > 0n) this.unstake(number, amount);
    this.#of(number).staker.set(this.#books.since, zeroAddress);
  }

  /** Whose stake a service has, or will have. */
  stakerOf(number: bigint): Address {
    return this.#of(number).staker.newest;
  }

  withdraw(number: bigint, staker: Address): void {
    const { ledger, contracts, now } = this.#books;
    const amount = this.#waiting(number, staker).ripe(BigInt(now.time));
    ledger.move(contracts.staking, staker, amount);
    this.#books.emit("staking", "Withdrawn", { beneficiary: staker, amount });
  }

  /** What is at stake first, then what is unbonding, the newest first. */
  slash(
    number: bigint,
    staker: Address,
    penalty: bigint,
    challenger: Address,
    resolver: Address,
  ): bigint {
    const { ledger, contracts } = this.#books;
    const stake = this.#of(number);
    const mine = stake.staker.newest === staker ? stake.amount.newest : 0n;
    const first = mine < penalty ? mine : penalty;
    if (first > 0n) this.#set(number, mine - first);
    const slashed = first + this.#waiting(number, staker).slash(penalty - first);
    const [theirs, resolvers] = [(slashed * 30n) / 100n, (slashed * 20n) / 100n];
    ledger.move(contracts.staking, challenger, theirs);
    ledger.move(contracts.staking, resolver, resolvers);
    ledger.move(contracts.staking, NOBODY, slashed - theirs - resolvers);
    const args = { number, staker, amount: slashed, challenger, resolver };
    this.#books.emit("staking", "ServiceSlashed", args);
    return slashed;
  }

  #set(number: bigint, stake: bigint): void {
    const { since } = this.#books;
    this.#of(number).amount.set(since, stake);
    this.#books.emit("staking", "ServiceStakeChanged", { number, since, stake });
  }

  #of(number: bigint): Stake {
    const known = this.#stakes.get(number);
    if (known !== undefined) return known;
    const stake = { amount: new Trace(0n), staker: new Trace<Address>(zeroAddress) };
    this.#stakes.set(number, stake);
    return stake;
  }

  #waiting(number: bigint, staker: Address): Unbonding {
    const key = `${number}/${staker}`;
    const known = this.#unbonding.get(key);
    if (known !== undefined) return known;
    const unbonding = new Unbonding();
    this.#unbonding.set(key, unbonding);
    return unbonding;
  }
}
