import { useSources } from "../../context.tsx";
import { Failure, Notice } from "../../ui/notice.tsx";
import { Foreign, Id } from "../../ui/text.tsx";
import type { WalletState } from "../useWallet.ts";

/** The wallets of the browser, or the one that is connected. */
export function WalletBar({ wallet }: { wallet: WalletState }) {
  const { config } = useSources();
  const { found, connected, failure } = wallet;
  const { chainId } = config.deployment;
  if (connected === undefined) {
    return (
      <div className="wallet">
        {failure && <Failure failure={failure} />}
        {found.length === 0 ? (
          <Notice kind="info" title="No wallet">
            Install a wallet that announces itself to pages (EIP-6963), and load the page again.
          </Notice>
        ) : (
          <ul className="wallets" aria-label="Wallets">
            {found.map((each) => (
              <li key={each.uuid}>
                <button
                  type="button"
                  onClick={() => {
                    wallet.connect(each);
                  }}
                >
                  Connect <Foreign value={each.name} longest={40} />
                </button>{" "}
                <span className="muted">
                  <Foreign value={each.rdns} longest={60} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    );
  }
  const isOther = connected.chainId !== chainId;
  return (
    <div className="wallet">
      {failure && <Failure failure={failure} />}
      <p className="wallet-line">
        Account <Id value={connected.account} />
        <span className="muted">
          {" "}
          of <Foreign value={connected.wallet.name} longest={40} />
        </span>{" "}
        <button type="button" onClick={wallet.disconnect}>
          Disconnect
        </button>
      </p>
      {isOther && (
        <Notice kind="warning" title="The wallet is on another chain">
          <p>
            It is on chain {connected.chainId ?? "unknown"}, the deployment is on chain {chainId}.
          </p>
          <button type="button" onClick={wallet.switchChain}>
            Switch to chain {chainId}
          </button>
        </Notice>
      )}
    </div>
  );
}
