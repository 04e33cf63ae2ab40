import { grades, type Grade } from "../../protocol/tally.ts";
import type { Diagnosis } from "./diagnosis.ts";
import type { ServiceView } from "./serviceView.ts";

/** What came of the service's own probe, run once by whoever asks. */
export interface SelfProbe {
  /** The endpoint of the published record. */
  endpoint: string;
  requests: readonly SelfProbeRequest[];
}

export interface SelfProbeRequest {
  /** What it asks: `GET /health`. */
  request: string;
  grade: Grade;
  /** To the last byte, milliseconds. */
  elapsedMs: number;
  /** Why it is FAILED. */
  reason: string | undefined;
}

/** What the specification, and a run of it from here, say about a score. */
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
        remedy: "Use an endpoint with logs of old blocks. Auditors without one cannot inspect it.",
      },
    ];
  }
  if (view.probe.specification !== undefined) return [];
  return [
    {
      code: "PROBE_UNREADABLE",
      severity: "problem",
      what: "The probe specification does not parse: every inspection is FAILED.",
      remedy: "Set one that does (setProbe); docs/protocol.md has its fields.",
    },
  ];
}

function toDiagnosis(view: ServiceView): (request: SelfProbeRequest) => Diagnosis[] {
  const { excellentMs, poorMs } = view.class;
  return ({ request, grade, elapsedMs, reason }) => {
    if (grade === 3) return [];
    const took = `${Math.round(elapsedMs)} ms`;
    if (grade > 0 || elapsedMs > poorMs) {
      return [
        {
          code: "PROBE_SLOW",
          severity: "problem",
          what: `${request} took ${took} from here: ${grades[grade]}; EXCELLENT ends at ${excellentMs} ms.`,
          remedy: "Make the answer faster, or serve it nearer to the auditors.",
        },
      ];
    }
    return [
      {
        code: "PROBE_FAILED",
        severity: "problem",
        what: `${request} fails from here, after ${took}: ${reason ?? "no reason given"}.`,
        remedy: "Compare the answer with the probe specification, and check the gateway's log.",
      },
    ];
  };
}
