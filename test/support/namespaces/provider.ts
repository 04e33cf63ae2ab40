import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, createServer, isIP, type Socket } from "node:net";
import { DialRules } from "../../../src/net/dialRules.ts";
import { interfaceFingerprint, ownAddresses } from "../../../src/node/interfaces.ts";
import { systemScheduler as clock } from "../../../src/node/scheduler.ts";
import { SalAcceptor } from "../../../src/sal/provider/salAcceptor.ts";
import { SalProvider } from "../../../src/sal/provider/salProvider.ts";
import type { FlowHandler } from "../../../src/sal/provider/service.ts";
import { RelayLine } from "../../../src/sal/relay/relayLine.ts";
import { createCertificate } from "../../../src/sal/transport/certificate.ts";
import type { Place } from "../../../src/sal/transport/link.ts";
import { defaultGateway } from "../../../src/sal/upgrade/mapping/defaultGateway.ts";
import { NAT_PMP_PORT, NatPmp } from "../../../src/sal/upgrade/mapping/natPmp.ts";
import { PortMapper } from "../../../src/sal/upgrade/mapping/portMapper.ts";
import { listeningPlaces } from "../../../src/sal/upgrade/places.ts";
import type { DirectSettings } from "../../../src/sal/upgrade/settings.ts";
import { ProviderDirect } from "../../../src/sal/upgrade/providerDirect.ts";
import { pattern } from "../../sal/rig/random.ts";
import { DOMAIN, KEY, SERVICE } from "../../sal/rig/salRig.ts";
import { MemoryLog } from "../memoryLog.ts";
import { FEED, LISTEN, PROVIDERS, tell, VISITORS, type Order } from "./messages.ts";

const PIECE = 8 * 1024;
/** With a pause between two pieces, milliseconds, the feed does not take all that the path gives. */
const [relay = "", setting = "{}"] = process.argv.slice(2);
const {
  pauseMs,
  isQuiet = false,
  mapPort = false,
  isReal = false,
  direct: settings = {},
} = JSON.parse(setting) as {
  pauseMs?: number;
  /** Names no place at which it listens. */
  isQuiet?: boolean;
  /** Asks the gateway for a port. */
  mapPort?: boolean;
  /** Whether the relay is that of this software. */
  isReal?: boolean;
  direct?: DirectSettings;
};
let isOver = false;

const feed: FlowHandler = (flow) => {
  const digest = createHash("sha256");
  let bytes = 0;
  flow.on("error", ({ message, code }: Error & { code?: string }) => {
    // The client has what it wanted.
    if (code !== "FLOW_CANCELLED") tell({ failed: message });
  });
  const more = () => {
    while (!isOver && !flow.destroyed) {
      const piece = pattern(bytes, PIECE);
      digest.update(piece);
      bytes += PIECE;
      const isFull = !flow.write(piece);
      if (isFull) {
        flow.once("drain", more);
        return;
      }
      if (pauseMs !== undefined) {
        setTimeout(more, pauseMs);
        return;
      }
    }
    if (flow.destroyed) return;
    flow.end();
    tell({ bytes, digest: digest.digest("hex") });
  };
  more();
  return Promise.resolve();
};

const log = new MemoryLog();
const mapper = new PortMapper(() => LISTEN, {
  ...{ clock, log },
  gateway: () => new NatPmp({ address: defaultGateway() ?? "", port: NAT_PMP_PORT }, clock),
});
const direct = new ProviderDirect(settings, {
  ...{ clock, log, rules: new DialRules({ allowLoopback: false }) },
  places: () => [
    ...(mapper.candidate === undefined ? [] : [mapper.candidate]),
    ...(isQuiet ? [] : listeningPlaces([{ address: "::", port: LISTEN }], ownAddresses())),
  ],
  accept: (socket) => {
    acceptor.accept(socket);
  },
});
const service = {
  ...{ serviceId: SERVICE, keys: [KEY], asksClient: false },
  ports: new Map([[FEED, feed]]),
};
const provider = new SalProvider(
  { service, domain: DOMAIN },
  { clock, log, now: Date.now, direct },
);
const certificate = createCertificate(Date.now());
const acceptor = new SalAcceptor(
  { certificate, provider, onHttp: (socket) => socket.destroy() },
  { clock, log },
);
const server = createServer((socket) => {
  acceptor.accept(socket);
});

/** A connection to the relay, which may be dialled from again. */
function toRelay(first: string): Socket {
  const localAddress = isIP(relay) === 4 ? "0.0.0.0" : "::";
  const socket = connect({ host: relay, port: PROVIDERS, localAddress, noDelay: true });
  socket.on("error", () => socket.destroy());
  socket.write(`${first}\n`);
  return socket;
}

/** Reads the relay's line, and leaves the visitor's bytes. */
async function visit(token: string): Promise<void> {
  const socket = toRelay(token);
  let line = "";
  while (!line.endsWith("\n")) {
    const byte = socket.read(1) as Buffer | null;
    if (byte === null) await once(socket, "readable");
    else line += byte.toString();
  }
  const { visitor, self } = JSON.parse(line) as { visitor: Place; self: Place };
  acceptor.acceptRelayed(socket, visitor, { visitor, self });
}

function control(): void {
  const socket = toRelay("control");
  let rest = "";
  socket.on("data", (chunk: Buffer) => {
    const tokens = (rest + chunk.toString()).split("\n");
    rest = tokens.pop() ?? "";
    for (const token of tokens) {
      visit(token).catch((error: unknown) => {
        tell({ failed: String(error) });
      });
    }
  });
  // Another address of the host makes the connection useless, and nothing tells.
  const addresses = interfaceFingerprint();
  const compare = setInterval(() => {
    if (interfaceFingerprint() !== addresses) socket.destroy();
  }, 50);
  socket.once("close", () => {
    clearInterval(compare);
    setTimeout(control, 50);
  });
}

process.on("message", (order: Order) => {
  if ("end" in order) isOver = true;
  if ("unmap" in order) {
    void mapper.stop().then(() => {
      tell({ unmapped: true });
    });
  }
});
process.once("disconnect", () => process.exit());
server.listen(LISTEN, "::");
await once(server, "listening");
if (mapPort) {
  await mapper.start();
  while (mapper.candidate === undefined) await new Promise((resolve) => setTimeout(resolve, 20));
}
if (isReal) {
  const { instance } = provider;
  const line = new RelayLine(
    { host: relay, port: VISITORS },
    1,
    { serviceId: SERVICE, key: KEY, delegation: "0x", instance, domain: DOMAIN },
    {
      ...{ clock, log, now: Date.now },
      rules: new DialRules({ allowLoopback: false }),
      accept: (socket, visitor, ends) => {
        acceptor.acceptRelayed(socket, visitor, ends);
      },
    },
  );
  await line.start();
  if (line.failure !== undefined) tell({ failed: line.failure.message });
} else {
  control();
}
tell({ ready: true });
