import type { RpcAnswer, RpcCall, RpcProxy } from "./rpcProxy.ts";

/** A way in which an endpoint fails, as public bug reports tell of it, and for how long. */
export interface RpcStory {
  name: string;
  /** Begins at once; what it does ends by itself, or is such that a worker can live with it for ever. */
  begin(proxy: RpcProxy): void;
}

/** Longer than what is retried at once, so that a worker must come back to it. */
const SOME = 3;

function once(codes: readonly number[]): RpcStory[] {
  return codes.map((code) => ({
    name: `drops its connections once, and answers ${code} when it is asked which chain it serves`,
    begin: (proxy) => {
      proxy.fail("cut", undefined, 1);
      proxy.fail({ error: { code, message: "not now" } }, ["eth_chainId"], 1);
    },
  }));
}

function sends(name: string, message: string, times: number): RpcStory {
  return {
    name,
    begin: (proxy) => {
      proxy.fail({ error: { code: -32_000, message } }, ["eth_sendRawTransaction"], times);
    },
  };
}

/** Takes transactions, and answers what it likes. */
function takes(name: string, answer: RpcAnswer | "cut"): RpcStory {
  return {
    name,
    begin: (proxy) => {
      let left = 1;
      proxy.override = (call: RpcCall) => {
        if (call.method !== "eth_sendRawTransaction" || left-- <= 0) return undefined;
        return answer === "cut" ? undefined : answer;
      };
      proxy.before = async (call: RpcCall) => {
        if (call.method !== "eth_sendRawTransaction" || left <= 0) return;
        await proxy.pass(call);
        if (answer === "cut") {
          left -= 1;
          throw new Error("cut, after it was taken");
        }
      };
    },
  };
}

/** The faults of public endpoints that cost others stake, money or rounds. */
export const rpcStories: readonly RpcStory[] = [
  ...once([-32_603, -32_000, -32_007, -32_601]),
  {
    name: "names another chain once",
    begin: (proxy) => {
      proxy.fail("cut", undefined, 1);
      proxy.fail({ result: "0x1" }, ["eth_chainId"], 1);
    },
  },
  ...(
    [
      ["an internal error", { code: -32_603, message: "Internal error" }],
      ["the code of a revert, and no data", { code: 3, message: "upstream request failed" }],
      ["a revert without its reason", { code: 3, message: "execution reverted" }],
    ] as const
  ).map(([what, error]) => ({
    name: `answers estimates with ${what} for a while`,
    begin: (proxy: RpcProxy) => {
      proxy.fail({ error }, ["eth_estimateGas"], SOME);
    },
  })),
  {
    name: "answers calls with an internal error for a while",
    begin: (proxy) => {
      proxy.fail({ error: { code: -32_603, message: "Internal error" } }, ["eth_call"], 2 * SOME);
    },
  },
  sends("says what Erigon says of a price too low", "could not replace existing tx", 2),
  sends("says what Nethermind says of a price too low", "ReplacementNotAllowed", 2),
  sends("caps the fee of a transaction", "tx fee (1.4 ether) exceeds the configured cap", 1),
  takes("says of a transaction that it takes that it had it already", {
    error: { code: -32_000, message: "existing tx with same hash" },
  }),
  takes("takes a transaction and says that the chain ID is wrong", {
    error: { code: -32_000, message: "invalid chain id for signer" },
  }),
  takes("takes a transaction and closes the connection", "cut"),
  {
    name: "knows receipts long after their blocks",
    begin: (proxy) => {
      proxy.fail({ result: null }, ["eth_getTransactionReceipt"], 2 * SOME);
    },
  },
  {
    name: "is two blocks behind the node that takes transactions",
    begin: (proxy) => {
      proxy.lag = 2;
    },
  },
  {
    name: "tells a next nonce that is used, for a while",
    begin: (proxy) => {
      proxy.fail({ result: "0x0" }, ["eth_getTransactionCount"], SOME);
    },
  },
  ...(["object", "list", "partial", "each", "status"] as const).map((refusal, index) => ({
    name: `takes ${index % 2 === 0 ? 3 : 10} calls in a batch, and refuses more by ${refusal}`,
    begin: (proxy: RpcProxy) => {
      proxy.batch = { most: index % 2 === 0 ? 3 : 10, refusal };
    },
  })),
  {
    name: "gives IDs back as text, and an error of null beside each result",
    begin: (proxy) => {
      proxy.form = { ids: "text", nullErrors: true };
    },
  },
  {
    name: "is asked too often, and says for how long it wants to be left alone",
    begin: (proxy) => {
      proxy.fail({ status: 429, headers: { "retry-after": "2" } }, undefined, 3);
    },
  },
  ...[-32_005, -32_007, -32_016, -32_029, 15].map((code) => ({
    name: `says with ${code} that it is asked too often`,
    begin: (proxy: RpcProxy) => {
      proxy.fail({ error: { code, message: "limit reached" } }, undefined, 3);
    },
  })),
  {
    name: "answers with a page, and then with status 503",
    begin: (proxy) => {
      proxy.fail("garbage", undefined, 2);
      proxy.fail({ status: 503 }, undefined, 2);
    },
  },
  ...(
    [
      ["null", () => ({ result: null })],
      ["error 4444", () => ({ error: { code: 4444, message: "pruned history unavailable" } })],
    ] as const
  ).map(([how, answer]) => ({
    name: `has thrown blocks away that are three hours old (${how})`,
    begin: (proxy: RpcProxy) => {
      proxy.prune(KEPT_SECONDS, answer);
    },
  })),
];

/** Three epochs of the stage, and a little: what is older is not needed once a service was read. */
const KEPT_SECONDS = 11_000;
