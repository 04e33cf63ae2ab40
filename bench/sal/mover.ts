import { setTimeout as pause } from "node:timers/promises";
import { hexToBytes } from "../../src/protocol/bytes.ts";
import { SalClient } from "../../src/sal/client/salClient.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import type { Transport } from "../../src/sal/transport/link.ts";
import { serve } from "../resolve/worker.ts";
import { requestOf } from "./feed.ts";
import { GapMeter } from "./gap.ts";
import { PatternCheck } from "./pattern.ts";
import { reconnecting } from "./reconnecting.ts";
import type { Change, Counts, Paths } from "./stage.ts";
import { clientDependencies, FEED_PORT, locatedAt } from "./service.ts";

serve({ begin, move, around, counts, finish, ...reconnecting });

/** A session under full load and its surroundings. */
interface Running {
  paths: Paths;
  network: number;
  place: number;
  version: number;
  client: SalClient;
  flow: Flow;
  meter: GapMeter;
  check: PatternCheck;
  moves: number;
  falseAlarms: number;
}

let running: Running | undefined;

/** Begins a session, and a transfer in it without end. */
async function begin(paths: Paths): Promise<void> {
  const meter = new GapMeter();
  const check = new PatternCheck();
  const state = { paths, network: 0, place: 0, version: 1, meter, check, moves: 0, falseAlarms: 0 };
  const located = () => locatedAt([paths.ports[0]?.[state.place] ?? 0], state.version);
  const client = new SalClient(
    {},
    clientDependencies(
      {
        locate: () => Promise.resolve(located()),
        relocate: async (_id, _newerThan, signal) => {
          await pause(paths.lookupMs, undefined, { signal });
          return located();
        },
        check: (_id, record) => {
          state.place = hexToBytes(record)[0] ?? 0;
          state.version += 1;
          return Promise.resolve(located());
        },
        watch: () => () => {},
      },
      {
        observer: {
          moved: () => {
            state.moves += 1;
            meter.over();
          },
          falseAlarm: () => (state.falseAlarms += 1),
        },
        wrap: (transport) => inNetwork(transport, state),
      },
    ),
  );
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
  running = Object.assign(state, { client, flow });
  await meter.around();
}

/** Dials by way of the client's present network. */
function inNetwork(transport: Transport, state: { paths: Paths; network: number }): Transport {
  return {
    dial: (target, signal) => {
      const { ports } = state.paths;
      const place = ports[0]?.indexOf(target.port) ?? 0;
      const port = ports[state.network]?.[place] ?? target.port;
      return transport.dial({ ...target, port }, signal);
    },
  };
}

/** Changes the surroundings; resolves with the gap when the session has moved, milliseconds. */
async function move({ network, place }: Change): Promise<number> {
  const state = present();
  const gap = state.meter.during();
  state.network = network ?? state.network;
  if (place !== undefined) {
    state.place = place;
    state.version += 1;
  }
  return gap;
}

/** Gaps around instants in which nothing happens, milliseconds. */
async function around({ times, pauseMs }: { times: number; pauseMs: number }): Promise<number[]> {
  const gaps: number[] = [];
  while (gaps.length < times) {
    await pause(pauseMs * (0.5 + Math.random()));
    gaps.push(await present().meter.around());
  }
  return gaps;
}

function counts(): Counts {
  const { moves, falseAlarms, check } = present();
  return { moves, falseAlarms, wrong: check.wrong, received: check.received };
}

/** Ends the session. */
function finish(): Counts {
  const result = counts();
  const { client } = present();
  running = undefined;
  client.close();
  return result;
}

function present(): Running {
  if (running === undefined) throw new Error("Nothing runs.");
  return running;
}
