import { useHead, useSources } from "../../context.tsx";
import { count } from "../../format.ts";
import { None } from "../../ui/text.tsx";
import { startMeasurement, useMeasurements, type Measurement } from "../measurements.ts";
import type { Measured } from "../measure.ts";

/** Measures services from here. */
export function useMeasure(): (number: bigint) => void {
  const sources = useSources();
  const head = useHead();
  return (number) => {
    void startMeasurement(number, async () => {
      // What calls and proves is as large as the rest of a list's page: it comes when it is asked for.
      const { measure } = await import("../measure.ts");
      return measure(sources, head, number, new AbortController().signal);
    });
  };
}

/** What a service says from here, or the button that asks it. */
export function FromHere({ number }: { number: bigint }) {
  const measurement = useMeasurements().get(number);
  const measure = useMeasure();
  const isAsking = measurement?.kind === "asking";
  return (
    <span className="from-here">
      {measurement !== undefined && <Found measurement={measurement} />}
      <button
        type="button"
        className="small"
        disabled={isAsking}
        aria-label={`Ask service ${number} ${measurement === undefined ? "from here" : "again"}`}
        onClick={() => {
          measure(number);
        }}
      >
        {isAsking ? "…" : measurement === undefined ? "Ask" : "↻"}
      </button>
    </span>
  );
}

function Found({ measurement }: { measurement: Measurement }) {
  if (measurement.kind === "asking") return null;
  if (measurement.kind === "failed") {
    const { code, message, remedy } = measurement.failure;
    return (
      <span className="warn" title={`${message} ${remedy ?? ""}`.trim()}>
        {code}
      </span>
    );
  }
  const { measured } = measurement;
  return (
    <span title={`${measured.asked}, status ${measured.status}`}>
      <Latency measured={measured} />
    </span>
  );
}

function Latency({ measured: { ms, proof, code, status } }: { measured: Measured }) {
  if (proof === "proven") {
    return (
      <>
        <span className="number">{milliseconds(ms)}</span>
        {status >= 400 && <span className="warn"> ({status})</span>}
      </>
    );
  }
  return <span className="warn">{status === 402 ? "wants payment" : code}</span>;
}

/** The price, as far as it was asked for. */
export function PriceFromHere({ number }: { number: bigint }) {
  const measurement = useMeasurements().get(number);
  if (measurement?.kind !== "asked") return <None />;
  const { price } = measurement.measured;
  if (price.kind === "free") return <>free</>;
  if (price.kind === "priced") {
    return (
      <span className="price number">
        {price.parts.map((part) => (
          <span key={part}>{part}</span>
        ))}
      </span>
    );
  }
  return (
    <span className="muted" title={price.why}>
      not told
    </span>
  );
}

/** How the service was reached. */
export function WayFromHere({ number }: { number: bigint }) {
  const measurement = useMeasurements().get(number);
  if (measurement?.kind !== "asked") return <None />;
  return <>{measurement.measured.way === "relayed" ? "by a relay" : "directly"}</>;
}

/** A time that was measured. */
export function milliseconds(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${count(Math.round(ms))} ms`;
}
