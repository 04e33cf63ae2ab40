import { expect } from "chai";
import type { RequestListener } from "node:http";
import type { TransactionSender } from "../../../src/chain/transactions/sender.ts";
import { Crash, stepByStore } from "../../support/crashes.ts";
import { paid, paying, PayRig } from "../../support/payRig.ts";

describe("requests that are paid by a transfer, when the gateway's process ends at any step", function () {
  this.timeout(240_000);

  let rig: PayRig;
  let crash: Crash;
  let undo: () => void;
  before(async () => {
    rig = await PayRig.start();
    undo = stepByStore(() => crash);
  });
  after(async () => {
    undo();
    await rig.stop();
  });

  const sunny: RequestListener = (request, response) => {
    request.resume();
    request.on("end", () => {
      void crash.step("the upstream ran").then(() => response.end("sunny"));
    });
  };

  /** A process of the gateway, with a disk. */
  function begin(storeFile: string): Promise<string> {
    const { sender } = rig;
    const own = crash;
    const stepped = {
      address: sender.address,
      gasPrice: () => sender.gasPrice(),
      send: own.around("send", (...args: Parameters<TransactionSender["send"]>) =>
        sender.send(...args),
      ),
    };
    return rig.serve(sunny, {}, { storeFile, sender: stepped });
  }

  /** Asks with one payment until there is an answer; what is settled and has run then. */
  async function play(method: "GET" | "POST", at: number): Promise<string[]> {
    crash = new Crash(at);
    const own = crash;
    rig.runs = 0;
    const storeFile = rig.storeFile();
    let url = await begin(storeFile);
    const before = await rig.income();
    const init = method === "POST" ? { method, body: "buy" } : { method };
    const header = await rig.pay(await rig.offer(url, init));
    let response: Response | undefined;
    for (let tries = 0; tries < 4 && response === undefined; tries += 1) {
      const going = paying(url, header, init).catch(() => undefined);
      const answer = await Promise.race([going, crash.ended]);
      if (answer !== undefined && answer.status !== 503) response = answer;
      else if (crash.isOver) {
        crash = new Crash();
        await rig.close();
        await going;
        url = await begin(storeFile);
      }
    }
    const where = at < 0 ? "no step" : `${method}, step ${at} (${own.steps.at(-1) ?? ""})`;
    const income = (await rig.income()) - before;
    const { status = 0 } = response ?? {};
    // A request with effects that may have run runs never again: its answer is lost with the process.
    expect(status, where).to.be.oneOf(method === "POST" && own.isOver ? [200, 409] : [200]);
    if (method === "POST") expect(rig.runs, where).to.be.at.most(1);
    // Nobody pays twice, nothing that is answered is unpaid.
    expect(income, where).to.be.within(status === 200 ? 1 : 0, 1);
    if (status === 200) expect(paid(response!).success, where).to.equal(true);
    await rig.close();
    return own.steps;
  }

  for (const method of ["GET", "POST"] as const) {
    it(`are settled once at most, and answered once they are (${method})`, async () => {
      const steps = await play(method, -1);
      expect(steps).to.include.members([
        ...["before add", "after add", "before update", "after update"],
        ...["before send", "after send", "the upstream ran"],
      ]);
      for (const at of steps.keys()) await play(method, at);
    });
  }
});
