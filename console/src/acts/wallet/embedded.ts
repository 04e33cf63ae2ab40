/** A wallet in the page, for the embedded chain only: its keys are public. */
import { createWalletClient, http, type Address, type Hex, type TypedDataDefinition } from "viem";
import { privateKeyToAccount, type PrivateKeyAccount } from "viem/accounts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import type { Announced } from "./discover.ts";
import type { Provider } from "./provider.ts";

/** The account that holds BLOC and has no other part in the demo, of Hardhat's well-known test mnemonic. */
const VISITOR = 17;
/** Its key: deriving it would need a third of the scripts of the wallet's page. */
const KEY: Hex = "0x689af8efa8c651a91ad287602527f3af2fe9f6501a7ac4b061667b5a93e037fd";

/** The test wallet, as one that announced itself. */
export function embeddedWallet(rpc: string): Announced {
  const account = privateKeyToAccount(KEY);
  const provider = new EmbeddedProvider(account, rpc);
  return {
    uuid: `embedded-${VISITOR}`,
    name: `Test account ${VISITOR}`,
    rdns: "embedded",
    provider,
  };
}

class EmbeddedProvider implements Provider {
  readonly #account: PrivateKeyAccount;
  readonly #client;

  constructor(account: PrivateKeyAccount, rpc: string) {
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
