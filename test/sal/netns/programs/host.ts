import { execFile } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { DialRules } from "../../../../src/net/dialRules.ts";
import { systemScheduler as clock } from "../../../../src/node/scheduler.ts";
import { systemTimers as timers } from "../../../../src/node/timers.ts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { ReceiptSigner } from "../../../../src/protocol/receipt.ts";
import { addressOfKey } from "../../../../src/protocol/signature.ts";
import { SalClient } from "../../../../src/sal/client/salClient.ts";
import { SalAcceptor } from "../../../../src/sal/provider/salAcceptor.ts";
import { SalProvider } from "../../../../src/sal/provider/salProvider.ts";
import { tcpPort } from "../../../../src/sal/provider/tcpPort.ts";
import { MapStore } from "../../../../src/sal/proxy/map/mapStore.ts";
import { createSalProxy } from "../../../../src/sal/proxy/salProxy.ts";
import { createCertificate } from "../../../../src/sal/transport/certificate.ts";
import { TlsTransport } from "../../../../src/sal/transport/tlsTransport.ts";
import { blindDns } from "../../../support/mappedRig.ts";
import { MemoryLog } from "../../../support/memoryLog.ts";
import { FakeLocator } from "../../rig/fakeLocator.ts";
import { DOMAIN, KEY, SERVICE } from "../../rig/salRig.ts";
import { NAME, PORTS, UPSTREAMS, type Done, type Order } from "./messages.ts";
import { postgres } from "./postgres.ts";

/**
 * One host with a provider and a proxy, in a network of its own in which nothing else listens. It runs programs that
 * know nothing of either: the system's configuration names the proxy's DNS.
 */
const log = new MemoryLog();
const now = () => Date.now();

const web = createServer(({ headers }, response) => {
  response.end(`the forecast, by ${headers.host ?? ""}\n`);
});
web.listen(UPSTREAMS.http, "127.0.0.1");
await once(web, "listening");
const database = createTcpServer(postgres);
database.listen(UPSTREAMS.postgres, "127.0.0.1");
await once(database, "listening");

const to = (port: number) =>
  tcpPort({ to: { host: "127.0.0.1", port } }, { timers: timers, clock });
const service = {
  ...{ serviceId: SERVICE, keys: [KEY], asksClient: false },
  ports: new Map([
    [PORTS.http, to(UPSTREAMS.http)],
    [PORTS.ssh, to(UPSTREAMS.ssh)],
    [PORTS.postgres, to(UPSTREAMS.postgres)],
    [PORTS.git, to(UPSTREAMS.git)],
  ]),
};
const provider = new SalProvider({ service, domain: DOMAIN }, { clock, log, now });
const acceptor = new SalAcceptor(
  { certificate: createCertificate(now()), provider, onHttp: (socket) => socket.destroy() },
  { clock, log },
);
const server = createTcpServer((socket) => {
  acceptor.accept(socket);
});
server.listen(0, "127.0.0.1");
await once(server, "listening");

const { port } = server.address() as AddressInfo;
const client = new SalClient(
  {},
  {
    ...{ clock, domain: DOMAIN, log, now },
    locator: new FakeLocator({
      ...{ serviceId: SERVICE, key: addressOfKey(KEY), endpoints: [`sal://127.0.0.1:${port}`] },
      ...{ issuedAt: 1, delegatedUntil: undefined },
    }),
    transport: new TlsTransport(new DialRules({ allowLoopback: true })),
    receipts: new ReceiptSigner(DOMAIN),
  },
);
const proxy = createSalProxy(
  {
    listen: { port: 1080 },
    private: true,
    map: {
      range: "127.77.0.0/16",
      ports: Object.values(PORTS),
      dns: { host: "127.0.0.1", port: 53 },
    },
  },
  {
    dial: ({ host, port: ofService }, signal) => client.connect(host, ofService, signal),
    logger: log,
    map: {
      store: new MapStore(":memory:"),
      serviceOf: (name) =>
        name === NAME
          ? Promise.resolve(SERVICE)
          : Promise.reject(new BlockcloudError("SERVICE_UNKNOWN", `There is no ${name}.`)),
      now: () => now() / 1000,
      dnsObserver: blindDns,
    },
  },
);
await proxy.start();

function tell(done: Done): void {
  process.send?.(done);
}
process.on("message", ({ id, run: [file = "", ...args], user }: Order) => {
  const options = { timeout: 60_000, ...(user !== undefined && { uid: user, gid: user }) };
  execFile(file, args, options, (error, stdout, stderr) => {
    const exit = error === null ? 0 : Number(error.code ?? -1);
    tell({ id, exit, stdout, stderr });
  });
});
process.once("disconnect", () => process.exit());
tell({ id: 0, exit: 0, stdout: "", stderr: "" });
