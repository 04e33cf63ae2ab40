import { expect } from "chai";
import { createClient, custom, zeroAddress } from "viem";
import type { Act, ActContext } from "../../console/src/acts/act.ts";
import { Pendings } from "../../console/src/acts/pending.ts";
import { send, type Prepared } from "../../console/src/acts/run.ts";
import type { Provider } from "../../console/src/acts/wallet/provider.ts";
import { abis } from "../../src/protocol/abis.ts";

const account = `0x${"a".repeat(40)}` as const;
const HASH = `0x${"c".repeat(64)}`;
const act = { id: "deposit", title: "Deposit" } as Act;
const prepared: Prepared = {
  ...{ act, values: { amount: "1" }, permit: undefined },
  plan: {
    ...{ title: "deposit", outcome: [] },
    call: { contract: "cashier", functionName: "deposit", args: [1n] },
  },
  call: {
    ...{ address: zeroAddress, abi: abis.cashier },
    ...{ functionName: "deposit", args: [1n] },
  },
  cost: { gas: 50_000n, expected: 1n, atMost: 1n },
};

/** A wallet and a node; `counts` runs while the node is asked. */
function setUp(counts: () => void = () => undefined) {
  const wallet = { chainId: 31_337, account: account as string };
  const sent: Record<string, unknown>[] = [];
  const provider: Provider = {
    request: ({ method, params = [] }) => {
      if (method === "eth_chainId") return Promise.resolve(`0x${wallet.chainId.toString(16)}`);
      if (method === "eth_accounts") return Promise.resolve([wallet.account]);
      sent.push(params[0] as Record<string, unknown>);
      return Promise.resolve(HASH);
    },
  };
  const request = () => {
    counts();
    return Promise.resolve("0x7");
  };
  const kept = new Map<string, string>();
  const pendings = new Pendings({
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => kept.set(name, value),
  });
  const context = {
    ...{ account, client: createClient({ transport: custom({ request }) }) },
    deployment: { chainId: 31_337, genesis: 1 },
  } as unknown as ActContext;
  const run = () => send(prepared, provider, context, pendings);
  return { wallet, sent, pendings, run };
}

describe("an act that a wallet sends", () => {
  it("names its chain, so that a wallet which has changed it since sends nothing", async () => {
    const { sent, run } = setUp();
    expect(await run()).to.include({ hash: HASH, nonce: 7 });
    expect(sent).to.have.length(1);
    expect(sent[0]).to.include({ from: account, chainId: "0x7a69" });
  });

  it("is not sent if chain or account have changed while a node was asked", async () => {
    const changes = [
      ["WALLET_OTHER_CHAIN", { chainId: 1 }],
      ["WALLET_OTHER_ACCOUNT", { account: `0x${"b".repeat(40)}` }],
    ] as const;
    for (const [code, change] of changes) {
      const { wallet, sent, pendings, run } = setUp(() => Object.assign(wallet, change));
      const refused: unknown = await run().catch((error: unknown) => error);
      expect(refused).to.have.property("code", code);
      expect([sent, pendings.list()]).to.deep.equal([[], []]);
    }
  });
});
