import { readChallenges } from "../../chain/challenges.ts";
import type { ServiceDetail } from "../../chain/service.ts";
import { useEvery, useHead } from "../../context.tsx";
import { bloc } from "../../format.ts";
import {
  indexedChallenges,
  indexedEvents,
  type ChallengeRow,
  type ServiceEventRow,
} from "../../index/service.ts";
import { useEither } from "../../useEither.ts";
import { ActLink } from "../../ui/actLink.tsx";
import { SourceLine } from "../../ui/source.tsx";
import { Section } from "../../ui/stat.tsx";
import { Table, type Column } from "../../ui/table.tsx";
import { Foreign, Id, TimeAgo } from "../../ui/text.tsx";

const columns: readonly Column<ChallengeRow>[] = [
  { key: "id", title: "Challenge", cell: ({ id }) => `#${id}`, sort: ({ id }) => id },
  { key: "opened", title: "Opened", cell: ({ openedAt }) => <TimeAgo seconds={openedAt} /> },
  { key: "challenger", title: "Challenger", cell: ({ challenger }) => <Id value={challenger} /> },
  { key: "state", title: "Outcome", cell: ({ state }) => state },
  {
    key: "slashed",
    title: "Slashed, BLOC",
    cell: ({ slashed }) => bloc(slashed),
    isNumber: true,
  },
];

const eventColumns: readonly Column<ServiceEventRow>[] = [
  { key: "time", title: "When", cell: ({ time }) => <TimeAgo seconds={Number(time)} /> },
  { key: "kind", title: "What", cell: ({ kind }) => kind },
  {
    key: "detail",
    title: "Detail",
    isWide: true,
    cell: ({ detail, amount, since }) => (
      <>
        {detail !== null && <Foreign value={detail} longest={80} />}
        {amount !== null && ` ${bloc(amount)} BLOC`}
        {since !== null && <span className="muted"> from epoch {since} on</span>}
      </>
    ),
  },
  {
    key: "transaction",
    title: "Transaction",
    cell: ({ transaction }) => <Id value={transaction} />,
  },
];

/** Challenges, and from the index the history of the service's settings. */
export function Challenges({ service }: { service: ServiceDetail }) {
  const head = useHead();
  const every = useEvery(15);
  const { number } = service;
  const reading = useEither<{
    challenges: readonly ChallengeRow[];
    events: readonly ServiceEventRow[] | undefined;
  }>(
    `challenges of ${number}`,
    every,
    async (index, signal) => ({
      challenges: await indexedChallenges(index, number, signal),
      events: await indexedEvents(index, number, signal),
    }),
    async (sources, signal) => ({
      challenges: await readChallenges(sources, head, number, signal),
      events: undefined,
    }),
  );
  const found = reading.value?.value;
  return (
    <>
      <Section
        title="Challenges"
        aside={
          service.challenge === undefined &&
          service.status.now === "Active" && (
            <ActLink act="challenge" values={{ service: number.toString() }}>
              Challenge it
            </ActLink>
          )
        }
      >
        <SourceLine reading={reading} />
        {found !== undefined && (
          <Table
            caption="Challenges of the service"
            columns={columns}
            rows={found.challenges}
            rowKey={({ id }) => id.toString()}
            empty="This service has not been challenged."
          />
        )}
      </Section>
      {found?.events !== undefined && (
        <Section title="What happened">
          <Table
            caption="Events of the service, the newest first"
            columns={eventColumns}
            rows={found.events}
            rowKey={({ id }) => id}
            pageSize={10}
          />
        </Section>
      )}
    </>
  );
}
