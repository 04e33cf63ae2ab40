/** Plays a record again, by the rules of docs/protocol.md alone. */
import type { Address, Hex } from "viem";
import { Auditors } from "./auditors.ts";
import { Books } from "./books.ts";
import { callsOf, eventsOf, type Call } from "./calls.ts";
import { Cashier } from "./cashier.ts";
import { Challenges } from "./challenges.ts";
import { Claims } from "./claims.ts";
import { Epochs } from "./epochs.ts";
import { NOBODY, type Event, type Figures } from "./figures.ts";
import type { Chunk, Sample } from "./hashes.ts";
import { Pool } from "./pool.ts";
import type { ChainRecord, RawBlock, RawTransaction } from "./record.ts";
import { Registry } from "./registry.ts";
import { Rounds } from "./rounds.ts";
import { ServiceStakes } from "./serviceStakes.ts";
import { Settlement } from "./settlement.ts";
import { INITIAL_SUPPLY, REWARD_SUPPLY, type Terms } from "./terms.ts";

/** Events that the recount predicts; the others say what it does not follow. */
const PREDICTED = new Set([
  ...["registry.ServiceRegistered", "registry.Transfer", "registry.ActivityChanged"],
  ...["registry.SlotTaken", "registry.SlotReleased", "registry.ServiceSuspended"],
  ...["staking.ServiceStakeChanged", "staking.AuditorStakeChanged", "staking.UnbondingStarted"],
  ...["staking.Withdrawn", "staking.AuditorEnrolled", "staking.AuditorLapsed"],
  ...["staking.AuditorSlashed", "staking.ServiceSlashed"],
  ...["proofOfService.TipRegistered", "proofOfService.OperatorSet", "proofOfService.Ticked"],
  ...["proofOfService.Committed", "proofOfService.Revealed", "proofOfService.Claimed"],
  ...["proofOfService.Collected", "proofOfService.Reported"],
  ...["rewardPool.Reserved", "rewardPool.Contributed", "rewardPool.Paid"],
  ...["settlement.Settled", "settlement.Suspended"],
  ...["challengeBook.ChallengeOpened", "challengeBook.ChallengeAnswered"],
  ...["challengeBook.ChallengeUnanswered", "challengeBook.ChallengeAnnulled"],
  ...["cashier.Deposited", "cashier.Withdrawn", "cashier.SignerAuthorized"],
  ...["cashier.SignerRevoked", "cashier.TabOpened", "cashier.TabRaised", "cashier.TabClosing"],
  ...["cashier.TabClosed", "cashier.Redeemed", "cashier.RedemptionSkipped"],
  ...["cashier.Collected", "cashier.FeesForwarded"],
]);

/** The state of a deployment, recounted. */
export class Replay {
  readonly books: Books;
  readonly stakes: ServiceStakes;
  readonly registry: Registry;
  readonly auditors: Auditors;
  readonly pool: Pool;
  readonly epochs: Epochs;
  readonly rounds: Rounds;
  readonly claims: Claims;
  readonly settlement: Settlement;
  readonly challenges: Challenges;
  readonly cashier: Cashier;
  /** When the block that deployed the registry was made. */
  genesis: number | null = null;

  private constructor(record: ChainRecord, terms: Terms, figures: Figures) {
    this.books = new Books(record, terms, figures);
    this.stakes = new ServiceStakes(this.books);
    this.registry = new Registry(this.books, this.stakes);
    this.auditors = new Auditors(this.books);
    this.pool = new Pool(this.books);
    this.epochs = new Epochs(this.books, this);
    this.rounds = new Rounds(this.books, this);
    this.claims = new Claims(this.books, this);
    this.settlement = new Settlement(this.books, this);
    this.challenges = new Challenges(this.books, this);
    this.cashier = new Cashier(this.books, this);
  }

  /** Plays a whole record; what differs from its events is in `figures`. */
  static async of(record: ChainRecord, terms: Terms, figures: Figures): Promise<Replay> {
    const replay = new Replay(record, terms, figures);
    for (const block of record.blocks) {
      for (const transaction of block.transactions) await replay.#play(block, transaction);
    }
    return replay;
  }

  async #play(block: RawBlock, transaction: RawTransaction): Promise<void> {
    const { books } = this;
    const { contracts, figures } = books;
    books.now = { time: block.timestamp, epoch: books.epochAt(block.timestamp) };
    const { created } = transaction;
    if (created === contracts.registry) this.genesis = block.timestamp;
    const events = eventsOf(transaction, contracts);
    const about = { what: "transaction", party: `${transaction.hash} in block ${block.number}` };
    if (created === contracts.token) this.#mint(events);
    for (const call of callsOf(transaction, contracts, events)) {
      const name = `${call.contract}.${call.functionName}`;
      try {
        if (await this.#apply(call)) continue;
        figures.differ(about, "a call that the recount covers", name);
      } catch (error) {
        // Such as a claim of a round that was never committed to: the chain took it, the page does not.
        figures.differ(about, "a call that can be recounted", `${name}: ${String(error)}`);
      }
    }
    const seen = events.filter(({ contract, eventName }) =>
      PREDICTED.has(`${contract}.${eventName}`),
    );
    figures.events(books.takeExpected(), seen, about);
    this.#compareMoves(events, about.party);
  }

