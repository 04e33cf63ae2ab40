import { expect } from "chai";
import { NatNetwork, type NatKind } from "../../support/namespaces/natNetwork.ts";
import { NatRig, type NatRigOptions } from "../../support/namespaces/natRig.ts";

describe("a relayed flow between two hosts behind NATs, in network namespaces", () => {
  let rig: NatRig;

  before(function () {
    const { missing } = NatNetwork;
    if (missing === undefined) return;
    this.test?.parent?.tests.forEach(({ title }) => {
      process.stderr.write(`skipped, because ${missing} is missing: ${title}\n`);
    });
    this.skip();
  });
  afterEach(() => rig?.stop());

  async function start(options: NatRigOptions): Promise<void> {
    rig = new NatRig(options);
    await rig.start();
  }

  for (const provider of ["cone", "none"] as const) {
    const what =
      provider === "cone" ? "both drop what nobody asked for" : "only the client has one";
    it(`goes on over a punched path if ${what}, and no byte is lost`, async () => {
      await start({ client: "cone", provider, providerSetting: { isQuiet: true } });
      const punched = rig.path("punched");
      rig.begin();
      await punched;
      await rig.more();
      await rig.compare();
    });
  }

  for (const [client, provider] of [
    ["rst", "rst"],
    ["random", "random"],
    ["cone", "random"],
    ["random", "cone"],
  ] as [NatKind, NatKind][]) {
    it(`stays on the relay with NATs of the kinds ${client} and ${provider}, and no byte is lost`, async () => {
      await start({ client, provider });
      const stays = rig.next("stays");
      rig.begin();
      console.log(await stays);
      await rig.more();
      await rig.compare();
    });
  }

  it("goes on over IPv6, where there is nothing else", async () => {
    await start({ client: "none", provider: "none", versions: [6] });
    const direct = rig.path("ipv6");
    rig.begin();
    console.log(await direct);
    await rig.more();
    await rig.compare();
  });

  it("goes back to the relay when the direct path falls silent, and comes back to a punched one", async () => {
    await start({ client: "cone", provider: "cone" });
    const punched = rig.path("punched");
    rig.begin();
    await punched;
    await rig.more();
    const back = rig.path("relay");
    rig.network.cutDirect();
    const { gapMs, moved } = await back;
    console.log({ gapMs, moved });
    expect(moved).to.equal("silence");
    await rig.more();
    const again = rig.path("punched");
    rig.network.mendDirect();
    console.log(await again);
    await rig.more();
    await rig.compare();
  });

  for (const sides of [["client"], ["provider"], ["client", "provider"]] as const) {
    it(`is punched again when the address of ${sides.join(" and ")} changes under load`, async () => {
      await start({ client: "cone", provider: "cone" });
      const punched = rig.path("punched");
      rig.begin();
      await punched;
      for (let change = 0; change < 2; change++) {
        await rig.more();
        const back = rig.path("relay");
        const again = rig.path("punched");
        for (const side of sides) rig.network.change(side);
        console.log(await back);
        console.log(await again);
      }
      await rig.more();
      await rig.compare();
    });
  }

  for (const lie of ["10.0.0.1 5000", "127.0.0.1 5000", "9.77.1.9 80", "224.0.0.1 5000"]) {
    it(`is not punched to ${lie}, which the relay says is the visitor`, async () => {
      await start({ client: "cone", provider: "cone", lie });
      const stays = rig.next("stays");
      rig.begin();
      console.log(await stays);
      await rig.more();
      await rig.compare();
    });
  }
});
