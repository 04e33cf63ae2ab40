import {
  ContractFunctionRevertedError,
  encodeAbiParameters,
  encodeErrorResult,
  encodeEventTopics,
  zeroAddress,
  type Abi,
  type Address,
  type Hex,
  type TransactionReceipt,
} from "viem";
import type { CollectorChain } from "../../../src/cashier/collector/chain.ts";
import type { CollectorSender } from "../../../src/cashier/collector/opener.ts";
import type { TabOpening } from "../../../src/cashier/tabs.ts";
import type { Account, TabName, TabView } from "../../../src/chain/cashier/cashier.ts";
import type { Call } from "../../../src/chain/transactions/call.ts";
import { describeRevert } from "../../../src/chain/transactions/revert.ts";
import { cashierAbi } from "../../../src/protocol/abi/cashier.ts";
import { hexToBytes } from "../../../src/protocol/bytes.ts";
import { epochAt, RING } from "../../../src/protocol/epoch.ts";
import { recoverSigner } from "../../../src/protocol/signature.ts";
import type { Grade } from "../../../src/protocol/tally.ts";
import {
  DUE_AFTER,
  LONGEST_TAB_S,
  NOTICE_S,
  OPEN_AHEAD_S,
  REDEMPTION_S,
  tabDigest,
  tabOf,
  voucherPay,
  voucherSigner,
  type Redemption,
} from "../../../src/protocol/voucher.ts";
import type { FakeTime } from "../../support/fakeTime.ts";

/** Its errors and events are named at run time here. */
const abi: Abi = cashierAbi;
const NONE: TabView = {
  ...{ state: "None", signer: zeroAddress, limit: 0n, redeemed: 0n, passed: 0n },
  ...{ endsAt: 0, redeemableUntil: REDEMPTION_S },
};

/**
 * The Cashier's rules in memory, for tests that need thousands of chains; `contract.test.ts` plays the same stories on
 * the contract. `fault` may throw before a transaction is mined (`"send"`) and after it (`"receipt"`).
 */
export class FakeCashier implements CollectorChain {
  readonly time: FakeTime;
  readonly separator: Uint8Array;
  readonly accounts = new Map<Address, { free: bigint; reserved: bigint }>();
  readonly sessions = new Map<string, { left: bigint; expiresAt: number }>();
  /** What a payer's contract says of a signature (ERC-1271). */
  readonly codes = new Map<Address, (digest: Uint8Array, signature: Hex) => boolean>();
  /** The verdicts with quorum, by epoch. */
  readonly verdicts = new Map<number, Grade>();
  readonly tabs = new Map<string, TabView>();
  readonly mined: { functionName: string; args: readonly unknown[] }[] = [];
  earned = 0n;
  collected = 0n;
  gasPrice = 1n;
  fault: (moment: "read" | "send" | "receipt", name: string) => void = () => undefined;

  constructor(time: FakeTime, separator: Uint8Array) {
    this.time = time;
    this.separator = separator;
  }

  /** BLOC in wei. */
  deposit(payer: Address, amount: bigint): void {
    this.#account(payer).free += amount;
  }

  withdraw(payer: Address, amount = this.#account(payer).free): void {
    this.#account(payer).free -= amount;
  }

  authorizeSigner(payer: Address, signer: Address, left: bigint, expiresAt = 2 ** 40 - 1): void {
    this.sessions.set(`${payer}/${signer}`, { left, expiresAt });
  }

  revokeSigner(payer: Address, signer: Address): void {
    this.sessions.delete(`${payer}/${signer}`);
  }

