import { epochStart } from "@protocol/epoch.ts";
import { newestAt, readAnnounced } from "../../chain/records.ts";
import type { ServiceDetail } from "../../chain/service.ts";
import { useEvery, useHead, useSources } from "../../context.tsx";
import { bloc } from "../../format.ts";
import { caughtUp } from "../../index/lag.ts";
import { indexedEvents, type ServiceEventRow } from "../../index/service.ts";
import { linkTo } from "../../router.ts";
import { useRead } from "../../useRead.ts";
import { GradeMark, TimeAgo } from "../../ui/text.tsx";
import { Endpoints } from "./endpoints.tsx";
import { kindOfError, type Fall } from "./fall.ts";
import { reasonOf, weights } from "./why.ts";

/** Epochs before a fall in which a change of the service may be its cause: what is set counts two epochs later. */
const EPOCHS_BEFORE = 3;

/** When and why the score fell last, and what the chain does not say about it. */
export function FallCard(props: {
  service: ServiceDetail;
  fall: Fall;
  showVotes: (epoch: number) => void;
}) {
  const { service, fall, showVotes } = props;
  const { row, from, to, after, recovered } = fall;
  const { epoch } = row;
  const { deployment } = useSources().config;
  const reason = reasonOf(row, service.kind);
  return (
    <div className="card fall">
      <h3>
        Fell in epoch {epoch}, from <GradeMark verdict={from} /> to <GradeMark verdict={to} />
      </h3>
      <dl className="facts">
        <dt>When</dt>
        <dd>
          <TimeAgo seconds={epochStart(deployment, epoch)} />; the verdict before is of epoch{" "}
          {after}.{" "}
          {recovered === undefined
            ? "It has not been as good since."
            : `It is as good again since epoch ${recovered}.`}
        </dd>
        <dt>Votes by weight</dt>
        <dd>{weights(row.counts)}</dd>
        <dt>Why</dt>
        <dd>
          {reason?.what} {kindOfError(fall)}
        </dd>
        <AnnouncedThen service={service} epoch={epoch} />
        <Changes number={service.number} epoch={epoch} />
        <dt>Not on chain</dt>
        <dd className="muted">
          Which check failed, what was answered, and how long each auditor waited: auditors publish
          grades, and receipts of right answers. The provider&apos;s log has their requests.
        </dd>
      </dl>
      <p className="act-links">
        <button
          type="button"
          className="small"
          onClick={() => {
            showVotes(epoch);
          }}
        >
          Who voted what
        </button>
        <a href={linkTo(["call", service.number.toString()])}>Call it now</a>
        <a href={linkTo(["verify", String(epoch)])}>Recount epoch {epoch}</a>
      </p>
    </div>
  );
}

/** Where its newest announcement of that time put the service, which is not all that clients could know. */
function AnnouncedThen({ service, epoch }: { service: ServiceDetail; epoch: number }) {
  const sources = useSources();
  const head = useHead();
  const { number, key } = service;
  const { value: uris } = useRead(`endpoints ${number}/${epoch}`, head.epoch, async (signal) => {
    const { records } = await readAnnounced(sources, head, signal, number);
    const end = epochStart(sources.config.deployment, epoch + 1);
    const announced = newestAt(records, { number, key: key.next }, end)?.record.endpoints ?? [];
    return announced.map(({ uri }) => uri);
  });
  return (
    <>
      <dt>Announced then</dt>
      <dd>
        {uris === undefined && <span className="muted">…</span>}
        {uris?.length === 0 && (
          <span className="muted">not known: it was announced more than a day ago, or not</span>
        )}
        {uris !== undefined && uris.length > 0 && (
          <>
            <Endpoints uris={uris} />
            <p className="muted">
              The record network may have named another endpoint: a move is not announced on chain.
            </p>
          </>
        )}
      </dd>
    </>
  );
}

/** What the owner changed, or the contracts did, shortly before. */
function Changes({ number, epoch }: { number: bigint; epoch: number }) {
  const { index, config } = useSources();
  const head = useHead();
  const { value, failure } = useRead(`changes ${number}/${epoch}`, useEvery(15), async (signal) => {
    if (index === undefined) return undefined;
    const from = epochStart(config.deployment, Math.max(0, epoch - EPOCHS_BEFORE));
    const to = epochStart(config.deployment, epoch + 1);
    const events = await indexedEvents(await caughtUp(index, head, signal), number, signal);
    return events.filter(({ time }) => Number(time) >= from && Number(time) < to);
  });
  const needsIndex = index === undefined || failure !== undefined;
  return (
    <>
      <dt>Changed before</dt>
      <dd>
        {needsIndex && (
          <span className="muted">
            what was changed needs the index
            {failure?.code === "INDEX_BEHIND" && ", which is behind"}
          </span>
        )}
        {!needsIndex && value?.length === 0 && "nothing in the three epochs before"}
        {value !== undefined && value.length > 0 && (
          <ul className="plain">
            {value.slice(0, 5).map((event) => (
              <Change key={event.id} event={event} />
            ))}
          </ul>
        )}
      </dd>
    </>
  );
}

function Change({ event: { kind, time, amount, since } }: { event: ServiceEventRow }) {
  return (
    <li>
      {kind}
      {amount !== null && ` ${bloc(amount)} BLOC`}, <TimeAgo seconds={Number(time)} />
      {since !== null && <span className="muted">, counts from epoch {since} on</span>}
    </li>
  );
}
