import fc from "fast-check";
import { expect } from "chai";
import { FLOW_CREDIT } from "../../../src/sal/session/credit.ts";
import type { Flow } from "../../../src/sal/session/flow.ts";
import "../../support/arbitraries.ts";
import { runs } from "../../support/runs.ts";
import { PayRig, SINK } from "./rig/payRig.ts";

const TRANCHE = 64 * 1024;
const WINDOW = 2 * TRANCHE;

/** A program that reads only while it is allowed to, and counts what it takes. */
class Reader {
  taken = 0;
  #flows = new Set<Flow>();
  #reads = true;

  readonly handler = (flow: Flow): Promise<void> => {
    this.#flows.add(flow);
    flow.on("data", (chunk: Buffer) => {
      this.taken += chunk.length;
    });
    flow.on("end", () => flow.end());
    if (!this.#reads) flow.pause();
    return Promise.resolve();
  };

  set reads(reads: boolean) {
    this.#reads = reads;
    for (const flow of this.#flows) {
      if (reads) flow.resume();
      else flow.pause();
    }
  }
}

const step = fc.oneof(
  fc.record({ what: fc.constant("upload" as const), bytes: fc.nat(2_000_000) }),
  fc.record({
    what: fc.constantFrom(...(["stop", "read", "cut", "move", "client"] as const)),
    bytes: fc.constant(0),
  }),
);

describe("a payer that uploads to a provider that vanishes", () => {
  let reader: Reader;
  let rig: PayRig;

  function begin(): void {
    reader = new Reader();
    rig = new PayRig({
      trancheBytes: TRANCHE,
      ports: { [SINK]: reader.handler },
      // The window stays at two least tranches.
      pay: { maxTrancheBytes: TRANCHE },
    });
  }

  async function upload(bytes: number): Promise<Flow> {
    const flow = await rig.open(SINK);
    flow.end(Buffer.alloc(bytes));
    return flow;
  }

  it("has paid at most a window more than the provider's program has read, at no moment more", async () => {
    const steps = fc.array(fc.tuple(step, fc.nat(400)), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        begin();
        let flows = 0;
        let proofs = 0;
        const check = () => {
          const paid = Number(rig.wallet!.tabs[0]?.cumulative ?? 0n);
          const most = reader.taken + WINDOW + flows * FLOW_CREDIT + proofs;
          expect(paid, "paid").to.be.at.most(most);
        };
        for (const [{ what, bytes }, pause] of all) {
          // A session proves its payer by one wei.
          proofs += 4;
          if (what === "upload") {
            flows += 1;
            void upload(bytes).catch(() => undefined);
          } else if (what === "stop") reader.reads = false;
          else if (what === "read") reader.reads = true;
          else if (what === "cut") rig.cut();
          else if (what === "move") {
            rig.move();
            rig.cut();
          } else {
            rig.client.close();
            rig.client = rig.createClient();
          }
          for (let part = 0; part < 4; part += 1) {
            await rig.clock.advance(pause / 4);
            check();
          }
        }
        // The provider is gone.
        rig.stop();
        await rig.clock.advance(20_000);
        check();
      }),
      { numRuns: runs(60, 2_000) },
    );
  });

  it("pays on when the program reads again, to the last wei", async () => {
    begin();
    reader.reads = false;
    const flow = await upload(1_500_000);
    const ended = new Promise((done) => flow.on("end", done).resume());
    await rig.clock.advance(5_000);
    const before = Number(rig.collector.tab.paid);
    expect(before).to.be.at.most(WINDOW + FLOW_CREDIT + 1);
    reader.reads = true;
    await rig.clock.play(ended);
    await rig.clock.advance(5_000);
    const { charged, paid } = rig.collector.tab;
    expect([Number(charged), Number(paid)]).to.deep.equal([1_500_000, 1_500_000]);
    rig.stop();
  });
});
