import { expect } from "chai";
import { agentFacts, agentsOfService } from "../../../src/cli/provider/agents.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { relayErrors } from "../../../src/sal/relay/errors.ts";
import { relayEndpoint, relayName } from "../../../src/sal/relay/relayName.ts";
import { FakeKeys, RelayRig } from "../../relay/rig.ts";
import { SERVICE } from "../../sal/rig/salRig.ts";
import { until } from "../../support/until.ts";
import { DOMAIN, ECHO, HandoffRig } from "./rig.ts";

describe("an agent behind relays tells its operator", () => {
  const upstream = new URL("http://127.0.0.1:9");
  let rig: HandoffRig;
  let relay: RelayRig;

  beforeEach(async () => {
    rig = new HandoffRig();
    relay = new RelayRig({}, new FakeKeys(), undefined, DOMAIN);
    await relay.relay.start();
  });
  afterEach(async () => {
    await rig.stop();
    await relay.relay.stop();
  });

  it("which relays lead clients to it, why the others do not, and how its clients are connected", async () => {
    // Port 9 is that of the discard service, which no test machine has.
    const closed = { host: "127.0.0.1", port: 9 };
    rig.relay = { relays: [relay.address, closed] };
    await rig.start(upstream);
    const [direct, relayed] = [rig.user(), rig.user()];
    relayed.locator.publish({ endpoints: [relayEndpoint(relay.address)] });
    const flows = [
      await direct.client.connect("weather", ECHO),
      await relayed.client.connect("weather", ECHO),
    ];
    for (const flow of flows) flow.on("error", () => {});
    await until("the second relay was tried", async () => {
      const [agent] = await agentsOfService(rig.folder, SERVICE);
      return agent?.relays?.[1]?.failure !== undefined;
    });
    const [agent] = await agentsOfService(rig.folder, SERVICE);
    expect(agent).to.deep.include({
      ...{ pid: process.pid, state: "serving", sessions: 2, flows: 2 },
      paths: { direct: 1, upgraded: 0, relayed: 1, away: 0 },
    });
    expect(agent?.relays).to.have.lengthOf(2);
    const [used, unused] = agent?.relays ?? [];
    expect(used).to.deep.include({ relay: relayName(relay.address), visitors: 1 });
    expect(used?.observed?.address).to.equal("127.0.0.1");
    expect(unused).to.deep.include({ relay: relayName(closed), visitors: 0 });
    expect(unused?.observed).to.equal(undefined);
    expect(unused?.failure).to.match(new RegExp(`^${relayErrors.unreachable}: `));
    const rows = agentFacts(agent === undefined ? [] : [agent]);
    expect(rows.map(([name]) => name)).to.deep.equal([
      ...[`agent ${process.pid}`, "paths", "relay", "relay"],
    ]);
    for (const { client } of [direct, relayed]) client.close();
  });

  it("nothing to worry about when another one takes its place and its relay, and it ends", async () => {
    rig.relay = { relays: [relay.address] };
    const first = await rig.start(upstream);
    const second = await rig.start(upstream);
    await first.finished;
    await first.stop();
    await until("the second one knows that", () =>
      rig.log.said("info").includes("a process before this one has ended"),
    );
    expect(second.presence.handoff.relays[0]?.observed).not.to.equal(undefined);
    // Both start with one relay, of which they warn.
    expect(new Set(rig.log.said("warn"))).to.deep.equal(new Set(["the service has one relay"]));
    const blamed = rig.log.lines.filter(({ fields }) => "error" in fields);
    expect(blamed.map(({ message }) => message)).to.deep.equal([]);
  });

  it("nothing of services that it does not have, and nothing if none runs", async () => {
    expect(await agentsOfService(rig.folder, SERVICE)).to.deep.equal([]);
    await rig.start(upstream);
    expect(await agentsOfService(rig.folder, SERVICE)).to.have.lengthOf(1);
    expect(await agentsOfService(rig.folder, rootServiceId(99n))).to.deep.equal([]);
  });
});
