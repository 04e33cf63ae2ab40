/** A wallet in the page, for the embedded chain only: its keys are public. */
import { createWalletClient, http, type Address, type Hex, type TypedDataDefinition } from "viem";
import { mnemonicToAccount, type HDAccount } from "viem/accounts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import type { Announced } from "./discover.ts";
import type { Provider } from "./provider.ts";

/** Hardhat's well-known test mnemonic. */
const MNEMONIC = "test test test test test test test test test test test junk";
/** The account that holds BLOC and has no other part in the demo. */
export const VISITOR = 17;

/** The test wallet, as one that announced itself. */
export function embeddedWallet(rpc: string, index = VISITOR): Announced {
  const account = mnemonicToAccount(MNEMONIC, { addressIndex: index });
  const provider = new EmbeddedProvider(account, rpc);
  return { uuid: `embedded-${index}`, name: `Test account ${index}`, rdns: "embedded", provider };
}

class EmbeddedProvider implements Provider {
  readonly #account: HDAccount;
  readonly #client;

  constructor(account: HDAccount, rpc: string) {
    this.#account = account;
    this.#client = createWalletClient({ account, transport: http(rpc) });
  }

  async request({ method, params = [] }: Parameters<Provider["request"]>[0]): Promise<unknown> {
    switch (method) {
      case "eth_accounts":
      case "eth_requestAccounts":
        return [this.#account.address];
      case "eth_chainId":
        return this.#client.request({ method: "eth_chainId" });
      case "eth_sendTransaction": {
        const [{ to, data, gas }] = params as [{ to: Address; data: Hex; gas?: Hex }];
        const limit = gas === undefined ? {} : { gas: BigInt(gas) };
        return this.#client.sendTransaction({ to, data, ...limit, chain: null });
      }
      case "eth_signTypedData_v4": {
        const [, json] = params as [Address, string];
        return this.#account.signTypedData(JSON.parse(json) as TypedDataDefinition);
      }
      default:
        throw new BlockcloudError("WALLET_METHOD", `The test wallet does not know ${method}.`);
    }
  }
}
