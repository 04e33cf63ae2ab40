import { expect } from "chai";
import { signDelegation } from "../../src/protocol/delegation.ts";
import type { BlockcloudError } from "../../src/protocol/errors.ts";
import { RESERVATION_SKEW_MS } from "../../src/protocol/reservation.ts";
import { rootServiceId, serviceId } from "../../src/protocol/serviceId.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { RelayFrame } from "../../src/sal/relay/frames.ts";
import { collect, DOMAIN, ECHO, KEY, OTHER_KEY } from "../sal/rig/salRig.ts";
import { until } from "../support/until.ts";
import { RawProvider } from "./rawProvider.ts";
import { BehindRelays, createClient, RelayRig } from "./rig.ts";

const DEVICE_KEY = Buffer.alloc(32, 9);
const DEVICE = serviceId({ prefix: 7n, group: 0, self: addressOfKey(DEVICE_KEY) });

describe("reservations at a relay", () => {
  let rig: RelayRig;
  const open: RawProvider[] = [];

  beforeEach(async () => {
    rig = new RelayRig({ maxReservationsPerPeer: 4 });
    await rig.relay.start();
  });
  afterEach(async () => {
    for (const each of open.splice(0)) each.close();
    await rig.relay.stop();
  });

  async function dial(to = rig): Promise<RawProvider> {
    const provider = await RawProvider.dial(to.address);
    open.push(provider);
    return provider;
  }

  const delegation = (key = KEY, from = Date.now() - 1_000, milliseconds = 60_000) => {
    const times = { issuedAt: BigInt(from), expiresAt: BigInt(from + milliseconds) };
    return signDelegation({ serviceId: DEVICE, ...times }, DOMAIN, key);
  };

  it("are taken from the service's key, and end with their connection", async () => {
    const provider = await dial();
    expect(await provider.reserve()).to.equal("reserved");
    expect(rig.relay.reservations).to.equal(1);
    provider.close();
    await until("it has ended", () => rig.relay.reservations === 0, 1);
  });

  it("are taken from a device's key with the root's delegation, until that ends", async () => {
    const provider = await dial();
    const short = delegation(KEY, Date.now() - 1_000, 9_000);
    const own = { serviceId: DEVICE, key: DEVICE_KEY, delegation: short };
    expect(await provider.reserve(own)).to.equal("reserved");
    // A silent provider would be given up later, and without a word.
    await rig.clock.advance(9_000);
    expect((await provider.ended).code).to.equal("FLOW_CANCELLED");
    await until("it has ended", () => rig.relay.reservations === 0, 1);
  });

  for (const [what, over] of Object.entries({
    "another key": { key: OTHER_KEY },
    "the name of another relay": { relay: "relay.example:4180" },
    "a service that does not exist": { serviceId: rootServiceId(8n) },
    "a time long ago": { issuedAt: BigInt(Date.now() - RESERVATION_SKEW_MS - 60_000) },
    "a time to come": { issuedAt: BigInt(Date.now() + RESERVATION_SKEW_MS + 86_400_000) },
    "a device's ID without a delegation": { serviceId: DEVICE, key: DEVICE_KEY },
    "the delegation of another key": {
      ...{ serviceId: DEVICE, key: DEVICE_KEY },
      delegation: delegation(OTHER_KEY),
    },
    "a delegation that has ended": {
      ...{ serviceId: DEVICE, key: DEVICE_KEY },
      delegation: delegation(KEY, Date.now() - 120_000),
    },
    "the root's key for a device": { serviceId: DEVICE, delegation: delegation() },
    "a delegation for the root": { delegation: delegation() },
  })) {
    it(`are refused with ${what}`, async () => {
      const provider = await dial();
      expect(((await provider.reserve(over)) as BlockcloudError).code).to.be.a("string");
      expect(rig.relay.reservations).to.equal(0);
    });
  }

  it("are refused for a service that is not active", async () => {
    rig.keys.keys.set(7n, { key: addressOfKey(KEY), active: false });
    expect(await (await dial()).reserve()).not.to.equal("reserved");
  });

  it("cannot be replayed over another connection", async () => {
    const provider = await dial();
    const message = await provider.reservation();
    provider.send(message);
    expect(await provider.outcome()).to.equal("reserved");
    const thief = await dial();
    await thief.challenged;
    thief.send(message);
    expect(await thief.outcome()).not.to.equal("reserved");
    expect(rig.relay.reservations).to.equal(1);
  });

  it("cannot be passed on by a relay to another one", async () => {
    // The names of both are the same, so only the connection tells them apart.
    const name = ["relay.example:4180"];
    const [evil, good] = [new RelayRig({}, rig.keys, name), new RelayRig({}, rig.keys, name)];
    await evil.relay.start();
    await good.relay.start();
    const provider = await dial(evil);
    const message = await provider.reservation({ relay: name[0]! });
    const forwarded = await dial(good);
    await forwarded.challenged;
    forwarded.send(message);
    expect(await forwarded.outcome()).not.to.equal("reserved");
    await evil.relay.stop();
    await good.relay.stop();
  });

  it("of a squatter without the key leave the service where it is", async () => {
    const provider = new BehindRelays([rig.address]);
    await provider.start();
    const { instance } = provider.provider;
    const squatter = await dial();
    expect(await squatter.reserve({ key: OTHER_KEY, instance })).not.to.equal("reserved");
    const { client, locator } = createClient();
    locator.publish({ endpoints: provider.endpoints });
    const flow = await client.connect("weather", ECHO);
    const got = collect(flow);
    flow.end("hello");
    expect((await got).toString()).to.equal("hello");
    client.close();
    provider.stop();
  });

  it("of an instance that comes back take the place of its old one", async () => {
    const before = await dial();
    expect(await before.reserve()).to.equal("reserved");
    const after = await dial();
    expect(await after.reserve()).to.equal("reserved");
    await before.ended;
    expect(rig.relay.reservations).to.equal(1);
    after.close();
    await until("it has ended", () => rig.relay.reservations === 0, 1);
  });

  it("end when the service has another key, and not when its stake changes", async () => {
    const provider = await dial();
    expect(await provider.reserve()).to.equal("reserved");
    rig.keys.change(7n, { key: addressOfKey(KEY), active: true });
    const other = await dial();
    expect(await other.reserve({ instance: Buffer.alloc(8, 2) })).to.equal("reserved");
    expect(rig.relay.reservations).to.equal(2);
    rig.keys.change(7n, { key: addressOfKey(OTHER_KEY), active: true });
    await Promise.all([provider.ended, other.ended]);
    await until("they have ended", () => rig.relay.reservations === 0, 1);
  });

  it("are checked again if the key was replaced while the chain was asked", async () => {
    const read = Promise.withResolvers<undefined>();
    rig.keys.reading = read.promise;
    const provider = await dial();
    const outcome = provider.reserve();
    await until("the chain is asked", () => rig.keys.reads === 1, 1);
    rig.keys.reading = Promise.resolve();
    rig.keys.change(7n, { key: addressOfKey(OTHER_KEY), active: true });
    read.resolve(undefined);
    expect(await outcome).not.to.equal("reserved");
  });

  it("are bounded for one peer", async () => {
    for (let number = 1; number <= 4; number++) {
      expect(await (await dial()).reserve({ instance: Buffer.alloc(8, number) })).to.equal(
        "reserved",
      );
    }
    expect(await (await dial()).reserve({ instance: Buffer.alloc(8, 5) })).not.to.equal("reserved");
    expect(rig.relay.reservations).to.equal(4);
  });

  it("of a provider that says nothing, or is silent later, are over in time", async () => {
    const mute = await dial();
    await mute.challenged;
    await rig.clock.advance(15_000);
    await mute.ended;
    const provider = await dial();
    expect(await provider.reserve()).to.equal("reserved");
    await rig.clock.advance(15_000);
    await provider.ended;
    await until("it has ended", () => rig.relay.reservations === 0, 1);
  });

  for (const [what, send] of Object.entries({
    "an unknown frame": (to: RawProvider) => {
      to.control.send(0x6f as RelayFrame);
    },
    "a reservation that is cut off": (to: RawProvider) => {
      to.control.send(RelayFrame.reserve, Buffer.alloc(40));
    },
    "a token of another length": (to: RawProvider) => {
      to.control.send(RelayFrame.decline, Buffer.alloc(3));
    },
    "bytes that are no frames": (to: RawProvider) => {
      to.link.write(Buffer.alloc(64, 0xff));
    },
    "a second reservation": async (to: RawProvider) => {
      const message = await to.reservation();
      to.send(message);
      to.send(message);
    },
  })) {
    it(`of a provider that sends ${what} are over`, async () => {
      const provider = await dial();
      await provider.challenged;
      await send(provider);
      await provider.ended;
      await until("none is left", () => rig.relay.reservations === 0, 1);
    });
  }
});
