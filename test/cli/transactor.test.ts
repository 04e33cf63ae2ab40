import { expect } from "chai";
import { PassThrough } from "node:stream";
import { Output } from "../../src/cli/framework/output.ts";
import { Progress } from "../../src/cli/framework/progress.ts";
import { Transactor } from "../../src/cli/framework/transactor.ts";
import type { ChainClient } from "../../src/chain/client.ts";
import type { TransactionSender } from "../../src/chain/transactions/sender.ts";
import { serviceRegistryAbi } from "../../src/protocol/abi/serviceRegistry.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { rejection } from "../support/rejection.ts";

/** Ether of the account, wei. */
const ETHER = 10n ** 18n;
const GAS = 50_000n;
const BASE_FEE = 100n;
const TIP = 10n;

describe("Transactor", () => {
  /** A transactor whose sender fails so often before it succeeds. */
  function transactorOf(failures: number, code: string) {
    let sends = 0;
    const sender = {
      address: `0x${"aa".repeat(20)}`,
      send: () => {
        sends += 1;
        return sends > failures
          ? Promise.resolve({ transactionHash: "0x01" })
          : Promise.reject(new BlockcloudError(code, "It failed.", { retryable: true }));
      },
    } as unknown as TransactionSender;
    const client = {
      estimateContractGas: () => Promise.resolve(GAS),
      getBlock: () => Promise.resolve({ baseFeePerGas: BASE_FEE }),
      estimateMaxPriorityFeePerGas: () => Promise.resolve(TIP),
      getBalance: () => Promise.resolve(ETHER),
      readContract: () => Promise.resolve(0n),
    } as unknown as ChainClient;
    const stream = new PassThrough();
    const transactor = new Transactor(
      { key: `0x${"4b".repeat(32)}`, yes: true, dryRun: false, fees: {} },
      {
        client,
        deployment: DEPLOYMENT,
        sender,
        output: new Output(false, stream),
        progress: new Progress(stream, false),
        signal: new AbortController().signal,
        confirm: () => Promise.resolve(),
      },
    );
    return { transactor, sends: () => sends };
  }
  const plan = {
    title: "test",
    steps: [
      {
        name: "retire",
        call: {
          address: DEPLOYMENT.contracts.registry,
          abi: serviceRegistryAbi,
          functionName: "retire",
          args: [1n],
        },
      },
    ],
    outcome: [],
  };

  it("says the expected fee at the market's price, and the most with the room that is sent along", async () => {
    const { expected, atMost } = await transactorOf(0, "").transactor.preview(plan);
    expect(expected).to.equal(GAS * (BASE_FEE + TIP));
    // A tenth and 100,000 more gas, at a base fee that doubles.
    expect(atMost).to.equal(155_000n * (2n * BASE_FEE + TIP));
  });

  for (const code of ["TRANSACTION_REPLACED", "TRANSACTION_REVERTED", "TRANSACTION_FAILED"]) {
    it(`sends a step once, whatever becomes of it: ${code}`, async () => {
      const { transactor, sends } = transactorOf(1, code);
      await rejection(code, transactor.carryOut(plan));
      expect(sends()).to.equal(1);
    });
  }
});
