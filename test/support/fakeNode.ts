import { RpcProxy } from "./rpcProxy.ts";

export const NODE_CHAIN = 31_337;
export const NODE_ACCOUNT = `0x${"aa".repeat(20)}` as const;

const HASH = `0x${"11".repeat(32)}`;
const BLOCK = { hash: HASH, parentHash: HASH, transactions: [] };

/** An endpoint without a chain: it knows a chain ID, a head and one account's balance. */
export class FakeNode extends RpcProxy {
  chainId: unknown = NODE_CHAIN;
  /** A number; `asked`: it has each block that it is asked for. */
  head: unknown = 100;
  /** Of the head, Unix seconds; by default its number. */
  timestamp: number | undefined;
  balance: unknown = 1;

  constructor() {
    super("http://127.0.0.1:1");
    this.recover();
  }

  /** Ends all faults. */
  recover(): void {
    this.heal();
    this.override = ({ method, params }) => {
      switch (method) {
        case "eth_chainId":
          return { result: hex(this.chainId) };
        case "eth_blockNumber":
          return { result: hex(this.head) };
        case "eth_getBalance":
          return { result: hex(this.balance) };
        case "eth_call":
          return { error: { code: 3, message: "execution reverted" } };
        case "eth_getLogs":
          return { error: { code: -32000, message: "header not found" } };
        case "eth_getBlockByNumber":
          return { result: this.#block(params[0]) };
        default:
          return { error: { code: -32601, message: `no ${method}` } };
      }
    };
  }

  #block(asked: unknown): object {
    const isNamed = this.head === "asked";
    const number = isNamed ? (asked === "latest" ? hex(100) : asked) : hex(this.head);
    return { ...BLOCK, number, timestamp: hex(this.timestamp ?? Number(number) % 1_000) };
  }
}

function hex(value: unknown): unknown {
  return typeof value === "number" ? `0x${value.toString(16)}` : value;
}
