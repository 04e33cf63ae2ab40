import type { Hex } from "viem";
import { useEvery, useSources } from "../../context.tsx";
import { count, many } from "../../format.ts";
import { readPaths, type Paths } from "../../resolver/paths.ts";
import { useRead } from "../../useRead.ts";
import { Failure } from "../../ui/notice.tsx";
import { Foreign, TimeAgo } from "../../ui/text.tsx";

type PathKind = Paths["sessions"][number]["path"];

const KINDS: Record<PathKind, string> = {
  public: "directly",
  relay: "by a relay",
  lan: "directly, within one network",
  ipv6: "directly, over IPv6",
  mapped: "directly, by a port that the provider's gateway leads on",
  punched: "directly, through both NATs",
};

/** How the console's own sessions reach the service, and the gaps of their moves. */
export function SessionPaths({ id }: { id: Hex }) {
  const { config } = useSources();
  return config.paths === undefined ? null : <Card base={config.paths} id={id} />;
}

function Card({ base, id }: { base: string; id: Hex }) {
  const { value, failure } = useRead(`paths ${id}`, useEvery(5), (signal) =>
    readPaths(base, id, signal),
  );
  return (
    <div className="card">
      <h3>Sessions from here</h3>
      {failure !== undefined && <Failure failure={failure} />}
      {value === undefined && failure === undefined && <p className="muted">Reading…</p>}
      {value !== undefined && <Sessions paths={value} />}
      {value !== undefined && value.moves.length > 0 && <Moves moves={value.moves} />}
    </div>
  );
}

function Sessions({ paths: { sessions } }: { paths: Paths }) {
  if (sessions.length === 0) {
    return (
      <p className="muted">
        The console&apos;s server has no session with this service now. A call or &quot;Ask&quot;
        opens one if it goes over the SAL.
      </p>
    );
  }
  return (
    <ul className="endpoints">
      {sessions.map(({ endpoint, path, whyRelayed, flows }, index) => (
        <li key={index}>
          Reached {KINDS[path]}, with {many(flows, "open flow")}:{" "}
          <code>
            <Foreign value={endpoint} longest={90} />
          </code>
          {whyRelayed !== null && (
            <p className="muted">
              Why not directly: <Foreign value={whyRelayed} longest={200} />
            </p>
          )}
        </li>
      ))}
    </ul>
  );
}

function Moves({ moves }: { moves: Paths["moves"] }) {
  return (
    <>
      <h3>Their moves, and the gap of each</h3>
      <ol className="endpoints" reversed>
        {moves.toReversed().map(({ at, reason, endpoint, path, gapMs }, index) => (
          <li key={index}>
            <TimeAgo seconds={at / 1000} />: {count(Math.round(gapMs))} ms after the last byte,{" "}
            {KINDS[path]} to{" "}
            <code>
              <Foreign value={endpoint} longest={60} />
            </code>{" "}
            <span className="muted">
              (<Foreign value={reason} longest={32} />)
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}
