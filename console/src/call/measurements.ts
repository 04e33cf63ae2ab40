import { useSyncExternalStore } from "react";
import { asFailure, type PageError } from "../failure.ts";
import type { Measured } from "./measure.ts";

/** What is known of a service from here, while the page is open. */
export type Measurement =
  | { kind: "asking" }
  | { kind: "asked"; measured: Measured }
  | { kind: "failed"; failure: PageError };

let known: ReadonlyMap<bigint, Measurement> = new Map();
const listeners = new Set<() => void>();

/** All measurements, by service. */
export function useMeasurements(): ReadonlyMap<bigint, Measurement> {
  return useSyncExternalStore(subscribe, () => known);
}

/** How long an answer took that its receipt proved, milliseconds. */
export function provenMs(measurement: Measurement | undefined): number | undefined {
  if (measurement?.kind !== "asked") return undefined;
  const { proof, ms } = measurement.measured;
  return proof === "proven" ? ms : undefined;
}

/** Measures a service, unless that is under way. */
export async function startMeasurement(
  number: bigint,
  measure: () => Promise<Measured>,
): Promise<void> {
  if (known.get(number)?.kind === "asking") return;
  set(number, { kind: "asking" });
  try {
    set(number, { kind: "asked", measured: await measure() });
  } catch (error) {
    set(number, { kind: "failed", failure: asFailure(error) });
  }
}

function set(number: bigint, measurement: Measurement): void {
  known = new Map([...known, [number, measurement]]);
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