  announceClosing(name: TabName): void {
    const view = this.#view(name);
    const until = Math.min(this.#now + NOTICE_S, view.redeemableUntil);
    this.tabs.set(key(name), { ...view, state: "Closing", endsAt: until, redeemableUntil: until });
  }

  async accountOf(payer: Address): Promise<Account> {
    this.fault("read", "accountOf");
    const { free, reserved } = this.#account(payer);
    return { free, reserved, balance: free + reserved };
  }

  async signerOf(payer: Address, signer: Address): Promise<{ left: bigint; expiresAt: number }> {
    this.fault("read", "signerOf");
    return this.sessions.get(`${payer}/${signer}`) ?? { left: 0n, expiresAt: 0 };
  }

  async tabOf(name: TabName): Promise<TabView> {
    this.fault("read", "tabOf");
    return this.#view(name);
  }

  async earnedOf(): Promise<bigint> {
    this.fault("read", "earnedOf");
    return this.earned;
  }

  async verdictOf(_: Hex, epoch: number): Promise<number | undefined> {
    this.fault("read", "verdictOf");
    return this.verdicts.get(epoch);
  }

  async gradeOf(_: Hex, epoch: number): Promise<Grade | undefined> {
    this.fault("read", "gradeOf");
    return this.#grade(epoch);
  }

  async openingRefusal(
    opening: TabOpening,
    collector: Address,
  ): Promise<{ name: string; args: readonly unknown[] } | undefined> {
    this.fault("read", "openingRefusal");
    try {
      this.#checkOpening(opening, collector);
      return undefined;
    } catch (error) {
      if (error instanceof Refusal) return { name: error.reason, args: error.args };
      throw error;
    }
  }

  /** Sends the collector's transactions. */
  sender(address: Address): CollectorSender {
    return {
      address,
      gasPrice: async () => this.gasPrice,
      send: async (call) => {
        this.fault("send", call.functionName);
        let receipt: TransactionReceipt;
        try {
          receipt = this.#run(call as Call, address);
        } catch (error) {
          if (error instanceof Refusal)
            throw describeRevert(call.functionName, error.asViem(call.functionName));
          throw error;
        }
        this.mined.push({ functionName: call.functionName, args: (call as Call).args });
        this.fault("receipt", call.functionName);
        return receipt;
      },
    };
  }

  #run({ functionName, args }: Call, sender: Address): TransactionReceipt {
    const logs: unknown[] = [];
    if (functionName === "openTab") {
      const [authorization, salt, signature] = args as [TabOpening["authorization"], Hex, Hex];
      this.#open({ authorization, salt, signature }, sender);
    } else if (functionName === "redeemBatch") {
      for (const [index, item] of (args[0] as Redemption[]).entries())
        logs.push(this.#redeem(index, item, sender));
    } else if (functionName === "collect") {
      this.collected += this.earned;
      this.earned = 0n;
    } else if (functionName === "closeAsCollector") {
      const [payer, service, salt] = args as [Address, Hex, Hex];
      this.#close({ payer, service, tab: tabOf(sender, salt) });
    } else throw new Error(`not played here: ${functionName}`);
    return { logs, gasUsed: 0n } as unknown as TransactionReceipt;
  }

  #open(opening: TabOpening, sender: Address): void {
    const { added, session } = this.#checkOpening(opening, sender);
    const { authorization } = opening;
    const { signer, limit, expiresAt } = authorization;
    const account = this.#account(authorization.payer);
    account.free -= added;
    account.reserved += added;
    if (session !== undefined) session.left -= added;
    const view = this.#view(authorization);
    this.tabs.set(key(authorization), {
      ...{ ...view, state: "Open", signer, limit },
      ...{ endsAt: expiresAt, redeemableUntil: expiresAt + REDEMPTION_S },
    });
  }

