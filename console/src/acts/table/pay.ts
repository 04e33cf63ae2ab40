import { HORIZON } from "../../../../src/protocol/epoch.ts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { rootServiceId } from "../../../../src/protocol/serviceId.ts";
import { contractsOf } from "../../chain/contracts.ts";
import type { Act, ActContext } from "../act.ts";
import { addressOf, bloc, blocOf, serviceOf, textOf, wholeOf } from "../values.ts";
import { claim } from "./claim.ts";
import { amount, service } from "./fields.ts";
import { collectedBy, settledBy } from "./paid.ts";

const settle: Act = {
  id: "settle",
  group: "Pay",
  title: "Settle the pay of a service",
  about:
    "Pays all final epochs to the payout address. Anyone may send it. A provider's agent that runs does so by itself: who comes second pays gas for nothing.",
  fields: [
    service,
    {
      name: "upTo",
      label: "Last epoch",
      kind: "number",
      hint: "Empty: the newest final epoch.",
    },
  ],
  async plan(values, { client, deployment, account }) {
    const number = serviceOf(values);
    const { settlement } = contractsOf(deployment);
    const current = await client.readContract({ ...settlement, functionName: "currentEpoch" });
    const upTo =
      textOf(values, "upTo") === "" ? Math.max(0, current - HORIZON) : wholeOf(values, "upTo");
    // An epoch that is not final yet, or an unknown service, is for the contract to refuse.
    const received = await client
      .simulateContract({ ...settlement, functionName: "settle", args: [number, upTo], account })
      .then(
        ({ result }) => result,
        () => 0n,
      );
    return {
      title: `settle service ${number} up to epoch ${upTo}`,
      call: { contract: "settlement", functionName: "settle", args: [number, upTo] },
      outcome: [`the payout address receives ${bloc(received)}`],
      result: (receipt) => settledBy(receipt, number, received),
    };
  },
};

const collect: Act = {
  id: "collect",
  group: "Pay",
  title: "Collect the pay of an auditor",
  about: "Pays all claimed rounds to the auditor's owner. Anyone may send it.",
  fields: [{ name: "auditor", label: "Auditor", kind: "address", hint: "Empty: this account." }],
  async plan(values, { client, deployment, account }) {
    const auditor = textOf(values, "auditor") === "" ? account : addressOf(values, "auditor");
    const { proofOfService } = contractsOf(deployment);
    const args = [auditor] as const;
    const earned = await client.readContract({ ...proofOfService, functionName: "earnedOf", args });
    return {
      title: `collect the pay of ${auditor}`,
      call: { contract: "proofOfService", functionName: "collect", args },
      ...(auditor === account && { moves: { received: earned } }),
      outcome: [`${auditor} receives ${bloc(earned)}`],
      result: collectedBy,
    };
  },
};

/** The part of the account at the Cashier that no tab reserves, in wei. */
async function freeOf({ client, deployment, account }: ActContext): Promise<bigint> {
  const { cashier } = contractsOf(deployment);
  const args = [account] as const;
  const [, , free] = await client.readContract({ ...cashier, functionName: "accountOf", args });
  return free;
}

const deposit: Act = {
  id: "deposit",
  group: "Pay",
  title: "Deposit at the Cashier",
  about: "One account pays any number of services; what no tab reserves can be withdrawn at once.",
  fields: [amount],
  async plan(values, context) {
    const wei = blocOf(values, "amount");
    const free = await freeOf(context);
    return {
      title: `deposit ${bloc(wei)} at the Cashier`,
      call: { contract: "cashier", functionName: "deposit", args: [wei] },
      takes: wei,
      moves: { deposited: wei },
      outcome: [`${bloc(free + wei)} free at the Cashier`],
    };
  },
};

const withdraw: Act = {
  id: "withdraw",
  group: "Pay",
  title: "Withdraw from the Cashier",
  about: "Takes BLOC from the free part of the account, at once.",
  fields: [amount],
  async plan(values, context) {
    const wei = blocOf(values, "amount");
    const free = await freeOf(context);
    return {
      title: `withdraw ${bloc(wei)} from the Cashier`,
      call: { contract: "cashier", functionName: "withdraw", args: [wei] },
      moves: { received: wei },
      outcome: [`${bloc(free > wei ? free - wei : 0n)} free at the Cashier`],
    };
  },
};

const collectService: Act = {
  id: "collect-service",
  group: "Pay",
  title: "Collect what users paid to a service",
  about: "Pays it to the payout address, less the fee. Anyone may send it.",
  fields: [service],
  async plan(values, { client, deployment }) {
    const number = serviceOf(values);
    const id = rootServiceId(number);
    const { cashier } = contractsOf(deployment);
    const args = [id] as const;
    const [paid, fee] = await client.readContract({
      ...cashier,
      functionName: "collectableOf",
      args,
    });
    return {
      title: `collect what users paid to service ${number}`,
      call: { contract: "cashier", functionName: "collect", args },
      outcome: [`the payout address receives ${bloc(paid)}`, `the fee is ${bloc(fee)}`],
    };
  },
};

const challenge: Act = {
  id: "challenge",
  group: "Challenge",
  title: "Challenge a service",
  about: "Asks an active service on chain whether it is alive, for a bond.",
  fields: [service],
  async plan(values, { client, deployment }) {
    const number = serviceOf(values);
    const { challengeBook } = contractsOf(deployment);
    const [bond, seconds] = await Promise.all([
      client.readContract({ ...challengeBook, functionName: "bond" }),
      client.readContract({ ...challengeBook, functionName: "windowSeconds" }),
    ]);
    return {
      title: `challenge service ${number}`,
      call: { contract: "challengeBook", functionName: "challenge", args: [number] },
      takes: bond,
      moves: { bonded: bond },
      outcome: [
        `the service has ${seconds} s to answer, from the next epoch's seed on`,
        `an answer in time costs you the bond of ${bloc(bond)}`,
        "without an answer the bond comes back, with a part of the slash",
      ],
    };
  },
};

const resolve: Act = {
  id: "resolve",
  group: "Challenge",
  title: "Resolve an unanswered challenge",
  about: "Slashes and suspends a service that did not answer in time. It pays its sender.",
  fields: [service],
  async plan(values, { client, deployment }) {
    const number = serviceOf(values);
    const { challengeBook } = contractsOf(deployment);
    const args = [number] as const;
    const id = await client.readContract({ ...challengeBook, functionName: "openChallenge", args });
    if (id === 0n) {
      throw new BlockcloudError("CHALLENGE_NONE", `Service ${number} has no open challenge.`, {
        remedy: "Check the number of the service.",
      });
    }
    return {
      title: `resolve challenge ${id} of service ${number}`,
      call: { contract: "challengeBook", functionName: "resolve", args: [id] },
      outcome: ["a part of the slash goes to this account", "the challenger gets its bond back"],
    };
  },
};

export const payActs: readonly Act[] = [settle, claim, collect, deposit, withdraw, collectService];
export const challengeActs: readonly Act[] = [challenge, resolve];
