import { useEffect, useRef } from "react";
import { formatEther } from "viem";
import { count } from "../../format.ts";
import { Failure, Notice } from "../../ui/notice.tsx";
import { Id } from "../../ui/text.tsx";
import type { BlocMoves } from "../act.ts";
import type { Ending } from "../follow.ts";
import type { Prepared } from "../run.ts";
import type { Run } from "../useRun.ts";
import { failureOf } from "./failure.ts";

const moveNames: Record<keyof BlocMoves, string> = {
  burned: "burned",
  staked: "staked",
  bonded: "bonded",
  deposited: "deposited",
  unbonding: "begins to unbond",
  received: "received",
};

/** What an act does and costs, the step that is next, and how it ended. */
export function Preview({ run }: { run: Run }) {
  const { step } = run;
  const box = useRef<HTMLDivElement>(null);
  // The form is closed now: who uses the keyboard goes on here.
  useEffect(() => {
    box.current?.focus();
  }, [step.kind]);
  if (step.kind === "filling" || step.kind === "checking") return null;
  const { prepared } = step;
  return (
    <div className="preview" ref={box} tabIndex={-1} aria-live="polite">
      <Effects prepared={prepared} isPromise={step.kind !== "ended" || !isTold(step.ending)} />
      {step.kind === "ready" && <Next run={run} prepared={prepared} />}
      {step.kind === "asking" && (
        <Notice kind="info" title="Answer in the wallet">
          {step.what === "permit"
            ? "It asks you to sign a permit, which costs nothing."
            : "It asks you to send the transaction."}
        </Notice>
      )}
      {step.kind === "mining" && (
        <Notice kind="info" title="Sent, not mined yet">
          <Id value={step.hash} />
        </Notice>
      )}
      {step.kind === "ended" && <End run={run} ending={step.ending} />}
    </div>
  );
}

/** What the receipt says takes the place of what was promised. */
function isTold(ending: Ending): boolean {
  return ending.kind !== "confirmed" || ending.result !== undefined;
}

function Effects({ prepared, isPromise }: { prepared: Prepared; isPromise: boolean }) {
  const { plan, cost, permit } = prepared;
  const planned = isPromise ? (plan.moves ?? {}) : {};
  const moves = Object.entries(planned) as [keyof BlocMoves, bigint][];
  return (
    <>
      <h3>{`To ${plan.title}`}</h3>
      <dl className="facts">
        {moves.map(([name, wei]) => (
          <div key={name} className="fact">
            <dt>{moveNames[name]}</dt>
            <dd className="number">{formatEther(wei)} BLOC</dd>
          </div>
        ))}
        <div className="fact">
          <dt>Gas</dt>
          <dd className="number">
            {cost === undefined
              ? "known when the permit is signed"
              : `${count(cost.gas)}: about ${ether(cost.expected)} ETH, at most ${ether(cost.atMost)} ETH`}
          </dd>
        </div>
        {permit !== undefined && (
          <div className="fact">
            <dt>permit</dt>
            <dd>
              {formatEther(permit.amount)} BLOC for the contract <Id value={permit.spender} />
            </dd>
          </div>
        )}
      </dl>
      {isPromise && (
        <ul>
          {plan.outcome.map((line) => (
            <li key={line}>{line}</li>
          ))}
        </ul>
      )}
    </>
  );
}

/** Ether with as many digits as a fee needs. */
function ether(wei: bigint): string {
  const value = Number(formatEther(wei));
  return value === 0 ? "0" : value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

function Next({ run, prepared }: { run: Run; prepared: Prepared }) {
  return (
    <p className="act-buttons">
      {prepared.permit === undefined ? (
        <button type="button" className="primary" onClick={run.send}>
          Send the transaction
        </button>
      ) : (
        <button type="button" className="primary" onClick={run.sign}>
          Sign the permit
        </button>
      )}
      <button type="button" onClick={run.back}>
        Change
      </button>
    </p>
  );
}

function End({ run, ending }: { run: Run; ending: Ending }) {
  const again = (
    <button type="button" onClick={run.back}>
      Do another
    </button>
  );
  if (ending.kind === "failed") {
    return (
      <>
        <Failure failure={failureOf(ending.error)} what="The transaction was mined and failed" />
        {again}
      </>
    );
  }
  if (ending.kind === "replaced") {
    return (
      <>
        <Notice kind="warning" title="Another transaction took its place">
          <p>
            This act was not done: the account sent{" "}
            {ending.by === undefined ? "another transaction" : <Id value={ending.by} />} with the
            same nonce.
          </p>
        </Notice>
        {again}
      </>
    );
  }
  return (
    <>
      <Notice
        kind={ending.result?.isNothing === true ? "warning" : "good"}
        title={ending.result?.text ?? "Done"}
      >
        <p>
          <Id value={ending.hash} /> in block {ending.block.toString()}, {count(ending.gasUsed)} gas
        </p>
      </Notice>
      {again}
    </>
  );
}
