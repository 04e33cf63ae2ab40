import { expect } from "chai";
import { SalRig } from "../rig/salRig.ts";

/** 20 searches that may follow each other at once, 30 by time, and two places for each. */
const MOST_DIALS = 2 * (20 + 30 + 1);
/** The same if each search finds the service: it costs a tenth. */
const MOST_FOUND = 10 * (20 + 30) + 10;

describe("a service that makes its clients hurry", () => {
  let rig: SalRig;

  beforeEach(() => {
    rig = new SalRig();
  });
  afterEach(() => {
    rig.stop();
  });

  /** How many places are dialled in a minute. */
  async function dialsOfAMinute(): Promise<number> {
    const before = rig.net.tried.length;
    await rig.clock.advance(60_000);
    return rig.net.tried.length - before;
  }

  it("does not make them flood places by ever newer records", async () => {
    await rig.open();
    rig.move(() => {});
    rig.net.listen("198.51.100.2:443", () => {})();
    rig.locator.relocate = async () => {
      // The answer comes when all places have refused, and the pause has begun.
      await new Promise<void>((resolve) => rig.clock.after(25, resolve));
      rig.locator.publish({});
      return rig.locator.located;
    };
    rig.cut();
    expect(await dialsOfAMinute()).to.be.within(20, MOST_DIALS);
  });

  it("does not make them flood places by announcements", async () => {
    const flow = await rig.open();
    let count = 0;
    const announce = () => {
      count += 1;
      rig.locator.publish({ endpoints: [`sal://203.0.113.1:${1000 + count}`] });
      rig.provider.migrate(rig.locator.record);
      rig.clock.after(15, announce);
    };
    announce();
    expect(await dialsOfAMinute()).to.be.within(20, MOST_DIALS);
    expect(flow.destroyed).to.equal(false);
  });

  it("does not make them dial without end by links that end when they were found", async () => {
    const flow = await rig.open();
    rig.net.onDial = ({ far }) => {
      rig.clock.after(60, () => {
        far.cut();
      });
    };
    rig.cut();
    expect(await dialsOfAMinute()).to.be.within(20, MOST_FOUND);
    // The session has not been given up, and goes on once links hold.
    rig.net.onDial = undefined;
    await rig.clock.advance(5_000);
    flow.write("still here");
    await rig.clock.until(() => flow.readableLength > 0);
  });

  it("a change of this host's own network is followed at once all the same", async () => {
    await rig.open();
    const refuse = rig.net.listen("198.51.100.1:443", (link) => {
      link.destroy();
    });
    let count = 0;
    rig.locator.relocate = async () => {
      await new Promise<void>((resolve) => rig.clock.after(25, resolve));
      rig.locator.publish({});
      count += 1;
      return rig.locator.located;
    };
    rig.cut();
    // The searches that may follow each other at once are over; each waits for its turn now.
    await rig.clock.until(() => count > 25);
    refuse();
    rig.net.listen("198.51.100.1:443", rig.accept);
    const moves = rig.moves.length;
    await rig.clock.advance(500);
    expect(rig.moves.length).to.equal(moves);
    rig.client.sessions[0]?.reconsider("interfaces");
    await rig.clock.advance(200);
    expect(rig.moves.length).to.equal(moves + 1);
  });
});
