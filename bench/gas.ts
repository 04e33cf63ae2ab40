import { measureAudits, type Audits } from "./gas/audits.ts";
import { DEAREST_REGISTRATION, measureFunctions, type Functions } from "./gas/functions.ts";
import { patterns } from "./gas/season.ts";
import { atMost, type Outcome, type Table } from "./report.ts";

/** Gas of whole transactions from receipts, of each function and of an audit, and the written storage. */
export async function run(say: (message: string) => void): Promise<Outcome> {
  const functions = await measureFunctions(say);
  const small = await measureAudits({ services: 100, storage: true }, say);
  const middle = await measureAudits({ services: 1_000 }, say);
  const large = await measureAudits({ services: 10_000 }, say);
  const churned = await measureAudits({ services: 1_000, history: "churned" }, say);
  const dust = await measureAudits({ services: 1_000, history: "dust" }, say);
  const audits = [small, middle, large, churned, dust];
  const gasPerAudit = ({ patterns }: Audits) => patterns.worker.gasPerAudit.total;
  const dense = gasPerAudit(middle);

  const dearest = (name: string) =>
    functions.rows.find((row) => row.name === name && row.when === DEAREST_REGISTRATION)?.gas ??
    NaN;
  const grown = Math.max(...Object.values(small.storage).map((written) => written.grown));
  return {
    results: { functions, audits },
    tables: [
      ...functionTables(functions),
      ...auditTables(audits),
      coldTable(audits),
      storageTable(small),
    ],
    targets: [
      atMost("gasPerAudit.1000", dense, "gas", 1385),
      atMost("gasPerAudit.10000", gasPerAudit(large), "gas", 805),
      atMost("gasPerAudit.churned", gasPerAudit(churned), "gas", Math.floor(1.1 * dense)),
      atMost("gasPerAudit.dust", gasPerAudit(dust), "gas", Math.floor(1.03 * dense)),
      atMost("register", dearest("register"), "gas", 305_000),
      atMost("registerWithPermit", dearest("registerWithPermit"), "gas", 335_000),
      atMost("revealColdChunk512", large.coldReveal.gas, "gas", 16_700_000),
      atMost("storageGrowthPerEpoch", grown, "slots", 0),
    ],
  };
}

function functionTables({ rows, unmeasured }: Functions): Table[] {
  return [
    {
      title: "Functions, gas of a whole transaction",
      columns: ["contract", "function", "when", "gas"],
      rows: rows.map(({ contract, name, when, gas }) => [contract, name, when, gas]),
    },
    { title: "Not in the table", columns: ["function"], rows: unmeasured.map((name) => [name]) },
  ];
}

function auditTables(audits: readonly Audits[]): Table[] {
  const phases = ["tick", "commit", "reveal", "claim", "total"] as const;
  const each = audits.flatMap((audit) =>
    patterns.map((pattern) => ({ audit, pattern, epoch: audit.patterns[pattern] })),
  );
  return [
    {
      title:
        "Gas of an audit: all transactions of an audited epoch divided by the votes, with a used ring",
      columns: ["services", "history", "votes", "pattern", "transactions", ...phases],
      rows: each.map(({ audit, pattern, epoch }) => [
        audit.services,
        audit.history,
        audit.votes,
        pattern,
        Math.round(epoch.transactions * 10) / 10,
        ...phases.map((phase) => epoch.gasPerAudit[phase]),
      ]),
    },
    {
      title: "The same epoch in gas",
      columns: ["services", "words", "pattern", ...phases],
      rows: each.map(({ audit, pattern, epoch }) => [
        audit.services,
        audit.words,
        pattern,
        ...phases.map((phase) => epoch.gas[phase]),
      ]),
    },
    {
      title:
        "Gas of an auditor without votes, and gas of each vote (median line over the auditors)",
      columns: ["services", "pattern", "phase", "an auditor", "a vote", "a report word"],
      rows: each.flatMap(({ audit, pattern, epoch }) =>
        (["commit", "reveal", "claim"] as const).map((phase) => {
          const { perAuditor, perVote, perWord } = epoch.lines[phase];
          return [audit.services, pattern, phase, perAuditor, perVote, perWord];
        }),
      ),
    },
  ];
}

function coldTable(audits: readonly Audits[]): Table {
  return {
    title: "The first reveal on a new ring, by the auditor with the largest stake",
    columns: ["services", "words of the chunk", "hash chain steps", "gas"],
    rows: audits.map(({ services, coldReveal: { words, chainSteps, gas } }) => [
      services,
      words,
      chainSteps,
      gas,
    ]),
  };
}

function storageTable({ services, storage }: Audits): Table {
  return {
    title: `Storage that an epoch writes, ${services} services: tick, commit, reveal, claim, settle`,
    columns: ["epoch", "transactions", "slots changed", "zero to non-zero", "non-zero to zero"],
    rows: Object.entries(storage).map(([epoch, { transactions, slots, grown, cleared }]) => [
      epoch,
      transactions,
      slots,
      grown,
      cleared,
    ]),
  };
}
