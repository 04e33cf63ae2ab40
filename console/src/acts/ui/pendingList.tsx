import { useCallback, useEffect, useState } from "react";
import { useSources } from "../../context.tsx";
import { Foreign, Id } from "../../ui/text.tsx";
import type { Pending, Pendings } from "../pending.ts";
import { follow } from "../follow.ts";

/** What was sent before the page was loaded, followed to its end. */
export function PendingList({ pendings, version }: { pendings: Pendings; version: number }) {
  const { config } = useSources();
  const [dismissed, setDismissed] = useState(0);
  const again = useCallback(() => {
    setDismissed((before) => before + 1);
  }, []);
  const { chainId } = config.deployment;
  const list = pendings.list().filter((entry) => entry.chainId === chainId);
  if (list.length === 0) return null;
  return (
    <section aria-label="Open acts">
      <h2>Open acts</h2>
      <ul className="pending" data-version={version + dismissed}>
        {list.map((entry) => (
          <Entry key={entry.key} entry={entry} pendings={pendings} changed={again} />
        ))}
      </ul>
    </section>
  );
}

function Entry(props: { entry: Pending; pendings: Pendings; changed(): void }) {
  const { entry, pendings, changed } = props;
  const { client } = useSources();
  const { key, hash, account, nonce } = entry;
  useEffect(() => {
    if (hash === undefined) return;
    const controller = new AbortController();
    follow(client, { hash, account, nonce }, controller.signal).then(
      () => {
        pendings.end(key);
        changed();
      },
      // The reader left, or the node failed: the entry stays, and is followed when the page is opened again.
      () => undefined,
    );
    return () => {
      controller.abort();
    };
  }, [client, hash, key, account, nonce, pendings, changed]);
  return (
    <li>
      <Foreign value={entry.title} />{" "}
      {hash === undefined ? (
        <span className="muted">the wallet has not answered</span>
      ) : (
        <Id value={hash} />
      )}{" "}
      <button
        type="button"
        onClick={() => {
          pendings.end(key);
          changed();
        }}
      >
        Dismiss
      </button>
    </li>
  );
}
