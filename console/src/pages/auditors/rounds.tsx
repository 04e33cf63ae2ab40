import { useMemo } from "react";
import type { Address } from "viem";
import { epochStart } from "@protocol/epoch.ts";
import type { UnclaimedPay } from "../../chain/unclaimed.ts";
import { useHead, useSources } from "../../context.tsx";
import { bloc } from "../../format.ts";
import type { AuditorRoundRow } from "../../model.ts";
import { linkTo } from "../../router.ts";
import { ActLink } from "../../ui/actLink.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { None, TimeAgo } from "../../ui/text.tsx";

/** The rounds of an auditor, with what the open ones would pay. */
export function Rounds(props: {
  auditor: Address;
  rounds: readonly AuditorRoundRow[];
  pays: ReadonlyMap<number, UnclaimedPay> | undefined;
}) {
  const { auditor, rounds, pays } = props;
  const { epoch } = useHead();
  const { config } = useSources();
  const columns = useMemo(
    (): readonly Column<AuditorRoundRow>[] => [
      {
        key: "epoch",
        title: "Epoch",
        cell: (row) => <a href={linkTo(["verify", String(row.epoch)])}>{row.epoch}</a>,
        sort: (row) => row.epoch,
      },
      {
        key: "when",
        title: "Began",
        cell: (row) => <TimeAgo seconds={epochStart(config.deployment, row.epoch)} />,
      },
      {
        key: "state",
        title: "State",
        cell: (row) => stateText(row, epoch),
        sort: ({ state }) => state,
      },
      {
        key: "votes",
        title: "Votes paid",
        cell: (row) => {
          const expected = expectedOf(row, pays);
          if (row.state === "committed") return "–";
          return expected === undefined
            ? `${row.paidVotes} of ${row.votes}`
            : `${expected.paidVotes} of ${row.votes} expected`;
        },
        isNumber: true,
      },
      {
        key: "reward",
        title: "Pay, BLOC",
        cell: (row) => {
          const expected = expectedOf(row, pays);
          if (row.state === "committed") return "–";
          return expected === undefined ? bloc(row.reward) : `${bloc(expected.due)} expected`;
        },
        sort: (row) => expectedOf(row, pays)?.due ?? row.reward,
        isNumber: true,
      },
      {
        key: "until",
        title: "Claim until",
        cell: ({ state, claimBy }) =>
          state === "claimed" || state === "reported" ? (
            "–"
          ) : (
            <>
              epoch {claimBy}, <TimeAgo seconds={epochStart(config.deployment, claimBy + 1)} />
            </>
          ),
        sort: ({ claimBy }) => claimBy,
        isNumber: true,
      },
      {
        key: "act",
        title: "To do",
        cell: (row) => <ToDo auditor={auditor} row={row} pay={expectedOf(row, pays)} />,
      },
    ],
    [auditor, config.deployment, epoch, pays],
  );
  return (
    <Table
      caption="Rounds of the auditor, the newest first"
      columns={columns}
      rows={rounds}
      rowKey={(row) => String(row.epoch)}
      initial={{ key: "epoch", descending: true }}
      pageSize={12}
      empty="No round of these epochs."
    />
  );
}

/** What an open round would pay. The count may be older than the claim of the round. */
function expectedOf(
  { state, epoch }: AuditorRoundRow,
  pays: ReadonlyMap<number, UnclaimedPay> | undefined,
): UnclaimedPay | undefined {
  return state === "revealed" ? pays?.get(epoch) : undefined;
}

/** Who can claim a round. */
function ToDo(props: { auditor: Address; row: AuditorRoundRow; pay: UnclaimedPay | undefined }) {
  const { auditor, row, pay } = props;
  if (pay === undefined) return <None />;
  if (pay.needsReceipts) {
    return (
      <span className="muted" title="A claim shows receipts, which only the auditor's machine has.">
        its machine claims
      </span>
    );
  }
  return (
    <ActLink act="claim" values={{ epoch: String(row.epoch), auditor }}>
      Claim
    </ActLink>
  );
}

const states: Readonly<Record<AuditorRoundRow["state"], string>> = {
  committed: "committed",
  revealed: "to claim",
  claimed: "claimed",
  reported: "reported: slashed",
};

function stateText({ state, epoch, claimBy }: AuditorRoundRow, current: number): string {
  if (state === "committed" && epoch + 2 <= current) return "not revealed";
  if (state === "revealed" && epoch + 2 > current) return "revealed";
  if (state === "revealed" && claimBy < current) return "not claimed: lost";
  return states[state];
}
