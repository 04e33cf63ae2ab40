import { expect } from "chai";
import { ZERO_HASH } from "../../../src/protocol/bytes.ts";
import { rawName } from "../../../src/protocol/name.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { resolveErrors } from "../../../src/resolver/answer.ts";
import {
  nameRecord,
  rootRecord,
  START,
  subId,
  subRecord,
  testKey,
} from "../../support/coralKit.ts";
import { codeOf, failureOf } from "../../support/failure.ts";
import { ResolverRig } from "../../support/resolverRig.ts";

const KEY = testKey(1);
const NEW_KEY = testKey(2);
const DEVICE = testKey(3);
const SEVEN = rootServiceId(7n);
const DEVICE_ID = subId(7n, DEVICE);
const NAME = "sensor.weather.bloc.alt";

describe("a resolver's names", () => {
  let rig: ResolverRig;

  beforeEach(async () => {
    rig = new ResolverRig();
    rig.directory.set(7n, KEY);
    rig.directory.label("weather", 7n);
    rig.network.put(rootRecord(7n, KEY, { issuedAt: START }), KEY);
    rig.network.put(subRecord(7n, { root: KEY, self: DEVICE }, { issuedAt: START }), KEY);
    await rig.resolver.start();
  });
  afterEach(async () => {
    await rig.resolver.stop();
  });

  const code = async (name: string) => codeOf(await failureOf(rig.resolver.resolve(name)));
  const named = (label: string, serviceId = DEVICE_ID, at = 0, key = KEY, lease = 3_600_000) =>
    nameRecord(7n, key, { label, serviceId }, { issuedAt: START + at, lease });

  it("are labels, in any case and with a dot at the end", async () => {
    const answer = await rig.resolver.resolve("Weather.BLOC.alt.");
    expect(answer).to.include({
      serviceId: SEVEN,
      name: "weather.bloc.alt",
      nameRecord: undefined,
    });
    expect(rig.resolver.lookupName("weather.bloc.alt")).to.equal(answer);
  });

  it("are raw IDs, which answers do not repeat", async () => {
    const answer = await rig.resolver.resolve(rawName(SEVEN));
    expect(answer).to.include({ serviceId: SEVEN, name: undefined });
    expect(rig.resolver.lookupName(rawName(SEVEN))).to.equal(answer);
    expect(rig.resolver.lookupName("other.bloc.alt")).to.equal(undefined);
  });

  it("are those that a service gave, with the record that says so, while both hold", async () => {
    const encoded = named("sensor", DEVICE_ID, 0, KEY, 30_000);
    rig.network.putName(encoded);
    const answer = await rig.resolver.resolve(NAME);
    expect(answer).to.deep.include({
      ...{ serviceId: DEVICE_ID, name: NAME, nameRecord: encoded, expiresAt: START + 30_000 },
    });
    expect(rig.resolver.lookupName(NAME)).to.equal(answer);
    rig.network.names.clear();
    await rig.timers.advance(30_000);
    expect(rig.resolver.lookupName(NAME)).to.equal(undefined);
    expect(await code(NAME)).to.equal(resolveErrors.unknown);
  });

  it("are unknown when withdrawn, and when they were never given", async () => {
    rig.network.putName(named("sensor", ZERO_HASH));
    for (const name of [NAME, "nobody.bloc.alt", "nobody.weather.bloc.alt", "a.nobody.bloc.alt"]) {
      expect(await code(name), name).to.equal(resolveErrors.unknown);
    }
  });

  it("follow what the network brings", async () => {
    expect(await code(NAME)).to.equal(resolveErrors.unknown);
    const arrive = (encoded: ReturnType<typeof named>) => {
      rig.network.putName(encoded);
      const name = rig.network.names.get(`${SEVEN} sensor`)!;
      rig.network.arrive({ kind: "name", serviceId: SEVEN, name });
    };
    arrive(named("sensor"));
    expect((await rig.resolver.resolve(NAME)).serviceId).to.equal(DEVICE_ID);
    arrive(named("sensor", ZERO_HASH, 1));
    expect(rig.resolver.lookupName(NAME)).to.equal(undefined);
    expect(await code(NAME)).to.equal(resolveErrors.unknown);
  });

  it("are looked for again after a minute: a push may have been missed", async () => {
    rig.network.putName(named("sensor"));
    await rig.resolver.resolve(NAME);
    rig.network.putName(named("sensor", ZERO_HASH, 1));
    await rig.timers.advance(59_000);
    expect(rig.resolver.lookupName(NAME)).to.not.equal(undefined);
    await rig.timers.advance(1_000);
    expect(await code(NAME)).to.equal(resolveErrors.unknown);
  });

  it("fall with the key that signed them", async () => {
    rig.network.putName(named("sensor"));
    await rig.resolver.resolve(NAME);
    rig.directory.set(7n, NEW_KEY);
    rig.directory.tell(7n);
    expect(rig.resolver.lookupName(NAME)).to.equal(undefined);
    expect(await code(NAME)).to.equal(resolveErrors.unknown);
  });

  it("are known the moment a service takes the label", async () => {
    expect(await code("rain.bloc.alt")).to.equal(resolveErrors.unknown);
    rig.directory.label("rain", 7n);
    expect((await rig.resolver.resolve("rain.bloc.alt")).serviceId).to.equal(SEVEN);
  });

  it("need the chain for new labels only", async () => {
    await rig.resolver.resolve("weather.bloc.alt");
    rig.directory.away = true;
    expect(await code("rain.bloc.alt")).to.equal(resolveErrors.unreachable);
    expect((await rig.resolver.resolve("weather.bloc.alt")).serviceId).to.equal(SEVEN);
    rig.network.peers = 0;
    expect(await code(NAME)).to.equal(resolveErrors.unreachable);
  });
});
