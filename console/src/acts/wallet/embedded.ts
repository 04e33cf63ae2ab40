/** A wallet in the page, for the embedded chain only: its keys are public. */
import {
  bytesToHex,
  concat,
  hashTypedData,
  hexToBytes,
  numberToHex,
  toRlp,
  trim,
  type Address,
  type Hex,
  type TypedDataDefinition,
} from "viem";
import { keccak } from "../../../../src/protocol/bytes.ts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { addressOfKey, signDigest } from "../../../../src/protocol/signature.ts";
import { httpRpc, type Rpc } from "../../verify/rpc.ts";
import type { Announced } from "./discover.ts";
import { EMBEDDED_CHAIN } from "./embeddedChain.ts";
import type { Provider } from "./provider.ts";

/** The account that holds BLOC and has no other part in the demo, of Hardhat's well-known test mnemonic. */
const VISITOR = 17;
/** Its key. Deriving it, and signing with a library's accounts, would be a tenth of all scripts of the page. */
const KEY = hexToBytes("0x689af8efa8c651a91ad287602527f3af2fe9f6501a7ac4b061667b5a93e037fd");
/** Gas of a transaction without a limit of its own. */
const MOST_GAS = 16_000_000n;

/** The test wallet, as one that announced itself. */
export function embeddedWallet(rpc: string): Announced {
  const provider = new EmbeddedProvider(httpRpc(rpc, new AbortController().signal));
  const [uuid, name] = [`embedded-${VISITOR}`, `Test account ${VISITOR}`];
  return { uuid, name, rdns: "embedded", provider };
}

class EmbeddedProvider implements Provider {
  readonly #address = addressOfKey(KEY);
  readonly #rpc: Rpc;

  constructor(rpc: Rpc) {
    this.#rpc = rpc;
  }

  async request({ method, params = [] }: Parameters<Provider["request"]>[0]): Promise<unknown> {
    switch (method) {
      case "eth_accounts":
      case "eth_requestAccounts":
        return [this.#address];
      case "eth_chainId":
        return this.#rpc("eth_chainId", []);
      case "eth_sendTransaction":
        return this.#send((params as [{ to: Address; data: Hex; gas?: Hex }])[0]);
      case "eth_signTypedData_v4": {
        const [, json] = params as [Address, string];
        const digest = hashTypedData(JSON.parse(json) as TypedDataDefinition);
        return bytesToHex(signDigest(hexToBytes(digest), KEY));
      }
      default:
        throw new BlockcloudError("WALLET_METHOD", `The test wallet does not know ${method}.`);
    }
  }

  /** Signs a transaction of the first kind (EIP-155), which needs the fewest fields. */
  async #send({ to, data, gas }: { to: Address; data: Hex; gas?: Hex }): Promise<unknown> {
    const [nonce, price] = await Promise.all([
      this.#rpc("eth_getTransactionCount", [this.#address, "pending"]),
      this.#rpc("eth_gasPrice", []),
    ]);
    const limit = gas === undefined ? MOST_GAS : BigInt(gas);
    // The price of a block may rise until the transaction is in it.
    const numbers = [BigInt(nonce as Hex), 2n * BigInt(price as Hex), limit].map(integer);
    const fields = [...numbers, to, integer(0n), data];
    const unsigned = toRlp([...fields, integer(BigInt(EMBEDDED_CHAIN)), integer(0n), integer(0n)]);
    const signature = signDigest(keccak(hexToBytes(unsigned)), KEY);
    const [r, s] = [signature.subarray(0, 32), signature.subarray(32, 64)];
    const v = BigInt(EMBEDDED_CHAIN * 2 + 35 + (signature[64] ?? 27) - 27);
    const scalars = [r, s].map((scalar) => integer(BigInt(bytesToHex(scalar))));
    return this.#rpc("eth_sendRawTransaction", [
      concat([toRlp([...fields, integer(v), ...scalars])]),
    ]);
  }
}

/** A number as RLP has it: without leading zeros, and 0 as no bytes. */
function integer(value: bigint): Hex {
  return value === 0n ? "0x" : trim(numberToHex(value));
}
