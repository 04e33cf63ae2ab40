import { systemScheduler as clock } from "../../src/node/scheduler.ts";
import { Relay } from "../../src/relay/relay.ts";
import { createCertificate } from "../../src/sal/transport/certificate.ts";
import { DOMAIN } from "../sal/rig/salRig.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { FakeKeys } from "./rig.ts";

/** A relay in a process of its own, which a test can kill or stop; tells its port. */
const relay = new Relay(
  { listen: { host: "127.0.0.1", port: 0 }, domain: DOMAIN },
  {
    ...{ clock, log: new MemoryLog(), directory: new FakeKeys(), now: Date.now },
    certificate: createCertificate(Date.now()),
  },
);
process.once("disconnect", () => process.exit());
await relay.start();
process.send?.(relay.address.port);
