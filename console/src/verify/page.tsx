import { useState, type SubmitEvent } from "react";
import { useHead, useSources } from "../context.tsx";
import { linkTo, usePlace } from "../router.ts";
import { Failure } from "../ui/notice.tsx";
import { stages, type Progress } from "./progress.ts";
import { Result } from "./ui/result.tsx";
import { useVerification } from "./useVerification.ts";
import "./verify.css";

/** Epochs after its own until an epoch's votes are revealed. */
const FINAL = 2;

/** Recounts an epoch in the page: `#/verify/<epoch>`. */
export default function Page() {
  const { config } = useSources();
  const head = useHead();
  const place = usePlace();
  const newest = Math.max(1, head.epoch - FINAL);
  const [epoch, setEpoch] = useState(place.path[1] ?? String(newest));
  const [rpc, setRpc] = useState(config.rpc);
  const { progress, result, failure, start, cancel } = useVerification();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    // The address says what is shown. The router is not told: it would begin the page anew.
    history.replaceState(null, "", linkTo(["verify", epoch]));
    start({ deployment: config.deployment, epoch: wholeNumber(epoch), rpc });
  };
  return (
    <>
      <div className="page-head">
        <h1>Verify</h1>
        <p className="muted">
          This page recounts an epoch from raw blocks, calldata and events, with the code that the
          workers use, and compares each figure with what the contracts say.
        </p>
      </div>
      <form className="filters" onSubmit={submit}>
        <label className="field">
          Epoch, 1 to {newest}
          <input
            inputMode="numeric"
            value={epoch}
            disabled={progress !== undefined}
            onChange={(event) => {
              setEpoch(event.target.value);
            }}
          />
        </label>
        <label className="field field-wide">
          JSON-RPC endpoint
          <input
            type="url"
            spellCheck={false}
            value={rpc}
            disabled={progress !== undefined}
            onChange={(event) => {
              setRpc(event.target.value);
            }}
          />
        </label>
        {progress === undefined ? (
          // Keys, so that the same click never submits the button that takes the other's place.
          <button key="start" type="submit" className="primary">
            Recount
          </button>
        ) : (
          <button key="cancel" type="button" onClick={cancel}>
            Cancel
          </button>
        )}
      </form>
      {progress && <Bar progress={progress} />}
      {failure && <Failure failure={failure} what="The epoch was not recounted" />}
      {result && <Result result={result} />}
    </>
  );
}

const words: Record<Progress["stage"], string> = {
  blocks: "finds the epoch's blocks",
  stakes: "counts stakes, slots and enrolments",
  seed: "computes the seed from the block's header",
  rounds: "plays commitments and reveals again",
  pool: "counts the reward pool's books",
  claims: "plays claims again, with their receipts",
  settlements: "recounts the pay of services",
  balances: "recounts balances",
};

function Bar({ progress: { stage, share } }: { progress: Progress }) {
  const whole = (stages.indexOf(stage) + share) / stages.length;
  return (
    <div className="recounting" role="status">
      <progress aria-label="Recount" max={1} value={whole} />
      <span>The page {words[stage]}.</span>
    </div>
  );
}

/** What is no whole number is no epoch, and refused as such. */
function wholeNumber(text: string): number {
  return /^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN;
}
