import { expect } from "chai";
import { Helper } from "../../devnet/helper.ts";

interface Fake {
  name: string;
  running: boolean;
  ending: string;
}

const fake = (): Fake => ({ name: "index", running: true, ending: "exit code 0" });

describe("Helper", () => {
  let workers: Fake[];
  let helper: Helper<Fake>;

  beforeEach(() => {
    const first = fake();
    workers = [first];
    helper = new Helper(first, workers, fake);
  });

  it("leaves a process alone that runs", () => {
    const [before] = workers;
    expect(helper.mend()).to.equal(undefined);
    expect(workers).to.deep.equal([before]);
  });

  it("starts it again when it ends, and says so", () => {
    const before = workers[0]!;
    before.running = false;
    expect(helper.mend()).to.match(/index ended: exit code 0; it starts again/);
    expect(workers).to.have.length(1);
    expect(workers[0]).to.include({ running: true }).and.not.equal(before);
    expect(helper.mend()).to.equal(undefined);
  });

  it("lets the demo go on without one that ends again and again", () => {
    const said: (string | undefined)[] = [];
    while (workers.length > 0) {
      workers[0]!.running = false;
      said.push(helper.mend());
    }
    expect(said).to.have.length(4);
    expect(said.at(-1)).to.match(/goes on without it/);
    expect(helper.mend()).to.equal(undefined);
  });
});
