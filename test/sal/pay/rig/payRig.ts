import { FreeAllowance, type AllowanceOptions } from "../../../../src/cashier/allowance.ts";
import type { Price } from "../../../../src/cashier/price.ts";
import type { PayLimits } from "../../../../src/sal/pay/limits.ts";
import { Payer } from "../../../../src/sal/pay/payer.ts";
import type { Flow } from "../../../../src/sal/session/flow.ts";
import { SalRig, type SalRigOptions } from "../../rig/salRig.ts";
import { FakeCollector } from "./fakeCollector.ts";
import { FakeWallet } from "./fakeWallet.ts";

export const MIB = 1_048_576;
/** A wei for each byte: amounts are bytes. */
export const BY_BYTE: Price = { perByte: 1n, perRequest: 0n, perSecond: 0n };
/** Port of a source: gives as many bytes as it is asked for. */
export const SOURCE = 70;
/** Port of a sink: takes what comes, and says how much that was. */
export const SINK = 71;

export interface PayRigOptions extends SalRigOptions {
  price?: Price;
  trancheBytes?: number;
  allowance?: AllowanceOptions;
  pay?: PayLimits;
  /** Default: one with plenty; null: none. */
  wallet?: FakeWallet | null;
}

/** A priced service and a client with a wallet, on a network in memory. */
export class PayRig extends SalRig {
  readonly collector: FakeCollector;
  readonly allowance: FreeAllowance;
  readonly wallet: FakeWallet | undefined;
  /** What the client's observer was told. */
  readonly spent: bigint[];
  epoch = { now: 1 };

  constructor(options: PayRigOptions = {}) {
    const { price = BY_BYTE, trancheBytes = MIB, wallet = new FakeWallet(), pay } = options;
    const collector = new FakeCollector(price, trancheBytes);
    const epoch = { now: 1 };
    const allowance = new FreeAllowance(
      options.allowance ?? { bytes: 0, requests: 0 },
      () => epoch.now,
    );
    const spent: bigint[] = [];
    const payer =
      wallet === null
        ? undefined
        : new Payer({ wallet, observer: { spent: ({ amount }) => spent.push(amount) } });
    super({
      ports: { [SOURCE]: source, [SINK]: sink, ...options.ports },
      ...options,
      pricing: { collector, allowance, ...(pay && { limits: pay }) },
      payer,
    });
    this.collector = collector;
    this.allowance = allowance;
    this.wallet = wallet ?? undefined;
    this.spent = spent;
    this.epoch = epoch;
  }

  /** A flow of a source that was asked for bytes. */
  async ask(bytes: number, client = this.client): Promise<Flow> {
    const flow = await this.open(SOURCE, client);
    flow.end(String(bytes));
    return flow;
  }
}

/** Sends so many bytes as the request says, as fast as they are taken. */
export function source(flow: Flow): Promise<void> {
  let request = "";
  flow.on("data", (chunk: Buffer) => {
    request += chunk.toString();
  });
  flow.on("end", () => {
    let left = Number(request);
    const more = () => {
      while (left > 0) {
        const chunk = Buffer.alloc(Math.min(left, 65_536), left);
        left -= chunk.length;
        if (!flow.write(chunk) && left > 0) {
          flow.once("drain", more);
          return;
        }
      }
      flow.end();
    };
    more();
  });
  return Promise.resolve();
}

function sink(flow: Flow): Promise<void> {
  let taken = 0;
  flow.on("data", (chunk: Buffer) => {
    taken += chunk.length;
  });
  flow.on("end", () => flow.end(String(taken)));
  return Promise.resolve();
}