  #checkOpening({ authorization, salt, signature }: TabOpening, sender: Address) {
    const { payer, tab, signer, limit, openBy, expiresAt } = authorization;
    const now = this.#now;
    const view = this.#view(authorization);
    if (tab !== tabOf(sender, salt)) throw new Refusal("CashierNotCollector", [tab, sender, salt]);
    if (now > openBy) throw new Refusal("CashierTabLate", [tab, BigInt(openBy)]);
    if (openBy > now + OPEN_AHEAD_S) throw new Refusal("CashierTabOpenBy", [tab, 1n, 0n]);
    if (expiresAt <= now || expiresAt > now + LONGEST_TAB_S)
      throw new Refusal("CashierTabExpiry", [tab, 1n, 0n]);
    if (view.state === "Closed")
      throw new Refusal("CashierTabDead", [tab, payer, authorization.service]);
    if (view.state === "Closing") throw new Refusal("CashierTabIsClosing", [tab]);
    if (view.state === "Open") {
      const isRaise =
        limit >= view.limit &&
        expiresAt >= view.endsAt &&
        (limit > view.limit || expiresAt > view.endsAt);
      if (!isRaise) throw new Refusal("CashierTabNotRaised", [tab, view.limit, 0n]);
    }
    const added = limit - view.limit;
    const { free } = this.#account(payer);
    if (added > free) throw new Refusal("CashierNotFree", [payer, added, free]);
    const digest = tabDigest(this.separator, authorization);
    const recovered = recoverSigner(digest, hexToBytes(signature));
    if (recovered === payer) return { added, session: undefined };
    const session = this.sessions.get(`${payer}/${recovered}`);
    const isLive = recovered === signer && session !== undefined && session.expiresAt >= now;
    if (isLive && session.left >= added) return { added, session };
    if (this.codes.get(payer)?.(digest, signature) === true) return { added, session: undefined };
    if (isLive) throw new Refusal("CashierSignerLimit", [payer, recovered, added, session.left]);
    throw new Refusal("CashierTabSignature", [tab, payer]);
  }

  #redeem(index: number, item: Redemption, sender: Address): unknown {
    const { voucher } = item;
    const { payer, service, tab, cumulative } = voucher;
    const reason = this.#refusal(item, sender);
    if (reason !== undefined) {
      const data = encodeErrorResult({ abi, ...reason });
      return log("RedemptionSkipped", { index: BigInt(index), tab }, ["bytes"], [data]);
    }
    const view = this.#view(voucher);
    const { amount, passed } = voucherPay(voucher, view.redeemed);
    this.tabs.set(key(voucher), {
      ...view,
      redeemed: cumulative,
      passed: view.passed + passed,
    });
    this.earned += amount;
    const values = [cumulative, amount];
    return log("Redeemed", { payer, service, tab }, ["uint256", "uint256"], values);
  }

  #refusal(item: Redemption, sender: Address): { errorName: string; args: unknown[] } | undefined {
    const { voucher, salt } = item;
    const { tab, cumulative, base, minGrade, epoch } = voucher;
    const { state, limit, redeemed, signer, redeemableUntil } = this.#view(voucher);
    const no = (errorName: string, a = 0n, b = 0n) => ({ errorName, args: [tab, a, b] });
    if (tab !== tabOf(sender, salt))
      return { errorName: "CashierNotCollector", args: [tab, sender, salt] };
    if (state !== "Open" && state !== "Closing")
      return { errorName: "CashierTabUnknown", args: [tab, voucher.payer, voucher.service] };
    if (this.#now > redeemableUntil) return no("CashierTabOver");
    if (cumulative > limit) return no("CashierOverLimit", cumulative, limit);
    if (cumulative <= redeemed) return no("CashierNotHigher", cumulative, redeemed);
    if (base >= cumulative) return no("CashierBase", base, cumulative);
    const recovered = voucherSigner(this.separator, item);
    if (recovered !== signer)
      return { errorName: "CashierVoucherSigner", args: [tab, recovered ?? zeroAddress, signer] };
    if (minGrade === 0) return undefined;
    const current = epochAt(this.time.timing, this.#now);
    if (current < epoch + DUE_AFTER) return no("CashierNotDue");
    const grade = this.#grade(epoch);
    if (grade === undefined)
      return { errorName: "CashierNoVerdict", args: [tab, voucher.service, BigInt(epoch)] };
    return grade < minGrade ? no("CashierGradeMissed") : undefined;
  }

  #grade(epoch: number): Grade | undefined {
    const current = epochAt(this.time.timing, this.#now);
    if (current < epoch + DUE_AFTER || current > epoch + RING - 1) return undefined;
    const three = [epoch - 1, epoch, epoch + 1].flatMap((each) => this.verdicts.get(each) ?? []);
    const sorted = [...three].sort((a, b) => a - b);
    return sorted[sorted.length === 3 ? 1 : sorted.length - 1];
  }

  #close(name: TabName): void {
    const view = this.#view(name);
    const account = this.#account(name.payer);
    account.free += view.limit - (view.redeemed - view.passed);
    account.reserved -= view.limit;
    this.tabs.set(key(name), { ...view, state: "Closed", signer: zeroAddress, passed: 0n });
  }

  #view(name: TabName): TabView {
    return this.tabs.get(key(name)) ?? NONE;
  }

  #account(payer: Address): { free: bigint; reserved: bigint } {
    const account = this.accounts.get(payer) ?? { free: 0n, reserved: 0n };
    this.accounts.set(payer, account);
    return account;
  }

  get #now(): number {
    return this.time.head().timestamp;
  }
}

class Refusal extends Error {
  readonly reason: string;
  readonly args: readonly unknown[];

  constructor(reason: string, args: readonly unknown[]) {
    super(reason);
    this.reason = reason;
    this.args = args;
  }

  asViem(functionName: string): Error {
    const data = encodeErrorResult({
      abi,
      errorName: this.reason,
      args: this.args,
    });
    return new ContractFunctionRevertedError({ abi, data, functionName });
  }
}

function key({ payer, service, tab }: TabName): string {
  return [payer, service, tab].join("/").toLowerCase();
}

function log(
  eventName: "Redeemed" | "RedemptionSkipped",
  indexed: Record<string, unknown>,
  types: readonly string[],
  values: readonly unknown[],
): unknown {
  const topics = encodeEventTopics({ abi, eventName, args: indexed });
  const data = encodeAbiParameters(
    types.map((type) => ({ type })),
    values,
  );
  return { topics, data };
}
