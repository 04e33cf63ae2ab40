import { setTimeout as pause } from "node:timers/promises";
import { SalClient } from "../../src/sal/client/salClient.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { serve } from "../resolve/worker.ts";
import { requestOf } from "./feed.ts";
import { GapMeter } from "./gap.ts";
import { PatternCheck } from "./pattern.ts";
import { clientDependencies, ECHO_PORT, FEED_PORT, fixedLocator, locatedAt } from "./service.ts";

serve({ begin, around, during, over, finish, open, echoes, fresh });

const meter = new GapMeter();
let check = new PatternCheck();
/** Of the transfers before. */
let wrongBefore = 0;
let gap: Promise<number> = Promise.resolve(0);
let moved = 0;
let port = 0;
let feeding: Flow | undefined;
let clients: { client: SalClient; flow: Flow }[] = [];

function createClient(): SalClient {
  const observer = {
    moved: () => {
      moved += 1;
      meter.over();
    },
  };
  return new SalClient({}, clientDependencies(fixedLocator(locatedAt([port])), { observer }));
}

/** Begins another transfer without end, with a session of its own. */
async function begin(at: number): Promise<void> {
  port = at;
  const before = feeding;
  feeding = undefined;
  before?.destroy();
  const flow = await createClient().connect("bench", FEED_PORT);
  feeding = flow;
  wrongBefore += check.wrong;
  check = new PatternCheck();
  flow.on("data", (chunk: Buffer) => {
    if (feeding !== flow) return;
    check.take(chunk);
    meter.heard();
  });
  flow.on("error", (error) => {
    if (feeding === flow) throw error;
  });
  flow.write(requestOf(2 ** 47));
  await meter.around();
}

/** Gaps around instants in which nothing happens, milliseconds. */
async function around(times: number): Promise<number[]> {
  const gaps: number[] = [];
  while (gaps.length < times) {
    await pause(20 + 20 * Math.random());
    gaps.push(await meter.around());
  }
  return gaps;
}

/** From now on the widest gap counts. */
function during(): void {
  gap = meter.during();
}

/** The widest gap since {@link during}, milliseconds; by itself over when the session has moved, if it is to. */
function over({ moves }: { moves: boolean }): Promise<number> {
  if (!moves) meter.over();
  return gap;
}

/** Ends the transfer; returns how many bytes of all were wrong. */
function finish(): number {
  const flow = feeding;
  feeding = undefined;
  flow?.destroy();
  return wrongBefore + check.wrong;
}

/** Opens sessions with one flow each. */
async function open({ count, at }: { count: number; at: number }): Promise<void> {
  port = at;
  clients = [];
  const one = async () => {
    while (clients.length < count) {
      const entry = { client: createClient(), flow: undefined as unknown as Flow };
      clients.push(entry);
      entry.flow = await entry.client.connect("bench", ECHO_PORT);
      entry.flow.on("error", (error) => {
        throw error;
      });
      entry.flow.resume();
    }
  };
  await Promise.all(Array.from({ length: 16 }, one));
}

/** Sends a byte in every flow, and waits until all have come back; with `moves`, until all sessions have moved, too. */
async function echoes({ moves }: { moves: boolean }): Promise<void> {
  if (moves) moved = 0;
  await Promise.all(
    clients.map(
      ({ flow }) =>
        new Promise<void>((resolve) => {
          flow.once("data", () => {
            resolve();
          });
          flow.write("x");
        }),
    ),
  );
  while (moves && moved < clients.length) await pause(5);
}

/** A new flow of every client, in a session with the new process: opens it, and ends it. */
async function fresh(): Promise<void> {
  await Promise.all(
    clients.map(async ({ client }) => {
      const flow = await client.connect("bench", ECHO_PORT);
      flow.on("error", () => {
        // It has served.
      });
      flow.destroy();
    }),
  );
}
