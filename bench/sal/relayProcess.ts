import { silentLogger } from "../../src/node/logger.ts";
import { systemScheduler as clock } from "../../src/node/scheduler.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { Relay } from "../../src/relay/relay.ts";
import { createCertificate } from "../../src/sal/transport/certificate.ts";
import { serve } from "../resolve/worker.ts";
import { cpu } from "./processCpu.ts";
import { memory } from "./processMemory.ts";
import { DOMAIN, KEY } from "./service.ts";

serve({ start, spares, memory, cpu });

let relay: Relay | undefined;

/** A relay without limits for one address: the benchmark has one. Gives its port. */
async function start(port: number): Promise<number> {
  relay = new Relay(
    {
      listen: { host: "127.0.0.1", port },
      domain: DOMAIN,
      limits: {
        ...{ maxVisitors: 0, maxVisitorsPerPeer: 0, maxVisitorsPerProvider: 0 },
        ...{ maxHandshakes: 0, maxHandshakesPerPeer: 0, bytesPerSecondPerPeer: 0 },
      },
    },
    {
      ...{ clock, log: silentLogger, now: Date.now },
      directory: {
        rootKey: () => Promise.resolve({ key: addressOfKey(KEY), active: true }),
        onChange: () => () => {},
      },
      certificate: createCertificate(Date.now()),
    },
  );
  await relay.start();
  return relay.address.port;
}

/** Connections that wait for visitors. */
function spares(): number {
  return relay?.spares ?? 0;
}
