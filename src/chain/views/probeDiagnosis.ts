import { isRandom } from "../../protocol/exchange.ts";
import type { ProbeSpecification } from "../../protocol/probe.ts";
import { grades, type Grade } from "../../protocol/tally.ts";
import type { Transport } from "../../protocol/transport.ts";
import type { Diagnosis } from "./diagnosis.ts";
import type { ServiceView } from "./serviceView.ts";

/** What to do if the service has moved since its announcement. */
const OLD_PLACE =
  "The endpoint is the one on chain, which may be older than a move: give --resolver or --coral-bootstrap.";

/** The result of the service's own probe, run once from this host. */
export interface SelfProbe {
  requests: readonly SelfProbeRequest[];
}

export interface SelfProbeRequest {
  /** The request: `GET /health`. */
  request: string;
  /** An endpoint of the published record, and its transport. */
  endpoint: string;
  transport: Transport;
  grade: Grade;
  /** Time to the last byte, milliseconds. */
  elapsedMs: number;
  /** The reason if it is FAILED. */
  reason: string | undefined;
}

/** Diagnoses from the specification, and from a run of it on this host. */
export function diagnoseProbe(view: ServiceView, probe: SelfProbe | undefined): Diagnosis[] {
  return [...diagnoseSpecification(view), ...(probe?.requests ?? []).flatMap(toDiagnosis(view))];
}

function diagnoseSpecification(view: ServiceView): Diagnosis[] {
  if (!view.probe.found) {
    return [
      {
        code: "PROBE_NOT_FOUND",
        severity: "notice",
        what: "The RPC endpoint does not serve the event that holds the probe specification.",
        remedy:
          "Use an endpoint with logs of old blocks. Auditors without such an endpoint cannot inspect the service.",
      },
    ];
  }
  if (view.probe.isNewer) {
    return [
      {
        code: "PROBE_NEWER",
        severity: "notice",
        what: "The probe specification is of a later version than this software knows.",
        remedy: "Update this software. Auditors that do not know the version cast no vote.",
      },
    ];
  }
  if (view.probe.specification !== undefined) return diagnoseExchanges(view.probe.specification);
  return [
    {
      code: "PROBE_UNREADABLE",
      severity: "problem",
      what: "The probe specification does not parse: every inspection is FAILED.",
      remedy: "Set a valid specification (setProbe); docs/protocol.md lists its fields.",
    },
  ];
}

/** Exchanges whose answer anything could give that listens. */
function diagnoseExchanges({ requests }: ProbeSpecification): Diagnosis[] {
  const isStatic = requests.some((request) => "expect" in request && !isRandom(request));
  if (!isStatic) return [];
  return [
    {
      code: "PROBE_STATIC",
      severity: "notice",
      what: "An exchange of the probe has no {r} in what it expects: it shows only that something listens.",
      remedy:
        "Send {r}, and expect it in the answer, if the protocol has a command that returns it.",
    },
  ];
}

function toDiagnosis(view: ServiceView): (request: SelfProbeRequest) => Diagnosis[] {
  const { excellentMs, poorMs } = view.class;
  const place = view.record.source === "chain" ? ` ${OLD_PLACE}` : "";
  return ({ request, transport, grade, elapsedMs, reason }) => {
    if (grade === 3) return [];
    const asked = `${request} over ${transport}`;
    const took = `${Math.round(elapsedMs)} ms`;
    if (grade > 0 || elapsedMs > poorMs) {
      return [
        {
          code: "PROBE_SLOW",
          severity: "problem",
          what: `${asked} took ${took} from here: ${grades[grade]}; EXCELLENT ends at ${excellentMs} ms.`,
          remedy: "Make the response faster, or serve it nearer to the auditors.",
        },
      ];
    }
    return [
      {
        code: "PROBE_FAILED",
        severity: "problem",
        what: `${asked} fails from here, after ${took}: ${reason ?? "no reason given"}.`,
        remedy: `Compare the response with the probe specification, and check the gateway's log.${place}`,
      },
    ];
  };
}
