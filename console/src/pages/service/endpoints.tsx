import { waysOf } from "../../chain/records.ts";
import { Foreign } from "../../ui/text.tsx";

/** The endpoints of a record, the preferred one in front. */
export function Endpoints({ uris }: { uris: readonly string[] }) {
  const { isRelayed } = waysOf(uris);
  return (
    <>
      <ol className="endpoints">
        {uris.map((uri) => (
          <li key={uri}>
            <code>
              <Foreign value={uri} longest={90} />
            </code>
          </li>
        ))}
      </ol>
      {isRelayed && <p>Reached by a relay only: a session may become direct while it lasts.</p>}
    </>
  );
}
