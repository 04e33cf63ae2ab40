import { randomBytes } from "node:crypto";
import { zeroHash, type Address, type Hex } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { bytesToHex, hexToBytes } from "../../src/protocol/bytes.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import {
  cashierDomain,
  cashierSeparator,
  signTab,
  signVoucher,
  tabOf,
  type Redemption,
  type TabAuthorization,
  type Voucher,
} from "../../src/protocol/voucher.ts";

/** The contracts that a payer signs for. */
export interface PayerPlace {
  chainId: number;
  contracts: { token: Address; cashier: Address };
}

/** A tab as its payer and its collector know it. */
export interface SignedTab {
  terms: TabAuthorization;
  salt: Hex;
  /** The key that signs its vouchers. */
  signer: Hex;
  signature: Hex;
}

/** A user who pays by signatures. */
export class Payer {
  readonly key: Hex;
  readonly address: Address;
  readonly #place: PayerPlace;
  readonly #separator: Uint8Array;

  constructor(key: Hex, place: PayerPlace) {
    this.key = key;
    this.address = privateKeyToAccount(key).address;
    this.#place = place;
    const { chainId, contracts } = place;
    this.#separator = cashierSeparator(cashierDomain(BigInt(chainId), contracts.cashier));
  }

  /**
   * Signs a tab for a service and a collector.
   *
   * @param given.by The key that signs the authorization and the vouchers, where it is not the payer's own.
   * @param given.of A tab that this authorization raises.
   */
  tab(
    service: bigint,
    collector: Address,
    given: { limit: bigint; now: number; lastsS: number; by?: Hex; of?: SignedTab },
  ): SignedTab {
    const { limit, now, lastsS, by = this.key, of } = given;
    const salt = of?.salt ?? bytesToHex(randomBytes(32));
    const terms: TabAuthorization = {
      payer: this.address,
      service: rootServiceId(service),
      tab: tabOf(collector, salt),
      signer: privateKeyToAccount(by).address,
      limit,
      openBy: now + 3_600,
      expiresAt: now + lastsS,
    };
    return { terms, salt, signer: by, signature: signTab(this.#separator, terms, hexToBytes(by)) };
  }

  /** Signs a voucher of a tab; without a grade it is of any epoch. */
  voucher(
    { terms, salt, signer }: SignedTab,
    cumulative: bigint,
    given: Partial<Voucher> = {},
  ): Redemption {
    const { payer, service, tab } = terms;
    const voucher = { payer, service, tab, cumulative, base: 0n, minGrade: 0, epoch: 0, ...given };
    return signVoucher(this.#separator, voucher, salt, hexToBytes(signer));
  }

  /** What anyone may send to deposit for the payer (EIP-3009). */
  async depositBySignature(amount: bigint, validBefore: bigint): Promise<readonly unknown[]> {
    const { chainId, contracts } = this.#place;
    const nonce = bytesToHex(randomBytes(32));
    const signature = await privateKeyToAccount(this.key).signTypedData({
      domain: { name: "Blockcloud", version: "1", chainId, verifyingContract: contracts.token },
      types: {
        ReceiveWithAuthorization: [
          { name: "from", type: "address" },
          { name: "to", type: "address" },
          { name: "value", type: "uint256" },
          { name: "validAfter", type: "uint256" },
          { name: "validBefore", type: "uint256" },
          { name: "nonce", type: "bytes32" },
        ],
      },
      primaryType: "ReceiveWithAuthorization",
      message: {
        ...{ from: this.address, to: contracts.cashier, value: amount },
        ...{ validAfter: 0n, validBefore, nonce },
      },
    });
    return [this.address, amount, 0n, validBefore, nonce, signature];
  }
}

/** A signature that recovers another key, or none. */
export function spoiled(item: Redemption): Redemption {
  return { ...item, s: zeroHash };
}
