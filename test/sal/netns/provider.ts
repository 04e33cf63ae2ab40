import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { systemScheduler as clock } from "../../../src/node/scheduler.ts";
import { SalAcceptor } from "../../../src/sal/provider/salAcceptor.ts";
import { SalProvider } from "../../../src/sal/provider/salProvider.ts";
import type { FlowHandler } from "../../../src/sal/provider/service.ts";
import { createCertificate } from "../../../src/sal/transport/certificate.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { pattern } from "../rig/random.ts";
import { DOMAIN, KEY, SERVICE } from "../rig/salRig.ts";
import { FEED, PORT, tell, type Order } from "./messages.ts";

const PIECE = 64 * 1024;
let isOver = false;

const feed: FlowHandler = (flow) => {
  const digest = createHash("sha256");
  let bytes = 0;
  flow.on("error", ({ message }: Error) => {
    tell({ failed: message });
  });
  const more = () => {
    while (!isOver) {
      const piece = pattern(bytes, PIECE);
      digest.update(piece);
      bytes += PIECE;
      if (!flow.write(piece)) {
        flow.once("drain", more);
        return;
      }
    }
    flow.end();
    tell({ bytes, digest: digest.digest("hex") });
  };
  more();
  return Promise.resolve();
};

const log = new MemoryLog();
const service = {
  ...{ serviceId: SERVICE, keys: [KEY], asksClient: false },
  ports: new Map([[FEED, feed]]),
};
const provider = new SalProvider({ service, domain: DOMAIN }, { clock, log, now: Date.now });
const certificate = createCertificate(Date.now());
const acceptor = new SalAcceptor(
  { certificate, provider, onHttp: (socket) => socket.destroy() },
  { clock, log },
);
const server = createServer((socket) => {
  acceptor.accept(socket);
});

process.on("message", (order: Order) => {
  if ("end" in order) isOver = true;
});
process.once("disconnect", () => process.exit());
server.listen(PORT, "0.0.0.0");
await once(server, "listening");
tell({ ready: true });
