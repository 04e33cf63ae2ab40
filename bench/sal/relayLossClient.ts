import { SalClient } from "../../src/sal/client/salClient.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { serve } from "../resolve/worker.ts";
import { requestOf } from "./feed.ts";
import { GapMeter } from "./gap.ts";
import { PatternCheck } from "./pattern.ts";
import { clientDependencies, FEED_PORT, fixedLocator, locatedAt } from "./service.ts";

serve({ begin, watch, gap, finish });

interface Running {
  client: SalClient;
  flow: Flow;
  meter: GapMeter;
  check: PatternCheck;
  gap: Promise<number> | undefined;
}

let running: Running | undefined;

/** Begins a transfer without end from a service at these ports; gives the one that is used. */
async function begin(ports: readonly number[]): Promise<number> {
  const meter = new GapMeter();
  const check = new PatternCheck();
  const observer = {
    moved: () => {
      meter.over();
    },
  };
  const locator = fixedLocator(locatedAt(ports));
  const client = new SalClient({}, clientDependencies(locator, { observer }));
  const flow = await client.connect("bench", FEED_PORT);
  flow.on("data", (chunk: Buffer) => {
    check.take(chunk);
    meter.heard();
  });
  flow.on("error", (error) => {
    // A session must not end: this ends the process, and so the benchmark.
    if (running?.flow === flow) throw error;
  });
  flow.write(requestOf(2 ** 47));
  running = { client, flow, meter, check, gap: undefined };
  await meter.around();
  return used();
}

/** From now on a relay may be lost. */
function watch(): void {
  present().gap = present().meter.during();
}

/** The gap of the loss, and the port over which the transfer goes on. */
async function gap(): Promise<{ gapMs: number; port: number }> {
  const gapMs = (await present().gap) ?? NaN;
  return { gapMs, port: used() };
}

/** Ends the session; gives how many bytes were wrong. */
function finish(): number {
  const { client, check } = present();
  running = undefined;
  client.close();
  return check.wrong;
}

function used(): number {
  return Number(new URL(present().client.sessions[0]?.endpoint ?? "").port);
}

function present(): Running {
  if (running === undefined) throw new Error("Nothing runs.");
  return running;
}
