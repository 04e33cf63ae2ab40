import { useRef, useState, type SubmitEvent } from "react";
import { failureOf } from "../acts/ui/failure.ts";
import { useHead, useSources } from "../context.tsx";
import type { PageError } from "../failure.ts";
import { usePlace } from "../router.ts";
import { useRead } from "../useRead.ts";
import { Failure } from "../ui/notice.tsx";
import { BlockcloudError } from "@protocol/errors.ts";
import { ReceiptSigner } from "@protocol/receipt.ts";
import { blockcloudDomain } from "@protocol/typedData.ts";
import { callDirectly, callThrough, newNonce, prove, type Question } from "./call.ts";
import { announcedUrl } from "./measure.ts";
import { probeRequest } from "./probe.ts";
import { findTarget, type Target } from "./target.ts";
import { Answered, type Call } from "./ui/answered.tsx";
import "./call.css";

const METHODS = ["GET", "HEAD", "POST"] as const;
/** Values of the form that the reader chose. */
type Own = Partial<{ method: Question["method"]; path: string | undefined; body: string }>;

const never = new AbortController().signal;

/** Calls a service now, and checks the receipt in the page: `#/call/<service>`. */
export default function Page() {
  const { config, client } = useSources();
  const sources = useSources();
  const head = useHead();
  const place = usePlace();
  const [service, setService] = useState(place.path[1] ?? "");
  // What the reader chose; the rest is the first request of the service's probe, if it has one over HTTP.
  const [own, setOwn] = useState<Own>({ path: place.query.get("path") ?? undefined });
  const { value: first } = useRead(`probe of ${service}`, 0, async () => {
    const { number } = await findTarget(service, client, config.deployment);
    return probeRequest(sources, number, head.epoch);
  });
  const method = own.method ?? first?.method ?? "GET";
  const path = own.path ?? first?.path ?? "/";
  const body = own.body ?? new TextDecoder().decode(first?.body);
  const isFirst = method === first?.method && path === first.path;
  const [call, setCall] = useState<Call>();
  const [failure, setFailure] = useState<PageError>();
  const [isCalling, setIsCalling] = useState(false);
  const busy = useRef(false);

  const directly = async (target: Target, question: Question) => {
    const endpoint = await announcedUrl(sources, head, target, never);
    return callDirectly(endpoint, question, never);
  };
  const ask = async () => {
    const { deployment, call: base } = config;
    const target = await findTarget(service, client, deployment);
    const question: Question = {
      service: target.id,
      method,
      path: checkedPath(path),
      body: new TextEncoder().encode(method === "POST" ? body : ""),
      nonce: newNonce(),
      ...(isFirst && first.headers !== undefined && { headers: first.headers }),
    };
    const answer =
      base === undefined
        ? await directly(target, question)
        : await callThrough(base, question, never);
    const { chainId, contracts } = deployment;
    const signer = new ReceiptSigner(blockcloudDomain(BigInt(chainId), contracts.registry));
    setCall({ target, question, answer, proof: prove(question, answer, target.keys, signer) });
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.current) return;
    busy.current = true;
    setIsCalling(true);
    setCall(undefined);
    setFailure(undefined);
    ask()
      .catch((error: unknown) => {
        setFailure(failureOf(error));
      })
      .finally(() => {
        busy.current = false;
        setIsCalling(false);
      });
  };
  return (
    <>
      <div className="page-head">
        <h1>Call</h1>
        <p className="muted">
          The page sends a nonce, and checks the receipt of the response against the service's key
          on chain.
        </p>
      </div>
      <form className="filters" onSubmit={submit}>
        <label className="field">
          Service: number, ID or label
          <input
            value={service}
            spellCheck={false}
            onChange={(event) => {
              setService(event.target.value);
            }}
          />
        </label>
        <label className="field">
          Method
          <select
            value={method}
            onChange={(event) => {
              const chosen = METHODS.find((each) => each === event.target.value) ?? "GET";
              setOwn({ ...own, method: chosen });
            }}
          >
            {METHODS.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
        <label className="field field-wide">
          Path
          <input
            value={path}
            spellCheck={false}
            onChange={(event) => {
              setOwn({ ...own, path: event.target.value });
            }}
          />
        </label>
        {method === "POST" && (
          <label className="field field-wide">
            Body
            <textarea
              value={body}
              rows={3}
              spellCheck={false}
              onChange={(event) => {
                setOwn({ ...own, body: event.target.value });
              }}
            />
          </label>
        )}
        <button type="submit" className="primary" disabled={isCalling}>
          {isCalling ? "Calling…" : "Call"}
        </button>
      </form>
      {isFirst && (
        <p className="muted">Auditors ask for this first: it is in the service's probe.</p>
      )}
      {failure && <Failure failure={failure} what="The service was not called" />}
      {call && <Answered call={call} />}
    </>
  );
}

/** A path as a request line has it. */
function checkedPath(path: string): string {
  if (/^\/[\x21-\x7e]{0,2000}$/.test(path) && !path.includes("#")) return path;
  throw new BlockcloudError("PATH_INVALID", `"${path.slice(0, 60)}" is no path of a request.`, {
    remedy: "Begin with /, without blanks, and write other characters as %XX.",
  });
}
