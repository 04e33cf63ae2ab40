import { expect } from "chai";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { dataOf, decode, DnsRig, queryFor } from "../../support/dnsRig.ts";
import { answerOf } from "../../support/fakeResolver.ts";

const NAME = "weather.bloc.alt";
const THREADS = 3;
/** So many that the kernel, which deals them out by their ports, gives some to each thread. */
const CLIENTS = 48;

const at = (address: string) => ({
  endpoints: [{ uri: `https://${address}/`, priority: 0, weight: 1 }],
});

describe("UdpThreads", function () {
  this.timeout(30_000);
  let rig: DnsRig;
  let clients: Socket[];

  beforeEach(async () => {
    rig = new DnsRig({ threads: THREADS });
    rig.resolver.set(NAME, answerOf(7n, at("8.8.8.8")));
    await rig.start();
    clients = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const client = createSocket("udp4");
        client.connect(rig.port, "127.0.0.1");
        await once(client, "connect");
        return client;
      }),
    );
  });
  afterEach(async () => {
    for (const client of clients) client.close();
    await rig.stop();
  });

  const ask = async (client: Socket) => {
    const answered = once(client, "message") as Promise<[Buffer]>;
    client.send(queryFor({ name: NAME }));
    const [bytes] = await answered;
    return dataOf(decode(bytes), "A");
  };

  it("answer alike, each asking once for what it then keeps", async () => {
    for (const client of clients) expect(await ask(client)).to.deep.equal(["8.8.8.8"]);
    expect(rig.resolver.asked).to.have.length(THREADS);
    for (const client of clients) expect(await ask(client)).to.deep.equal(["8.8.8.8"]);
    expect(rig.resolver.asked).to.have.length(THREADS);
  });

  it("are all told when a service moves", async () => {
    for (const client of clients) await ask(client);
    rig.resolver.set(NAME, answerOf(7n, at("9.9.9.9")));
    for (const client of clients) {
      // The news is on its way to the thread; what was kept is served until it is there.
      let said = await ask(client);
      while (said[0] === "8.8.8.8") said = await ask(client);
      expect(said).to.deep.equal(["9.9.9.9"]);
    }
  });

  it("count what they answer, and leave the port when they end", async () => {
    for (const client of clients) await ask(client);
    const { port } = rig;
    await rig.front.stop();
    const answered = rig.counted
      .map((line) => /^udp NOERROR (\d+)$/.exec(line)?.[1])
      .reduce((sum, count) => sum + Number(count ?? 0), 0);
    expect(answered).to.equal(CLIENTS);
    expect(rig.resolver.watching).to.equal(0);
    const other = createSocket("udp4");
    const bound = once(other, "listening");
    other.bind(port, "127.0.0.1");
    await bound;
    other.close();
  });
});
