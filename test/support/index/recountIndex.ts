import type { ChainClient } from "../../../src/chain/client.ts";
import type { Deployment } from "../../../src/chain/deployment.ts";
import * as auditors from "./recount/auditors.ts";
import * as cashier from "./recount/cashier.ts";
import { RawChain, type Row, type Tables } from "./recount/chain.ts";
import { recountChallenges, recountServiceEvents } from "./recount/events.ts";
import * as rounds from "./recount/rounds.ts";
import * as services from "./recount/services.ts";
import { recountEpochs, recountNetwork } from "./recount/totals.ts";

/**
 * Every table of the index, as a slow and plain reader counts it: from all events, the calldata and the receipts of
 * their transactions, and the contracts' own views where there is one. It shares no code with the index.
 */
export async function recountIndex(client: ChainClient, deployment: Deployment): Promise<Tables> {
  const chain = await RawChain.read(client, deployment);
  return recountTables(chain);
}

export async function recountTables(chain: RawChain): Promise<Tables> {
  const audits = await rounds.readAudits(chain);
  const round = await rounds.recountRounds(chain, audits);
  const auditorRounds = await rounds.recountAuditorRounds(chain, audits);
  const service = await services.recountServices(chain, round);
  const tab = await cashier.recountTabs(chain);
  const tables: Tables = {
    service,
    service_kind: await services.recountKinds(chain),
    service_event: recountServiceEvents(chain),
    service_stake: await services.recountStakes(chain),
    announcement: await services.recountAnnouncements(chain),
    label: await services.recountLabels(chain),
    slot: services.recountSlots(chain),
    challenge: await recountChallenges(chain),
    epoch: await recountEpochs(chain, { audits, rounds: round, auditorRounds }),
    round,
    report: rounds.recountReports(audits),
    audited_shard: await rounds.recountShards(chain, audits),
    auditor: await auditors.recountAuditors(chain, auditorRounds),
    auditor_round: auditorRounds,
    auditor_event: auditors.recountAuditorEvents(chain),
    audit_transaction: auditors.recountTransactions(chain),
    unbonding: auditors.recountUnbondings(chain),
    staker: auditors.recountStakers(chain),
    network: await recountNetwork(chain, service),
    account: await cashier.recountAccounts(chain, tab),
    account_move: cashier.recountMoves(chain),
    tab,
    redemption: cashier.recountRedemptions(chain),
    refusal: cashier.recountRefusals(chain),
    statement_day: cashier.recountStatements(chain),
    service_day: cashier.recountDays(chain),
    collection: cashier.recountCollections(chain),
    session_key: await cashier.recountSessionKeys(chain),
  };
  return Object.fromEntries(Object.entries(tables).map(([name, rows]) => [name, rows.map(shown)]));
}

/** A row as GraphQL shows it: large integers are decimal strings. */
function shown(row: Row): Row {
  const plain = JSON.stringify(row, (_, value: unknown) =>
    typeof value === "bigint" ? value.toString() : value,
  );
  return JSON.parse(plain) as Row;
}
