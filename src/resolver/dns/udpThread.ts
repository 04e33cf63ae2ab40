/** A thread of `UdpThreads`: a UDP server whose answers are found by the main thread. */
import { parentPort, workerData } from "node:worker_threads";
import type { Hex } from "viem";
import { silentLogger } from "../../node/logger.ts";
import { systemTimers } from "../../node/timers.ts";
import type { Finding } from "./finder.ts";
import { Responder } from "./responder.ts";
import { ResponseRate } from "./responseRate.ts";
import { Tally } from "./tally.ts";
import type { FromThread, ThreadData, ToThread } from "./threadMessages.ts";
import { UdpServer } from "./udp.ts";

const { listen, answersPerSecond, responder: options } = workerData as ThreadData;
const timers = systemTimers;
const asked = new Map<number, (finding: Finding) => void>();
const watchers = new Set<(serviceId: Hex) => void>();
let questions = 0;
/** What the chain's time is ahead of the monotonic clock, milliseconds. */
let ahead = 0;

const say = (message: FromThread) => {
  parentPort?.postMessage(message);
};
const tally = new Tally(
  {
    answered: (...args) => {
      say({ kind: "answered", args });
    },
    took: (...args) => {
      say({ kind: "took", args });
    },
    limited: (...args) => {
      say({ kind: "limited", args });
    },
    // TCP is the main thread's.
    connections: () => {},
  },
  timers,
);
const responder = new Responder(options, {
  resolver: {
    watchAll: (listener) => {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
  },
  finder: {
    find: (labels, type, questionClass) =>
      new Promise((resolve) => {
        const id = (questions += 1);
        asked.set(id, resolve);
        say({ kind: "find", id, labels, type, questionClass });
      }),
  },
  now: () => timers.monotonic() + ahead,
  timers,
});
const limit = { perSecond: answersPerSecond, burst: 2 * answersPerSecond };
const server = new UdpServer(
  { ...listen, reusePort: true },
  {
    ...{ responder, tally, timers },
    rate: new ResponseRate(limit, options.seed),
    // What fails here is told by the thread's end.
    log: silentLogger,
  },
);

parentPort?.on("message", (message: ToThread) => {
  switch (message.kind) {
    case "found":
      ahead = message.now - timers.monotonic();
      asked.get(message.id)?.(message.finding);
      asked.delete(message.id);
      break;
    case "changed":
      for (const changed of watchers) changed(message.serviceId);
      break;
    case "stop":
      void stop();
  }
});

async function stop(): Promise<void> {
  responder.stop();
  tally.stop();
  await server.stop();
  parentPort?.close();
}

try {
  responder.start();
  await server.start();
  tally.start();
  say({ kind: "listening" });
} catch (error) {
  say({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
}
