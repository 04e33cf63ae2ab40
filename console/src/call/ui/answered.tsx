import { shown } from "../../foreign.ts";
import { count, utc } from "../../format.ts";
import { Failure, Notice } from "../../ui/notice.tsx";
import { Section } from "../../ui/stat.tsx";
import { Foreign, Id } from "../../ui/text.tsx";
import { failureOf } from "../../acts/ui/failure.ts";
import type { Proof, Question, ServiceAnswer } from "../call.ts";
import type { Target } from "../target.ts";

/** A call that was answered. */
export interface Call {
  target: Target;
  question: Question;
  answer: ServiceAnswer;
  proof: Proof;
}

/** What came back, and what of it is proven. */
export function Answered({ call }: { call: Call }) {
  const { answer, proof } = call;
  return (
    <>
      {proof.kind === "proven" ? (
        <Proves answer={answer} proof={proof} />
      ) : (
        <Failure
          failure={failureOf(proof.error)}
          what={
            proof.kind === "missing"
              ? "The response has no receipt: nothing is proven"
              : "The receipt does not prove the response"
          }
        />
      )}
      <div className="columns">
        <Proven call={call} />
        <NotProven call={call} />
      </div>
      <Section title="Response">
        <dl className="facts">
          <dt>Status</dt>
          <dd className="number">{answer.status}</dd>
          <dt>Endpoint</dt>
          <dd>
            <Foreign value={answer.endpoint} />
          </dd>
          <dt>Body</dt>
          <dd className="number">{count(answer.body.length)} bytes</dd>
        </dl>
        <Body bytes={answer.body} />
        <details>
          <summary>Fields of the response, {count(answer.headers.length)}</summary>
          <ul className="fields">
            {answer.headers.map(([name, value], index) => (
              <li key={`${index} ${name}`}>
                <Foreign value={name} />: <Foreign value={value} />
              </li>
            ))}
          </ul>
        </details>
      </Section>
    </>
  );
}

/** That the answer is the service's, which does not make it a good one. */
function Proves(props: { answer: ServiceAnswer; proof: Extract<Proof, { kind: "proven" }> }) {
  const { status } = props.answer;
  const { key, receipt } = props.proof;
  const isError = status >= 400;
  return (
    <Notice
      kind={isError ? "warning" : "good"}
      title={
        isError
          ? `The service answered with an error: status ${status}`
          : `The receipt proves the response: status ${status}`
      }
    >
      {isError && (
        <p>
          The receipt proves that the service sent this error.{" "}
          {status < 500
            ? "It refused the request: check method, path and body."
            : "The fault is the service's: ask its provider, or try again later."}
        </p>
      )}
      The key <Id value={key} /> signed it at {utc(Number(receipt.issuedAt / 1000n))}.
    </Notice>
  );
}

function Proven({ call: { question, answer, proof, target } }: { call: Call }) {
  return (
    <Section title="What is proven">
      {proof.kind === "proven" ? (
        <ul>
          <li>
            Service {target.number.toString()}
            {target.isRoot ? "" : ", or rather its sub-service,"} signed for this call: the nonce is
            new.
          </li>
          <li>
            It vouches for {question.method} <Foreign value={question.path} />, the status{" "}
            {answer.status} and both bodies, byte for byte.
          </li>
        </ul>
      ) : (
        <p>Nothing.</p>
      )}
    </Section>
  );
}

function NotProven({ call: { answer, proof, target } }: { call: Call }) {
  const lines = [
    ...(proof.kind === "proven" ? [] : ["that the response comes from the service"]),
    "that what the body says is true",
    "the fields of the response: no receipt covers them",
    "which endpoint answered, and how fast",
    "the key on chain, which the RPC endpoint told the page",
    ...(target.isRoot
      ? []
      : ["that the root has delegated to this sub-service, and not revoked it"]),
  ];
  return (
    <Section title="What is not proven">
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
      {answer.said !== undefined && (
        <p className="muted">
          The console's server found: <Foreign value={answer.said} />
        </p>
      )}
    </Section>
  );
}

/** Lines and characters of a body that are shown. */
const MOST_LINES = 200;
const LONGEST_LINE = 400;

/** A body as text, and nothing but text. */
function Body({ bytes }: { bytes: Uint8Array }) {
  if (bytes.length === 0) return <p className="muted">The body is empty.</p>;
  const most = MOST_LINES * LONGEST_LINE;
  const text = new TextDecoder().decode(bytes.subarray(0, most));
  const lines = text.split(/\r?\n/);
  const cut = bytes.length > most || lines.length > MOST_LINES;
  return (
    <>
      <pre className="body" tabIndex={0} role="region" aria-label="Body">
        {lines
          .slice(0, MOST_LINES)
          .map((line) => shown(line, LONGEST_LINE).text)
          .join("\n")}
      </pre>
      {cut && <p className="muted">The body goes on.</p>}
    </>
  );
}
