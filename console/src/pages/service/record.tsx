import { newestBy, readAnnounced, type AnnouncedRecord } from "../../chain/records.ts";
import type { ServiceDetail } from "../../chain/service.ts";
import { useEvery, useHead, useSources } from "../../context.tsx";
import { duration, many } from "../../format.ts";
import { useLive, type Move } from "../../resolver/useLive.ts";
import { useRead, type Reading } from "../../useRead.ts";
import { useChainTime } from "../../ui/now.ts";
import { Failure, Notice } from "../../ui/notice.tsx";
import { Section } from "../../ui/stat.tsx";
import { Foreign, TimeAgo } from "../../ui/text.tsx";
import { Endpoints } from "./endpoints.tsx";
import { hasMoved } from "./moved.ts";
import { SessionPaths } from "./paths.tsx";

/** Where the service is: the live record by a resolver, its moves, and the newest announcement on chain. */
export function Record({ service }: { service: ServiceDetail }) {
  const sources = useSources();
  const { config } = sources;
  const head = useHead();
  const { state, moves } = useLive({ id: service.id, key: service.key.next });
  const announced = useRead(`announced ${service.number}`, useEvery(15), (signal) =>
    readAnnounced(sources, head, signal, service.number),
  );
  const own = newestBy(announced.value?.records ?? [], service.number, service.key.next)?.record;
  const live = state?.kind === "record" ? state.record.endpoints : undefined;
  const isMoved = hasMoved(
    live,
    own?.endpoints.map(({ uri }) => uri),
  );
  return (
    <Section title="Where it is">
      <div className="columns">
        <div className="card">
          <h3>Now, by the record network</h3>
          {config.resolver === undefined && (
            <p className="muted">config.json names no resolver, so only announcements are known.</p>
          )}
          {config.resolver !== undefined && state === undefined && (
            <p className="muted">Asking a resolver…</p>
          )}
          {state?.kind === "problem" && (
            <Notice kind="warning" title="No record could be had">
              <p>
                <Foreign value={state.message} longest={300} />
              </p>
              <code>{state.code}</code>
            </Notice>
          )}
          {state?.kind === "record" && (
            <>
              <Endpoints uris={state.record.endpoints} />
              {isMoved && own !== undefined && (
                <p>
                  <b>Moved since the announcement</b> of{" "}
                  <TimeAgo seconds={Number(own.issuedAt) / 1000} />: clients follow the record
                  network, without a transaction.
                </p>
              )}
              <p className="muted">
                Issued <TimeAgo seconds={state.record.issuedAt / 1000} />, and renewed since if
                nothing else was told. Signed by the service&apos;s key; this page has checked the
                signature.
              </p>
            </>
          )}
          {moves.length > 0 && <Moves moves={moves} />}
        </div>
        <Announced service={service} reading={announced} own={own} />
        <SessionPaths id={service.id} />
      </div>
    </Section>
  );
}

function Lease({ until }: { until: number }) {
  const left = until - useChainTime();
  return <>{left > 0 ? `another ${duration(left)}` : "no more"}</>;
}

function Moves({ moves }: { moves: readonly Move[] }) {
  return (
    <>
      <h3>Moves seen while this page is open</h3>
      <ol className="endpoints" reversed>
        {moves.map(({ from, to, at }, index) => (
          <li key={moves.length - index}>
            <TimeAgo seconds={at} />:{" "}
            <code>{from[0] && <Foreign value={from[0]} longest={60} />}</code> to{" "}
            <code>{to[0] && <Foreign value={to[0]} longest={60} />}</code>
          </li>
        ))}
      </ol>
    </>
  );
}

function Announced(props: {
  service: ServiceDetail;
  reading: Reading<Awaited<ReturnType<typeof readAnnounced>>>;
  own: AnnouncedRecord["record"] | undefined;
}) {
  const { service, reading, own } = props;
  const { value, failure } = reading;
  const strangers =
    (value?.records.length ?? 0) -
    (value?.records.filter((each) => each.signer === service.key.next).length ?? 0);
  return (
    <div className="card">
      <h3>Announced on chain, once a day</h3>
      {failure !== undefined && <Failure failure={failure} />}
      {value === undefined && failure === undefined && <p className="muted">Reading…</p>}
      {value !== undefined &&
        (own === undefined ? (
          <p className="muted">No record of the last day was signed by the service&apos;s key.</p>
        ) : (
          <>
            <Endpoints uris={own.endpoints.map(({ uri }) => uri)} />
            <p className="muted">
              Issued <TimeAgo seconds={Number(own.issuedAt) / 1000} />; the lease lasts{" "}
              <Lease until={Number(own.expiresAt) / 1000} />.
            </p>
          </>
        ))}
      {strangers > 0 && (
        <p className="muted">Clients ignore {many(strangers, "announced record")} by other keys.</p>
      )}
    </div>
  );
}
