import { toFunctionSelector, type Abi, type AbiFunction } from "viem";
import { abis } from "../../../../src/protocol/abis.ts";
import { distinct, same, sumOf, type Fact, type RawChain, type Row } from "./chain.ts";

/** Seconds of a day. */
const DAY = 86_400n;
/** `TabState`, from `None` on. */
const STATES = ["none", "open", "closing", "closed"];
/** Longest stored error: `0x` and 260 bytes. */
const LONGEST_REASON = 522;

const dayOf = ({ time }: Fact) => Number(time / DAY);
const isOf = (payer: string) => (fact: Fact) => fact.text("payer") === payer;

export async function recountAccounts(chain: RawChain, tabs: readonly Row[]): Promise<Row[]> {
  const payers = distinct(chain.all("cashier.Deposited"), (fact) => fact.text("payer"));
  return Promise.all(
    payers.map(async (payer) => {
      const of = (name: string) => chain.all(`cashier.${name}`).filter(isOf(payer));
      const [, reserved, free] = await chain.view<[bigint, bigint, bigint]>(
        "cashier",
        "accountOf",
        [payer],
      );
      return {
        ...{ payer, free, reserved },
        deposited: sumOf(of("Deposited"), "amount"),
        withdrawn: sumOf(of("Withdrawn"), "amount"),
        paid: sumOf(of("Redeemed"), "amount"),
        openTabs: tabs.filter((tab) => tab.payer === payer && tab.state !== "closed").length,
      };
    }),
  );
}

export function recountMoves(chain: RawChain): Row[] {
  return chain.all("cashier.Deposited", "cashier.Withdrawn").map((fact) => {
    const isDeposit = fact.name === "cashier.Deposited";
    return {
      ...{ id: fact.id, payer: fact.text("payer"), kind: isDeposit ? "deposit" : "withdrawal" },
      ...{ from: isDeposit ? fact.text("from") : null, amount: fact.big("amount") },
      ...fact.place,
    };
  });
}

interface TabView {
  state: number;
  limit: bigint;
  redeemed: bigint;
  passed: bigint;
  redeemableUntil: number;
}

export async function recountTabs(chain: RawChain): Promise<Row[]> {
  const grace = await chain.view<bigint>("cashier", "REDEMPTION");
  return Promise.all(
    chain.all("cashier.TabOpened").map(async (opened) => {
      const key = ["payer", "service", "tab"].map((name) => opened.text(name));
      const of = (name: string) =>
        chain
          .all(`cashier.${name}`)
          .filter((fact) => ["payer", "service", "tab"].every((n, i) => fact.text(n) === key[i]));
      const view = await chain.view<TabView>("cashier", "tabOf", key);
      const terms = of("TabRaised").at(-1) ?? opened;
      const [closing, closed, redeemed] = [of("TabClosing")[0], of("TabClosed")[0], of("Redeemed")];
      const until = closing?.big("redeemableUntil") ?? terms.big("expiresAt") + grace;
      const paid = sumOf(redeemed, "amount");
      if (closed === undefined) {
        same("end of a tab", BigInt(view.redeemableUntil), until);
        same("paid by a tab", view.redeemed - view.passed, paid);
      } else {
        same("paid by a closed tab", closed.big("paid"), paid);
      }
      return {
        ...{ payer: key[0], number: opened.served, tab: key[2] },
        ...{ collector: opened.text("collector"), signer: opened.text("signer") },
        ...{ limit: view.limit, state: STATES[view.state] },
        ...{ openedAt: opened.time, openedBlock: opened.block },
        ...{ expiresAt: terms.big("expiresAt"), redeemableUntil: until },
        ...{ redeemed: view.redeemed, paid, redemptions: redeemed.length },
        ...{ closedAt: closed?.time ?? null, returned: closed?.big("returned") ?? null },
      };
    }),
  );
}

