import { ChainAccess, type ChainOptions } from "../../chain/access.ts";
import { ServiceDirectory } from "../../chain/directory.ts";
import { createCoral } from "../../coral/createCoral.ts";
import type { CoralOptions } from "../../coral/options.ts";
import { inOrder, type Startable } from "../../node/lifecycle.ts";
import type { Logger } from "../../node/logger.ts";
import type { Metrics } from "../../node/metrics.ts";
import type { Timers } from "../../node/timers.ts";

/** A standalone node of the record network, with its access to the chain. */
export function createCoralWorker(
  options: ChainOptions & { coral: CoralOptions },
  environment: { timers: Timers; log: Logger; metrics: Metrics },
): Startable {
  const chain = new ChainAccess(options, environment);
  const { client, time } = chain;
  const { deployment } = options;
  const directory = new ServiceDirectory({ client, deployment, time, ...environment });
  const now = () => time.now() * 1000;
  const coral = createCoral(options.coral, { authority: directory, now, ...environment });
  return inOrder(chain, directory, coral);
}
