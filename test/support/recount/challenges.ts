/** Challenges and their bonds (docs/protocol.md, section 3.9). */
import { recoverTypedDataAddress, sliceHex, type Address, type Hex } from "viem";
import type { Books } from "./books.ts";
import type { Call } from "./calls.ts";
import type { Epochs } from "./epochs.ts";
import { NOBODY } from "./figures.ts";
import { questionOf } from "./hashes.ts";
import type { Registry } from "./registry.ts";
import type { ServiceStakes } from "./serviceStakes.ts";
import { RING, SEED_EPOCHS } from "./terms.ts";

interface Challenge {
  number: bigint;
  challenger: Address;
  openedIn: number;
  key: Address;
  staker: Address;
  penalty: bigint;
}

const PENALTY_PERCENT = 2n;
const BOND_BURN_PERCENT = 20n;
const responseTypes = {
  ChallengeResponse: [
    { name: "challenge", type: "uint256" },
    { name: "nonce", type: "bytes32" },
  ],
} as const;

export class Challenges {
  readonly all: Challenge[] = [];
  /** The end of the pause after a service was found silent. */
  readonly #quietUntil = new Map<bigint, bigint>();
  readonly #books: Books;
  readonly #registry: Registry;
  readonly #stakes: ServiceStakes;
  readonly #epochs: Epochs;

  constructor(books: Books, parts: { registry: Registry; stakes: ServiceStakes; epochs: Epochs }) {
    this.#books = books;
    this.#registry = parts.registry;
    this.#stakes = parts.stakes;
    this.#epochs = parts.epochs;
  }

  async apply({ from, functionName, args }: Call): Promise<boolean> {
    const id = args[0] as bigint;
    switch (functionName) {
      case "challenge":
      case "challengeWithPermit":
        this.#open(from, id);
        return true;
      case "respond":
        await this.#respond(id, args[1] as Hex);
        return true;
      case "resolve":
        this.#resolve(id, from);
        return true;
      case "annul":
        this.#annul(id);
        return true;
      default:
        return false;
    }
  }

  #of(id: bigint): Challenge {
    const challenge = this.all[Number(id) - 1];
    if (challenge === undefined) throw new Error(`challenge ${id} was never opened`);
    return challenge;
  }

  #open(challenger: Address, number: bigint): void {
    const { ledger, contracts, terms, now } = this.#books;
    const service = this.#registry.service(number);
    const openedIn = now.epoch;
    this.#books.require("challenge: of an active service", service.active.at(openedIn), {
      epoch: openedIn,
      party: `service ${number}`,
    });
    const quiet = this.#quietUntil.get(number) ?? 0n;
    const paused = BigInt(now.time) < quiet;
    this.#books.require("challenge: after the pause", !paused, { party: `service ${number}` });
    const stake = this.#stakes.at(number, openedIn);
    const key = service.key.at(openedIn);
    this.all.push({
      number,
      challenger,
      openedIn,
      key,
      staker: this.#stakes.stakerAt(number, openedIn),
      penalty: (stake * PENALTY_PERCENT + 99n) / 100n,
    });
    ledger.move(challenger, contracts.challengeBook, terms.bond);
    const id = BigInt(this.all.length);
    this.#books.emit("challengeBook", "ChallengeOpened", { id, number, challenger, key });
  }

  async #respond(id: bigint, proof: Hex): Promise<void> {
    const { ledger, contracts, terms, record, now, figures } = this.#books;
    const { number, key, openedIn } = this.#of(id);
    const asked = this.#epochs.askedIn(openedIn)!;
    const about = { epoch: asked.epoch, party: `challenge ${id}` };
    const inTime = now.time <= asked.recordedAt + Number(terms.windowSeconds);
    this.#books.require("respond: in time", inTime, about);
    const signer = await recoverTypedDataAddress({
      domain: {
        name: "Blockcloud",
        version: "1",
        chainId: record.chainId,
        verifyingContract: contracts.registry,
      },
      types: responseTypes,
      primaryType: "ChallengeResponse",
      message: { challenge: id, nonce: questionOf(asked.seed, id) },
      signature: sliceHex(proof, 32),
    });
    figures.check({ what: "respond: signer", ...about }, key, signer);
    const payout = this.#registry.payee(this.#registry.service(number));
    const burned = (terms.bond * BOND_BURN_PERCENT + 99n) / 100n;
    const amount = terms.bond - burned;
    ledger.move(contracts.challengeBook, NOBODY, burned);
    ledger.move(contracts.challengeBook, payout, amount);
    this.#books.emit("challengeBook", "ChallengeAnswered", { id, number, payout, amount });
  }

  #resolve(id: bigint, resolver: Address): void {
    const { ledger, contracts, terms, now } = this.#books;
    const { number, challenger, openedIn, staker, penalty } = this.#of(id);
    const asked = this.#epochs.askedIn(openedIn);
    const deadline = asked && asked.recordedAt + Number(terms.windowSeconds);
    const late = deadline !== undefined && now.time > deadline;
    this.#books.require("resolve: after the deadline", late || now.epoch >= openedIn + RING, {
      epoch: openedIn,
      party: `challenge ${id}`,
    });
    this.#quietUntil.set(number, BigInt(now.time) + terms.coolDownSeconds);
    const slashed = this.#stakes.slash(number, staker, penalty, challenger, resolver);
    ledger.move(contracts.challengeBook, challenger, terms.bond);
    const service = this.#registry.service(number);
    const same = this.#stakes.stakerOf(number) === staker;
    if (same && !service.suspended) this.#registry.suspend(number);
    else this.#registry.sync(number);
    const args = { id, number, slashed, resolver };
    this.#books.emit("challengeBook", "ChallengeUnanswered", args);
  }

  #annul(id: bigint): void {
    const { ledger, contracts, terms, now } = this.#books;
    const { number, challenger, openedIn } = this.#of(id);
    const about = { epoch: openedIn, party: `challenge ${id}` };
    const inTime = now.epoch > openedIn + SEED_EPOCHS && now.epoch < openedIn + RING;
    this.#books.require("annul: in time", inTime, about);
    const asked = this.#epochs.askedIn(openedIn) !== undefined;
    this.#books.require("annul: without a question", !asked, about);
    ledger.move(contracts.challengeBook, challenger, terms.bond);
    this.#books.emit("challengeBook", "ChallengeAnnulled", { id, number });
  }
}
