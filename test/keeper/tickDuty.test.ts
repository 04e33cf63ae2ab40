import { expect } from "chai";
import type { Seeds } from "../../src/chain/seeds.ts";
import type { Chore } from "../../src/keeper/duty.ts";
import { TickDuty } from "../../src/keeper/tickDuty.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { AuditorRig, EPOCH, hashOf } from "../support/auditorRig.ts";

const BLOC = 10n ** 18n;

describe("a keeper's TickDuty", () => {
  let rig: AuditorRig;
  let duty: TickDuty;
  let offered: Chore[];
  let newest: number;

  const offer = async (chores: readonly Chore[]) => {
    offered.push(...chores);
  };
  const run = (epoch: number) => rig.timers.play(duty.run(epoch, offer, rig.abort.signal));
  const epochs = () => offered.map(({ about }) => about.epoch);

  beforeEach(() => {
    rig = new AuditorRig();
    offered = [];
    newest = EPOCH - 1;
    rig.chain.answers.newestSeed = () => newest;
    rig.chain.answers.balanceOf = () => 1_000n * BLOC;
    duty = new TickDuty(rig.dependencies);
  });

  it("offers the epoch's tick in its turn, for the bounty", async () => {
    await run(EPOCH);
    expect(epochs()).to.deep.equal([EPOCH]);
    expect(offered[0]).to.deep.include({ duty: "tick", reward: BLOC });
    expect(offered[0]?.call.functionName).to.equal("tick");
    expect(rig.second).to.be.within(1, 27);
  });

  it("offers nothing where somebody was first", async () => {
    rig.recorded.set(EPOCH, hashOf(1));
    await run(EPOCH);
    expect(offered).to.deep.equal([]);
  });

  it("proves what everybody missed first, oldest first, and not further back than it helps", async () => {
    newest = EPOCH - 4;
    await run(EPOCH);
    expect(epochs()).to.deep.equal([EPOCH - 3, EPOCH - 2, EPOCH - 1, EPOCH]);
    offered = [];
    newest = 3;
    await run(EPOCH);
    expect(epochs()).to.have.length(9);
    expect(epochs()[0]).to.equal(EPOCH - 8);
  });

  it("passes an epoch over into which no block fell", async () => {
    newest = EPOCH - 3;
    const { prove } = rig.seeds;
    const seeds = {
      ...rig.seeds,
      prove: async (epoch: number) => {
        if (epoch === EPOCH - 2) throw new BlockcloudError("EPOCH_WITHOUT_BLOCK", "None.");
        return prove(epoch);
      },
    };
    duty = new TickDuty({ ...rig.dependencies, seeds: seeds as unknown as Seeds });
    await run(EPOCH);
    expect(epochs()).to.deep.equal([EPOCH - 1, EPOCH]);
  });

  it("expects no more than the pool still holds", async () => {
    rig.chain.answers.balanceOf = () => 7n;
    await run(EPOCH);
    expect(offered[0]?.reward).to.equal(7n);
  });
});
