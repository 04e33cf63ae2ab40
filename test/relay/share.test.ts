import { expect } from "chai";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { systemScheduler } from "../../src/node/scheduler.ts";
import { SalAcceptor } from "../../src/sal/provider/salAcceptor.ts";
import { SalProvider } from "../../src/sal/provider/salProvider.ts";
import { createCertificate } from "../../src/sal/transport/certificate.ts";
import { collect, DOMAIN, ECHO, echo, KEY, SERVICE } from "../sal/rig/salRig.ts";
import { MemoryLog } from "../support/memoryLog.ts";
import { until } from "../support/until.ts";
import { createClient } from "./rig.ts";

describe("a provider whose relay lies about visitors", () => {
  const servers: Server[] = [];
  const sockets: Socket[] = [];
  let provider: SalProvider;
  let acceptor: SalAcceptor;

  beforeEach(() => {
    const service = {
      ...{ serviceId: SERVICE, keys: [KEY], asksClient: false },
      ports: new Map([[ECHO, echo]]),
    };
    provider = new SalProvider(
      { service, domain: DOMAIN, limits: { maxHandshakes: 8 } },
      { clock: systemScheduler, log: new MemoryLog(), now: Date.now },
    );
    acceptor = new SalAcceptor(
      {
        certificate: createCertificate(Date.now()),
        provider,
        onHttp: (socket) => socket.destroy(),
      },
      { clock: systemScheduler, log: new MemoryLog() },
    );
  });
  afterEach(() => {
    provider.stop();
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) server.close();
  });

  /** A server whose connections one function takes; gives its port. */
  async function serve(take: (socket: Socket, number: number) => void): Promise<number> {
    let number = 0;
    const server = createServer((socket) => {
      sockets.push(socket);
      number += 1;
      take(socket, number);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    servers.push(server);
    return (server.address() as AddressInfo).port;
  }

  it("serves direct clients while visitors of all addresses say nothing in their handshakes", async () => {
    const taken: Socket[] = [];
    const relayed = await serve((socket, number) => {
      acceptor.acceptRelayed(socket, { address: `_relay1-203.0.${number}.5`, port: 1 });
      taken.push(socket);
    });
    for (let visitors = 1; visitors <= 20; visitors += 1) {
      const socket = connect(relayed, "127.0.0.1");
      sockets.push(socket.on("error", () => {}));
      await once(socket, "connect");
    }
    await until("all have come", () => taken.length === 20, 1);
    expect(taken.filter(({ destroyed }) => !destroyed)).to.have.lengthOf(4);
    const direct = await serve((socket) => {
      acceptor.accept(socket);
    });
    const { client, locator } = createClient();
    locator.publish({ endpoints: [`sal://127.0.0.1:${direct}`] });
    const flow = await client.connect("weather", ECHO);
    const got = collect(flow);
    flow.end("hello");
    expect((await got).toString()).to.equal("hello");
    client.close();
  });
});
