import { systemScheduler as clock } from "../../../src/node/scheduler.ts";
import { createMetrics } from "../../../src/node/metrics.ts";
import { RelayMetrics } from "../../../src/relay/metrics.ts";
import { Relay } from "../../../src/relay/relay.ts";
import { createCertificate } from "../../../src/sal/transport/certificate.ts";
import { FakeKeys } from "../../relay/rig.ts";
import { DOMAIN } from "../../sal/rig/salRig.ts";
import { MemoryLog } from "../memoryLog.ts";
import { tell, VISITORS } from "./messages.ts";

/** The relay of this software, at the address that the test names. */
const [name = ""] = process.argv.slice(2);
const relay = new Relay(
  { listen: { host: "::", port: VISITORS }, names: [name], domain: DOMAIN, limits: {} },
  {
    ...{ clock, log: new MemoryLog(), directory: new FakeKeys(), now: Date.now },
    certificate: createCertificate(Date.now()),
    metrics: new RelayMetrics(createMetrics("relay")),
  },
);
process.once("disconnect", () => process.exit());
await relay.start();
tell({ ready: true });
