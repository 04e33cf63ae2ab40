import { createWalletClient, http, type Address, type Hex, type TypedDataDefinition } from "viem";
import { privateKeyToAccount } from "viem/accounts";
import type { Page } from "playwright-core";

/** What a wallet refuses with. */
export interface Refusal {
  code: number;
  message: string;
}

/** A wallet outside the page, as an extension is: it announces itself (EIP-6963), and does what a test says. */
export class TestWallet {
  /** Methods that were asked for, in order. */
  readonly asked: string[] = [];
  /** Hashes that were sent. */
  readonly sent: Hex[] = [];
  chainId = 31_337;
  /** Refuses the next request of a method. */
  readonly refusals = new Map<string, Refusal>();
  /** Sends a transaction in the place of the one that was asked for. */
  send: ((call: { to: Address; data: Hex; gas: Hex }) => Promise<Hex>) | undefined;
  /** The key of its account. */
  key: Hex;
  readonly #rpc: string;

  constructor(key: Hex, rpc: string) {
    this.key = key;
    this.#rpc = rpc;
  }

  get account(): Address {
    return privateKeyToAccount(this.key).address;
  }

  /** Announces the wallet to all documents of a page. */
  async install(page: Page, info = { name: "Test wallet", rdns: "example.wallet" }): Promise<void> {
    await page.exposeFunction("testWallet", (method: string, params: unknown[]) =>
      this.#answer(method, params),
    );
    await page.addInitScript(announce, { uuid: "test-wallet", icon: "data:,", ...info });
  }

  /** Uses another key, as if the user had chosen another account. */
  async use(page: Page, key: Hex): Promise<void> {
    this.key = key;
    await this.emit(page, "accountsChanged", [this.account]);
  }

  /** Tells the page something, as EIP-1193 says. */
  async emit(page: Page, event: string, value: unknown): Promise<void> {
    await page.evaluate(
      (told) => {
        (globalThis as unknown as EventTarget).dispatchEvent(
          new CustomEvent("test-wallet", { detail: told }),
        );
      },
      { event, value },
    );
  }

  async #answer(method: string, params: unknown[]): Promise<{ result?: unknown; error?: Refusal }> {
    this.asked.push(method);
    const refusal = this.refusals.get(method);
    if (refusal !== undefined) {
      this.refusals.delete(method);
      return { error: refusal };
    }
    const account = privateKeyToAccount(this.key);
    const client = createWalletClient({ account, transport: http(this.#rpc) });
    switch (method) {
      case "eth_requestAccounts":
      case "eth_accounts":
        return { result: [account.address] };
      case "eth_chainId":
        return { result: `0x${this.chainId.toString(16)}` };
      case "wallet_switchEthereumChain": {
        const [{ chainId }] = params as [{ chainId: Hex }];
        this.chainId = Number(chainId);
        return { result: null };
      }
      case "eth_signTypedData_v4": {
        const typed = JSON.parse(params[1] as string) as TypedDataDefinition;
        return { result: await account.signTypedData(typed) };
      }
      case "eth_sendTransaction": {
        const [call] = params as [{ to: Address; data: Hex; gas: Hex }];
        const { to, data, gas } = call;
        const hash =
          this.send === undefined
            ? await client.sendTransaction({ to, data, gas: BigInt(gas), chain: null })
            : await this.send(call);
        this.sent.push(hash);
        return { result: hash };
      }
      default:
        return { error: { code: 4200, message: `unsupported: ${method}` } };
    }
  }
}

/** Runs in the page, before its scripts. */
function announce(info: { uuid: string; name: string; rdns: string; icon: string }): void {
  const page = globalThis as unknown as {
    testWallet(
      method: string,
      params: unknown,
    ): Promise<{ result?: unknown; error?: { code: number; message: string } }>;
    addEventListener(type: string, listener: (event: CustomEvent) => void): void;
    dispatchEvent(event: Event): boolean;
  };
  const listeners = new Map<string, Set<(value: unknown) => void>>();
  page.addEventListener("test-wallet", ({ detail }) => {
    const { event, value } = detail as { event: string; value: unknown };
    for (const listener of listeners.get(event) ?? []) listener(value);
  });
  const provider = {
    async request({ method, params = [] }: { method: string; params?: unknown }) {
      const { result, error } = await page.testWallet(method, params);
      if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    },
    on(event: string, listener: (value: unknown) => void) {
      listeners.set(event, (listeners.get(event) ?? new Set()).add(listener));
    },
    removeListener(event: string, listener: (value: unknown) => void) {
      listeners.get(event)?.delete(listener);
    },
  };
  const detail = Object.freeze({ info, provider });
  page.addEventListener("eip6963:requestProvider", () => {
    page.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  });
}
