import type { ChainClock } from "../src/chain/clock.ts";
import type { Findings } from "./findings.ts";
import type { Helper } from "./helper.ts";
import type { Monitor } from "./monitor.ts";
import type { DemoDownload } from "./download.ts";
import type { LongFile } from "./longFile.ts";
import type { DemoPaying, PayingUser } from "./paying.ts";
import type { DemoMove } from "./move.ts";
import type { DemoAuditor, DemoService, Stage } from "./stage.ts";
import type { Fault } from "./upstreams.ts";
import type { DemoRelay, DemoRelayLoss } from "./relays.ts";
import type { Visitors } from "./visitors.ts";
import type { WorkerProcess } from "./worker.ts";

/** Everything that runs, and how to end it. */
export interface Running {
  stage: Stage;
  clock: ChainClock;
  monitor: Monitor;
  services: DemoService[];
  auditors: DemoAuditor[];
  findings: Findings;
  /** Services and auditors of whoever tries the devnet. */
  visitors: Visitors;
  faultNow: () => Fault;
  workers: WorkerProcess[];
  /** Those of them without which the demo goes on. */
  helpers: Helper[];
  resolver: { http: string; dns: string };
  /** The file that a second terminal reads. */
  environment: string;
  /** The address of the console's page, if it runs. */
  console: string | undefined;
  move: DemoMove | undefined;
  /** Starts a process that takes the place of the one of the service that moves. */
  replace: () => WorkerProcess;
  /** The download during the move. */
  download: DemoDownload | undefined;
  /** The user that pays service 1, and what came of it in the end. */
  user: PayingUser;
  paying: DemoPaying | undefined;
  /** What it downloads. */
  file: LongFile;
  relays: DemoRelay[];
  /** What is downloaded from the service behind relays, and what came of it when one was killed. */
  relayedFile: LongFile;
  relayLoss: DemoRelayLoss | undefined;
  /** First epoch in which all auditors count and run. */
  first: number;
}