  /** The supply at deployment: the pool's part is fixed, the deployment names the treasury. */
  #mint(events: readonly Event[]): void {
    const { ledger, contracts } = this.books;
    ledger.move(NOBODY, contracts.rewardPool, REWARD_SUPPLY);
    const treasury = transfersOf(events).find(({ to }) => to !== contracts.rewardPool);
    if (treasury !== undefined) ledger.move(NOBODY, treasury.to, INITIAL_SUPPLY - REWARD_SUPPLY);
  }

  /** What each holder of BLOC gained or lost in a transaction. */
  #compareMoves(events: readonly Event[], transaction: string): void {
    const found = new Map<Address, bigint>();
    for (const { from, to, value } of transfersOf(events)) {
      found.set(from, (found.get(from) ?? 0n) - value);
      found.set(to, (found.get(to) ?? 0n) + value);
    }
    const expected = this.books.ledger.takeMoved();
    for (const holder of new Set([...expected.keys(), ...found.keys()])) {
      const who = holder === NOBODY ? "the zero address (minted or burned)" : holder;
      const party = `${who}, transaction ${transaction}`;
      const about = { what: "BLOC received or paid", epoch: this.books.now.epoch, party };
      this.books.figures.check(about, expected.get(holder) ?? 0n, found.get(holder) ?? 0n);
    }
  }

  async #apply(call: Call): Promise<boolean> {
    switch (call.contract) {
      case "registry":
        return this.registry.apply(call) || ["wire", "addClass"].includes(call.functionName);
      case "challengeBook":
        return this.challenges.apply(call);
      case "cashier":
        return this.cashier.apply(call);
      case "token":
        return this.#token(call);
      case "staking":
        return this.#staking(call);
      case "proofOfService":
        return this.#proofOfService(call);
      default:
        return this.#others(call);
    }
  }

  #token({ from, functionName, args }: Call): boolean {
    const { ledger } = this.books;
    switch (functionName) {
      case "transfer":
        ledger.move(from, args[0] as Address, args[1] as bigint);
        this.cashier.received(args[0] as Address, args[1] as bigint);
        return true;
      case "transferFrom":
      case "transferWithAuthorization":
      case "receiveWithAuthorization":
        ledger.move(args[0] as Address, args[1] as Address, args[2] as bigint);
        this.cashier.received(args[1] as Address, args[2] as bigint);
        return true;
      case "burn":
        ledger.move(from, NOBODY, args[0] as bigint);
        return true;
      case "burnFrom":
        ledger.move(args[0] as Address, NOBODY, args[1] as bigint);
        return true;
      default:
        return ["approve", "permit", "cancelAuthorization"].includes(functionName);
    }
  }

  #staking({ from, functionName, args }: Call): boolean {
    switch (functionName) {
      case "stakeService":
      case "stakeServiceWithPermit":
        this.stakes.stake(args[0] as bigint, from, args[1] as bigint);
        this.registry.sync(args[0] as bigint);
        return true;
      case "unstakeService":
        this.stakes.unstake(args[0] as bigint, args[1] as bigint);
        this.registry.sync(args[0] as bigint);
        return true;
      case "withdrawService":
        this.stakes.withdraw(args[0] as bigint, args[1] as Address);
        return true;
      case "stakeAuditor":
      case "stakeAuditorWithPermit":
        this.auditors.stake(from, args[0] as bigint);
        return true;
      case "unstakeAuditor":
        this.auditors.unstake(from, args[0] as bigint);
        return true;
      case "withdrawAuditor":
        this.auditors.withdraw(args[0] as Address);
        return true;
      default:
        return functionName === "wire";
    }
  }

  async #proofOfService({ from, functionName, args }: Call): Promise<boolean> {
    switch (functionName) {
      case "enrol":
        this.auditors.enrol(from, args[0] as Hex, args[1] as Address);
        return true;
      case "setOperator":
        this.auditors.setOperator(from, args[0] as Address);
        return true;
      case "tick":
        this.epochs.tick(from, args[0] as Hex, args[1] as Hex);
        return true;
      case "commit":
        this.rounds.commit(from, args[0] as Address, args[1] as number, args[2] as Hex);
        return true;
      case "reveal":
        this.rounds.reveal(args[0] as Chunk);
        return true;
      case "claim":
        await this.claims.claim(args[0] as Chunk, args[1] as number, args[2] as Sample[]);
        return true;
      case "collect":
        this.claims.collect(args[0] as Address);
        return true;
      case "report":
        this.claims.report(from, args[0] as Address, args[1] as number);
        return true;
      case "lapse":
        this.claims.lapse(args[0] as Address);
        return true;
      default:
        return functionName === "wire";
    }
  }

  #others({ contract, from, functionName, args }: Call): boolean {
    switch (`${contract}.${functionName}`) {
      case "settlement.settle":
        this.settlement.settle(args[0] as bigint, args[1] as number);
        return true;
      case "settlement.suspend":
        this.settlement.suspend(args[0] as bigint, args[1] as number);
        return true;
      case "rewardPool.contribute":
        this.pool.contribute(from, args[0] as bigint);
        return true;
      case "labels.setLabel":
      case "labels.setLabelWithPermit": {
        const length = new TextEncoder().encode(args[1] as string).length;
        this.books.ledger.move(
          from,
          NOBODY,
          this.books.terms.labelPrices[Math.min(length, 5) - 1]!,
        );
        return true;
      }
      default:
        return functionName === "wire" || functionName === "commitLabel";
    }
  }
}

function transfersOf(events: readonly Event[]): { from: Address; to: Address; value: bigint }[] {
  return events
    .filter(({ contract, eventName }) => contract === "token" && eventName === "Transfer")
    .map(({ args }) => args as { from: Address; to: Address; value: bigint });
}
