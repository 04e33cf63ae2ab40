import type { Fact, RawChain, Row } from "./chain.ts";

const onOff = (name: string) => (fact: Fact) => (fact.flag(name) ? "on" : "off");

interface Noted {
  kind: string;
  /** Whether it has a parameter `since`. */
  since?: true;
  account?: string;
  amount?: string;
  detail?: (fact: Fact) => string;
  number?: string;
}
const id = (fact: Fact) => `${fact.big("id")}`;

/** How an event of a service is noted. */
const SERVICE_EVENTS: Record<string, Noted> = {
  "registry.ServiceRegistered": { kind: "registered", account: "owner" },
  "registry.Transfer": { kind: "transferred", account: "to", number: "tokenId" },
  "registry.KeySet": { kind: "key", since: true, account: "key" },
  "registry.ProbeSet": { kind: "probe", since: true },
  "registry.MetadataSet": { kind: "metadata" },
  "registry.PayoutSet": { kind: "payout", account: "payout" },
  "registry.ActivityChanged": { kind: "activity", since: true, detail: onOff("active") },
  "registry.MaintenanceSet": { kind: "maintenance", since: true, detail: onOff("on") },
  "registry.ServiceSuspended": { kind: "suspended", since: true },
  "registry.ServiceReinstated": { kind: "reinstated", since: true },
  "registry.ServiceRetired": { kind: "retired", since: true },
  "labels.LabelSet": { kind: "label", detail: (fact) => fact.text("label") },
  "staking.ServiceStakeChanged": { kind: "stake", since: true, amount: "stake" },
  "staking.ServiceSlashed": { kind: "slashed", account: "staker", amount: "amount" },
  "settlement.Suspended": { kind: "failed-run", detail: (fact) => `${fact.int("lastEpoch")}` },
  "challengeBook.ChallengeOpened": { kind: "challenged", account: "challenger", detail: id },
  "challengeBook.ChallengeAnswered": {
    ...{ kind: "answered", account: "payout", amount: "amount", detail: id },
  },
  "challengeBook.ChallengeUnanswered": {
    ...{ kind: "unanswered", account: "resolver", amount: "slashed", detail: id },
  },
  "challengeBook.ChallengeAnnulled": { kind: "annulled", detail: id },
};
const NOBODY = `0x${"0".repeat(40)}`;

export function recountServiceEvents(chain: RawChain): Row[] {
  return chain
    .all(...Object.keys(SERVICE_EVENTS))
    .filter((fact) => fact.name !== "registry.Transfer" || fact.text("from") !== NOBODY)
    .map((fact) => {
      const noted = SERVICE_EVENTS[fact.name]!;
      return {
        ...{ id: fact.id, number: fact.big(noted.number ?? "number"), kind: noted.kind },
        since: noted.since ? fact.int("since") : null,
        epoch: chain.epochOf(fact),
        ...fact.place,
        account: noted.account === undefined ? null : fact.text(noted.account),
        amount: noted.amount === undefined ? null : fact.big(noted.amount),
        detail: noted.detail?.(fact) ?? null,
      };
    });
}

/** `IChallengeBook.State`. */
const STATES = ["none", "open", "answered", "unanswered", "annulled"];

export function recountChallenges(chain: RawChain): Promise<Row[]> {
  return Promise.all(
    chain.all("challengeBook.ChallengeOpened").map(async (opened) => {
      const number = opened.big("id");
      const isIt = (fact: Fact) => fact.big("id") === number;
      const found = await chain.view<Record<string, unknown>>("challengeBook", "challengeOf", [
        number,
      ]);
      const of = (name: string) => chain.all(`challengeBook.Challenge${name}`).find(isIt);
      const [answered, unanswered, annulled] = ["Answered", "Unanswered", "Annulled"].map(of);
      const closed = answered ?? unanswered ?? annulled;
      return {
        id: number,
        number: found.number,
        challenger: (found.challenger as string).toLowerCase(),
        key: (found.key as string).toLowerCase(),
        epoch: found.openedIn,
        ...{ openedAt: opened.time, openedBlock: opened.block },
        state: STATES[found.state as number],
        ...{ closedAt: closed?.time ?? null, closedBlock: closed?.block ?? null },
        amount: answered?.big("amount") ?? null,
        slashed: unanswered?.big("slashed") ?? null,
        resolver: unanswered?.text("resolver") ?? null,
      };
    }),
  );
}
