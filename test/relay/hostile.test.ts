import { expect } from "chai";
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import path from "node:path";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { relayEndpoint, type RelayAddress } from "../../src/sal/relay/relayName.ts";
import { pattern } from "../sal/rig/random.ts";
import { collect, ECHO, KEY, OTHER_KEY, SERVICE } from "../sal/rig/salRig.ts";
import { failureOf } from "../support/failure.ts";
import { until } from "../support/until.ts";
import { BehindRelays, createClient } from "./rig.ts";

const LENGTH = 4_000_000;

/** A relay that leads its visitors where it likes, and stops passing bytes on when it likes. */
class Traitor {
  readonly #server: Server;
  readonly #pairs: [visitor: Socket, other: Socket][] = [];
  #isSilent = false;

  constructor(leadsTo: () => number) {
    this.#server = createServer((visitor) => {
      const other = connect(leadsTo(), "127.0.0.1");
      this.#pairs.push([visitor, other]);
      for (const socket of [visitor, other]) socket.on("error", () => {});
      if (!this.#isSilent) visitor.pipe(other).pipe(visitor);
    });
  }

  async start(): Promise<RelayAddress> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return { host: "127.0.0.1", port: (this.#server.address() as AddressInfo).port };
  }

  /** Passes nothing on any more; both ends believe that they are connected. */
  freeze(): void {
    this.#isSilent = true;
    for (const socket of this.#pairs.flat()) socket.unpipe().pause();
  }

  /** Loses the provider's ends; the visitors' ones stay open, and nothing tells. */
  forget(): void {
    this.#isSilent = true;
    for (const [visitor, other] of this.#pairs) {
      visitor.unpipe().pause();
      other.unpipe();
      other.destroy();
    }
  }

  stop(): void {
    for (const socket of this.#pairs.flat()) socket.destroy();
    this.#server.close();
  }
}

describe("a relay that is no friend", () => {
  const ending: (() => void)[] = [];
  let provider: BehindRelays;
  let direct: string;

  beforeEach(async () => {
    provider = new BehindRelays([]);
    ending.push(() => {
      provider.stop();
    });
    direct = await provider.listen();
  });
  afterEach(() => {
    for (const end of ending.splice(0).reverse()) end();
  });

  async function traitor(leadsTo: string): Promise<{ relay: Traitor; endpoint: string }> {
    const relay = new Traitor(() => Number(new URL(leadsTo).port));
    ending.push(() => {
      relay.stop();
    });
    return { relay, endpoint: relayEndpoint(await relay.start()) };
  }

  function client(endpoints: readonly string[]): ReturnType<typeof createClient> {
    const user = createClient();
    ending.push(() => {
      user.client.close();
    });
    user.locator.publish({ endpoints });
    return user;
  }

  for (const [what, service] of [
    ["another service", { serviceId: rootServiceId(8n), keys: [OTHER_KEY] }],
    ["another service of the same key", { serviceId: rootServiceId(8n), keys: [KEY] }],
    ["a provider that calls itself the service", { serviceId: SERVICE, keys: [OTHER_KEY] }],
  ] as const) {
    it(`and leads to ${what} leads nobody there; the next endpoint serves`, async () => {
      let taken = 0;
      const take = () => {
        taken += 1;
        return Promise.resolve();
      };
      const other = new BehindRelays([], { service, ports: new Map([[ECHO, take]]) });
      ending.push(() => {
        other.stop();
      });
      const { endpoint } = await traitor(await other.listen());
      const lonely = client([endpoint]);
      const failure = await failureOf(lonely.client.connect("weather", ECHO));
      expect((failure as { code?: string }).code).to.be.oneOf(["SAL_NO_PATH", "SAL_PROOF"]);
      const flow = await client([endpoint, direct]).client.connect("weather", ECHO);
      const got = collect(flow);
      flow.end("hello");
      expect((await got).toString()).to.equal("hello");
      expect([taken, other.provider.sessions, provider.provider.sessions]).to.deep.equal([0, 0, 1]);
    });
  }

  for (const [what, act] of [
    [
      "freezes",
      (relay: Traitor) => {
        relay.freeze();
      },
    ],
    [
      "loses one half of each connection",
      (relay: Traitor) => {
        relay.forget();
      },
    ],
  ] as const) {
    it(`and ${what} in a transfer costs no byte: its visitors go on over another way`, async () => {
      const { relay, endpoint } = await traitor(direct);
      const other = await traitor(direct);
      const user = client([endpoint, other.endpoint]);
      const flow = await user.client.connect("weather", ECHO);
      const bystander = await client([direct]).client.connect("weather", ECHO);
      const sent = pattern(4, LENGTH);
      const got = collect(flow);
      flow.end(sent);
      await until("a third is there", () => flow.bytesRead > LENGTH / 3, 1);
      act(relay);
      expect((await got).equals(sent)).to.equal(true);
      expect(user.client.sessions[0]?.endpoint).to.equal(other.endpoint);
      const own = collect(bystander);
      bystander.end("untouched");
      expect((await own).toString()).to.equal("untouched");
    });
  }
});

describe("the process of a relay", () => {
  const children: ChildProcess[] = [];
  let provider: BehindRelays | undefined;

  afterEach(() => {
    provider?.stop();
    for (const child of children.splice(0)) child.kill("SIGKILL");
  });

  async function start(): Promise<RelayAddress> {
    const child = fork(path.join(import.meta.dirname, "relayProcess.ts"), {
      stdio: ["ignore", 2, 2, "ipc"],
    });
    children.push(child);
    const [port] = (await once(child, "message")) as [number];
    return { host: "127.0.0.1", port };
  }

  for (const [what, signal] of [
    ["is killed", "SIGKILL"],
    ["stands still", "SIGSTOP"],
  ] as const) {
    it(`that ${what} in a transfer takes no byte with it`, async () => {
      const relays = [await start(), await start()];
      const behind = new BehindRelays(relays);
      provider = behind;
      await behind.start();
      const endpoints = relays.map(relayEndpoint);
      expect(behind.endpoints).to.have.members(endpoints);
      const { client, locator } = createClient();
      locator.publish({ endpoints });
      const flow = await client.connect("weather", ECHO);
      const sent = pattern(6, LENGTH);
      const got = collect(flow);
      flow.end(sent);
      await until("a third is there", () => flow.bytesRead > LENGTH / 3, 1);
      children[0]?.kill(signal);
      expect((await got).equals(sent)).to.equal(true);
      expect(client.sessions[0]?.endpoint).to.equal(endpoints[1]);
      if (signal === "SIGKILL") {
        await until("it has left the record", () => behind.endpoints.length === 1, 1);
      }
      client.close();
    });
  }
});
