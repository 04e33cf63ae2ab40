import { keccak256, stringToHex, toHex, type Address, type Hex } from "viem";
import { devKey } from "../../devnet/devnet.ts";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { signPermit } from "../../src/protocol/permit.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { signTransfer } from "../../src/protocol/transferAuthorization.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import {
  cashierDomain,
  cashierSeparator,
  signTab,
  signVoucher,
  tabOf,
  type Redemption,
  type TabAuthorization,
} from "../../src/protocol/voucher.ts";
import type { BenchChain } from "../chain.ts";
import { keyOf } from "../fleet.ts";

const DAY_S = 86_400;
/** A payer, with its key and that of its vouchers. */
export class BenchPayer {
  readonly address: Address;
  readonly #chain: BenchChain;
  readonly #key: Hex;
  readonly #signer: Hex;
  readonly #separator: Uint8Array;

  constructor(chain: BenchChain, name: string) {
    this.#chain = chain;
    this.#key = keyOf(name);
    this.#signer = keyOf(`${name}'s vouchers`);
    this.address = addressOfKey(this.#key);
    const { chainId, contracts } = chain.deployment;
    this.#separator = cashierSeparator(cashierDomain(BigInt(chainId), contracts.cashier));
  }

  /** The key that signs its vouchers. */
  get signer(): Address {
    return addressOfKey(this.#signer);
  }

  /** Gives it BLOC. */
  async fund(amount: bigint): Promise<void> {
    const args = [this.address, amount];
    const call = { contract: "token", functionName: "transfer", args } as const;
    await this.#chain.send({ from: devKey(0).address, ...call });
  }

  /** The arguments of `depositWithPermit`. */
  async permit(amount: bigint): Promise<readonly unknown[]> {
    const nonce = await this.#chain.read<bigint>("token", "nonces", [this.address]);
    const terms = {
      owner: this.address,
      spender: this.#chain.deployment.contracts.cashier,
      value: amount,
      nonce,
      deadline: (await this.#now()) + 3_600n,
    };
    return [amount, signPermit(this.#tokenDomain(), terms, hexToBytes(this.#key))];
  }

  /** The arguments of `depositWithAuthorization`. */
  async authorization(amount: bigint, name: string): Promise<readonly unknown[]> {
    const message = {
      from: this.address,
      to: this.#chain.deployment.contracts.cashier,
      value: amount,
      validAfter: 0n,
      validBefore: (await this.#now()) + 3_600n,
      nonce: keccak256(stringToHex(name)),
    };
    const key = hexToBytes(this.#key);
    const domain = this.#tokenDomain();
    const signature = signTransfer(domain, "ReceiveWithAuthorization", message, key);
    const { from, value, validAfter, validBefore, nonce } = message;
    return [from, value, validAfter, validBefore, nonce, signature];
  }

  /** The arguments of `openTab`, for a tab of the longest time. */
  async tab(
    terms: { service: bigint; collector: Address; salt: number; limit: bigint },
    days = 29,
  ): Promise<readonly [TabAuthorization, Hex, Hex]> {
    const { service, collector, limit } = terms;
    const salt = saltOf(terms.salt);
    const now = Number(await this.#now());
    const authorization: TabAuthorization = {
      payer: this.address,
      service: rootServiceId(service),
      tab: tabOf(collector, salt),
      signer: this.signer,
      limit,
      openBy: now + 3_600,
      expiresAt: now + days * DAY_S,
    };
    return [authorization, salt, signTab(this.#separator, authorization, hexToBytes(this.#key))];
  }

  /** A voucher. */
  voucher(terms: {
    service: bigint;
    collector: Address;
    salt: number;
    cumulative: bigint;
    base?: bigint;
    minGrade?: number;
    epoch: number;
  }): Redemption {
    const { collector, cumulative, base = 0n, minGrade = 0, epoch } = terms;
    const salt = saltOf(terms.salt);
    const voucher = {
      payer: this.address,
      service: rootServiceId(terms.service),
      tab: tabOf(collector, salt),
      cumulative,
      base,
      minGrade,
      epoch,
    };
    return signVoucher(this.#separator, voucher, salt, hexToBytes(this.#signer));
  }

  #tokenDomain() {
    const { chainId, contracts } = this.#chain.deployment;
    return blockcloudDomain(BigInt(chainId), contracts.token);
  }

  async #now(): Promise<bigint> {
    return (await this.#chain.client.getBlock()).timestamp;
  }
}

/** A collector numbers its tabs, so that most bytes of a salt are zero. */
function saltOf(number: number): Hex {
  return toHex(number, { size: 32 });
}
