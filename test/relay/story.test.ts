import { expect } from "chai";
import { pattern } from "../sal/rig/random.ts";
import { collect, ECHO } from "../sal/rig/salRig.ts";
import { until } from "../support/until.ts";
import { BehindRelays, createClient, RelayRig, spared } from "./rig.ts";

const LENGTH = 4_000_000;

describe("a provider behind relays", () => {
  let one: RelayRig;
  let two: RelayRig;
  let provider: BehindRelays;
  let user: ReturnType<typeof createClient>;

  beforeEach(async () => {
    one = new RelayRig();
    two = new RelayRig();
    await one.relay.start();
    await two.relay.start();
    provider = new BehindRelays([one.address, two.address]);
    await provider.start();
    user = createClient();
    user.locator.publish({ endpoints: provider.endpoints });
  });
  afterEach(async () => {
    user.client.close();
    provider.stop();
    await one.relay.stop();
    await two.relay.stop();
  });

  it("is reached through the first of them, and sees where its visitor comes from", async () => {
    expect(provider.endpoints).to.have.lengthOf(2);
    await spared(one);
    const flow = await user.client.connect("weather", ECHO);
    const sent = pattern(1, LENGTH);
    const got = collect(flow);
    flow.end(sent);
    expect((await got).equals(sent)).to.equal(true);
    expect(user.client.sessions[0]?.endpoint).to.equal(provider.endpoints[0]);
    expect(provider.visitors.map(({ address }) => address)).to.deep.equal(["_relay1-127.0.0.1"]);
    expect(one.relay.visitors).to.equal(1);
    expect(two.relay.visitors).to.equal(0);
    expect(one.relay.spares).to.equal(1);
    await one.clock.advance(20);
    await spared(one);
  });

  it("moves its clients to the other one when a relay is lost in a transfer", async () => {
    const flow = await user.client.connect("weather", ECHO);
    const sent = pattern(2, LENGTH);
    const got = collect(flow);
    flow.end(sent);
    await until("half of it is there", () => flow.bytesRead > LENGTH / 2, 1);
    await one.relay.stop();
    expect((await got).equals(sent)).to.equal(true);
    expect(user.client.sessions[0]?.endpoint).to.equal(`sal://127.0.0.1:${two.address.port}?relay`);
    await until("the provider knows", () => provider.endpoints.length === 1, 1);
    expect(provider.provider.sessions).to.equal(1);
  });

  it("goes on directly with a session that began at a relay, and back", async () => {
    const flow = await user.client.connect("weather", ECHO);
    const sent = pattern(3, LENGTH);
    const got = collect(flow);
    flow.end(sent);
    const direct = await provider.listen();
    await until("a third is there", () => flow.bytesRead > LENGTH / 3, 1);
    const relayed = provider.endpoints;
    user.locator.publish({ endpoints: [direct] });
    provider.provider.migrate(user.locator.record);
    const session = user.client.sessions[0];
    await until("it runs directly", () => session?.endpoint === direct, 1);
    user.locator.publish({ endpoints: relayed });
    provider.provider.migrate(user.locator.record);
    expect((await got).equals(sent)).to.equal(true);
    await until("it runs through a relay", () => relayed.includes(session?.endpoint ?? ""), 1);
    expect(provider.provider.sessions).to.equal(1);
  });
});