export function recountRedemptions(chain: RawChain): Row[] {
  return chain.all("cashier.Redeemed").map((fact) => ({
    ...{ id: fact.id, payer: fact.text("payer"), number: fact.served, tab: fact.text("tab") },
    ...{ cumulative: fact.big("cumulative"), amount: fact.big("amount") },
    ...{ epoch: chain.epochOf(fact), ...fact.place },
  }));
}

export function recountRefusals(chain: RawChain): Row[] {
  const abi: Abi = abis.cashier;
  const errors = abi.filter((item) => item.type === "error");
  return chain.all("cashier.RedemptionSkipped").map((fact) => {
    const reason = fact.text("reason");
    const named = errors.find(
      (error) =>
        toFunctionSelector({ ...error, type: "function" } as unknown as AbiFunction) ===
        reason.slice(0, 10),
    );
    return {
      ...{ id: fact.id, tab: fact.text("tab"), error: named?.name ?? reason.slice(0, 10) },
      ...{ reason: reason.slice(0, LONGEST_REASON), ...fact.place },
    };
  });
}

export function recountStatements(chain: RawChain): Row[] {
  const redeemed = chain.all("cashier.Redeemed");
  const keyOf = (fact: Fact) => `${fact.text("payer")} ${fact.served} ${dayOf(fact)}`;
  return distinct(redeemed, keyOf).map((key) => {
    const own = redeemed.filter((fact) => keyOf(fact) === key);
    const [first] = own;
    return {
      ...{ payer: first!.text("payer"), number: first!.served, day: dayOf(first!) },
      ...{ paid: sumOf(own, "amount"), redemptions: own.length },
    };
  });
}

export function recountDays(chain: RawChain): Row[] {
  const facts = chain.all("cashier.Redeemed", "cashier.Collected", "settlement.Settled");
  const numberOf = (fact: Fact) =>
    fact.name === "settlement.Settled" ? fact.big("number") : fact.served;
  const keyOf = (fact: Fact) => `${numberOf(fact)} ${dayOf(fact)}`;
  return distinct(facts, keyOf).map((key) => {
    const of = (name: string) => chain.all(name).filter((fact) => keyOf(fact) === key);
    const [number, day] = key.split(" ");
    return {
      ...{ number: BigInt(number!), day: Number(day) },
      redeemed: sumOf(of("cashier.Redeemed"), "amount"),
      redemptions: of("cashier.Redeemed").length,
      collected: sumOf(of("cashier.Collected"), "paid"),
      fees: sumOf(of("cashier.Collected"), "fee"),
      rewards: sumOf(of("settlement.Settled"), "reward"),
    };
  });
}

export function recountCollections(chain: RawChain): Row[] {
  return chain.all("cashier.Collected").map((fact) => ({
    ...{ id: fact.id, number: fact.served, payout: fact.text("payout") },
    ...{ paid: fact.big("paid"), fee: fact.big("fee"), ...fact.place },
  }));
}

export function recountSessionKeys(chain: RawChain): Promise<Row[]> {
  const names = ["cashier.SignerAuthorized", "cashier.SignerRevoked"];
  const keyOf = (fact: Fact) => `${fact.text("payer")} ${fact.text("signer")}`;
  return Promise.all(
    distinct(chain.all(...names), keyOf).map(async (key) => {
      const own = chain.all(...names).filter((fact) => keyOf(fact) === key);
      const granted = own.findLast(({ name }) => name === names[0])!;
      const revoked = own.at(-1)!.name === names[1];
      const [payer, signer] = key.split(" ");
      const [, expiresAt] = await chain.view<[bigint, bigint]>("cashier", "signerOf", [
        ...[payer, signer],
      ]);
      same("end of a session key", expiresAt, revoked ? 0n : granted.big("expiresAt"));
      return {
        ...{ payer, signer, limit: granted.big("limit") },
        ...{ expiresAt: granted.big("expiresAt"), revoked, time: granted.time },
      };
    }),
  );
}
