import { expect } from "chai";
import type { Address, Hex } from "viem";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { ServiceCheck } from "../../src/provider/serviceCheck.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { FakeTime, FakeTimers } from "../support/fakeTime.ts";
import { rejection } from "../support/rejection.ts";
import type { ServiceStatus } from "../../src/protocol/serviceStatus.ts";

const EPOCH = 5;
const OWN: Hex = `0x${"4b".repeat(32)}`;
const OLDER: Hex = `0x${"4c".repeat(32)}`;
const OTHER: Hex = `0x${"4d".repeat(32)}`;
const NO_KEY: Address = `0x${"00".repeat(20)}`;

describe("ServiceCheck", () => {
  let timers: FakeTimers;
  let status: ServiceStatus;
  /** Keys of this epoch, the next and the one after. */
  let keys: [Address, Address, Address];
  /** The key that an open challenge froze. */
  let frozen: Address | undefined;

  beforeEach(() => {
    timers = new FakeTimers();
    status = "Active";
    const own = addressOfKey(OWN);
    keys = [own, own, own];
    frozen = undefined;
  });

  const run = () => {
    const check = new ServiceCheck(
      { number: 7n, keys: [OWN, OLDER] },
      {
        services: {
          statusNow: async () => status,
          key: async (_, epoch) => keys[epoch - EPOCH] ?? NO_KEY,
        },
        challenges: {
          open: async () => (frozen === undefined ? undefined : 3n),
          get: async (id) => ({
            ...{ id, number: 7n, challenger: NO_KEY, openedIn: 4, penalty: 1n, state: "Open" },
            key: frozen ?? NO_KEY,
          }),
        },
        time: new FakeTime(timers, DEPLOYMENT, EPOCH),
        timers,
      },
    );
    const running = check.run(new AbortController().signal);
    return { running, later: () => timers.advance(60_000) };
  };
  const refused = async (code: string) => {
    const { running, later } = run();
    const failed = rejection(code, running);
    await later();
    return failed;
  };
  const other = () => addressOfKey(OTHER);

  it("passes the service of the key, also while its key or its stake is on the way", async () => {
    await run().running;
    for (const each of ["Unstaked", "Suspended", "Maintenance"] as const) {
      status = each;
      await run().running;
    }
    keys = [other(), other(), addressOfKey(OWN)];
    await run().running;
    keys = [addressOfKey(OWN), addressOfKey(OWN), other()];
    await run().running;
  });

  it("refuses another's service, and names both keys", async () => {
    keys = [other(), other(), other()];
    const { message } = await refused("SERVICE_KEY_OTHER");
    expect(message).to.contain(addressOfKey(OWN)).and.to.contain(other());
  });

  it("refuses a service without a key, as after a transfer, and says how it gets one", async () => {
    keys = [NO_KEY, NO_KEY, NO_KEY];
    expect((await refused("SERVICE_KEY_OTHER")).remedy).to.contain("set-key");
  });

  it("refuses a service that does not exist, and one that is retired", async () => {
    status = "None";
    await refused("SERVICE_UNREGISTERED");
    status = "Retired";
    await refused("SERVICE_RETIRED");
  });

  it("believes a refusal only at the third look: an endpoint may lag behind a registration", async () => {
    status = "None";
    const { running, later } = run();
    await timers.advance(600);
    status = "Active";
    await later();
    await running;
  });

  it("passes whatever has an open challenge that one of the keys can answer", async () => {
    status = "Retired";
    frozen = addressOfKey(OLDER);
    await run().running;
    frozen = other();
    await refused("SERVICE_RETIRED");
  });
});
