import { useCallback, useState } from "react";
import { linkTo, usePlace } from "../router.ts";
import { Notice } from "../ui/notice.tsx";
import type { Act } from "./act.ts";
import { acts } from "./table/table.ts";
import { ActForm } from "./ui/actForm.tsx";
import { PendingList } from "./ui/pendingList.tsx";
import { WalletBar } from "./ui/walletBar.tsx";
import { usePendings, useRun } from "./useRun.ts";
import { useWallet, type WalletState } from "./useWallet.ts";
import "./acts.css";

const groups = ["Service", "Stake", "Challenge", "Pay"] as const;

/** What a wallet can do here: `#/acts/<act>`, with the values of its form in the query. */
export default function Page() {
  const place = usePlace();
  const wallet = useWallet();
  const pendings = usePendings();
  const [version, setVersion] = useState(0);
  const changed = useCallback(() => {
    setVersion((before) => before + 1);
  }, []);
  const name = place.path[1];
  const act = acts.find(({ id }) => id === name);
  return (
    <>
      <div className="page-head">
        <h1>Wallet</h1>
        <p className="muted">Each act is one transaction. Its cost and effects are shown first.</p>
      </div>
      <WalletBar wallet={wallet} />
      <PendingList pendings={pendings} version={version} />
      <div className="acts">
        <nav aria-label="Acts">
          {groups.map((group) => (
            <div key={group}>
              <h2 className="acts-group">{group}</h2>
              <ul>
                {acts
                  .filter((each) => each.group === group)
                  .map(({ id, title }) => (
                    <li key={id}>
                      <a
                        href={linkTo(["acts", id])}
                        aria-current={id === name ? "page" : undefined}
                      >
                        {title}
                      </a>
                    </li>
                  ))}
              </ul>
            </div>
          ))}
        </nav>
        {act === undefined ? (
          <Notice
            kind="info"
            title={name === undefined ? "Choose an act" : "There is no such act"}
          />
        ) : (
          <One
            key={act.id}
            act={act}
            wallet={wallet}
            changed={changed}
            given={Object.fromEntries(place.query)}
          />
        )}
      </div>
    </>
  );
}

function One(props: {
  act: Act;
  wallet: WalletState;
  changed(): void;
  given: Readonly<Record<string, string>>;
}) {
  const { act, wallet, changed, given } = props;
  const run = useRun(act, wallet.connected, changed);
  return <ActForm act={act} run={run} isConnected={wallet.connected !== undefined} given={given} />;
}
