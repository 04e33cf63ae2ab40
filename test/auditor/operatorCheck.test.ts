import { expect } from "chai";
import { zeroAddress, type Address, type Hex } from "viem";
import { checkOperator } from "../../src/auditor/operatorCheck.ts";
import type { ChainClient } from "../../src/chain/client.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { rejection } from "../support/rejection.ts";

const AUDITOR = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const KEY: Hex = `0x${"11".repeat(32)}`;
const OTHER: Hex = `0x${"22".repeat(32)}`;

describe("the key of an auditor that starts", () => {
  let log: MemoryLog;
  beforeEach(() => {
    log = new MemoryLog();
  });

  /** Starts with a key, on a chain that has this operator. */
  function start(operator: Address, key: Hex): Promise<void> {
    const readContract = () => Promise.resolve([operator, "0x", 0, "0x", 0]);
    const client = { readContract } as unknown as ChainClient;
    return checkOperator({ client, deployment: DEPLOYMENT, log }, AUDITOR, key);
  }

  it("is its operator's", async () => {
    await start(addressOfKey(KEY), KEY);
    expect(log.lines).to.deep.equal([]);
  });

  it("is refused if another one is its operator's, which no backup would mend", async () => {
    const error = await rejection("AUDITOR_OPERATOR", start(addressOfKey(OTHER), KEY));
    expect(error.message).to.contain(addressOfKey(OTHER)).and.to.contain(addressOfKey(KEY));
    expect(error.message).not.to.contain(KEY.slice(2));
  });

  it("may come before the enrolment, of which a warning tells", async () => {
    await start(zeroAddress, KEY);
    expect(log.said("warn")).to.have.length(1);
    expect(log.said("warn")[0]).to.contain("blockcloud auditor init");
  });
});
