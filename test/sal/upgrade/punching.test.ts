import { expect } from "chai";
import { NatNetwork, type NatKind } from "../../support/namespaces/natNetwork.ts";
import { NatRig, type NatRigOptions } from "../../support/namespaces/natRig.ts";

describe("a relayed flow between two hosts behind NATs, in network namespaces", () => {
  let rig: NatRig;

  before(function () {
    const { missing } = NatNetwork;
    if (missing === undefined) return;
    process.stderr.write(`skipped: ${missing} is missing\n`);
    this.skip();
  });
  afterEach(() => rig?.stop());

  async function start(options: NatRigOptions): Promise<void> {
    rig = new NatRig(options);
    await rig.start();
  }

  it("goes on over a punched path if both drop what nobody asked for, and no byte is lost", async () => {
    await start({ client: "cone", provider: "cone", providerSetting: { isQuiet: true } });
    const punched = rig.path("punched");
    rig.begin();
    await punched;
    await rig.more();
    await rig.compare();
  });

  it("is punched with what the relay of this software tells", async () => {
    const providerSetting = { isQuiet: true };
    await start({ client: "cone", provider: "cone", isReal: true, providerSetting });
    const punched = rig.path("punched");
    rig.begin();
    await punched;
    await rig.more();
    await rig.compare();
  });

  for (const [client, provider] of [
    ["rst", "rst"],
    ["random", "random"],
    ["cone", "random"],
  ] as [NatKind, NatKind][]) {
    it(`stays on the relay with NATs of the kinds ${client} and ${provider}, and no byte is lost`, async () => {
      await start({ client, provider });
      const stays = rig.next("stays");
      rig.begin();
      await stays;
      await rig.more();
      await rig.compare();
    });
  }

  it("goes on over IPv6, where there is nothing else", async () => {
    await start({ client: "none", provider: "none", versions: [6] });
    const direct = rig.path("ipv6");
    rig.begin();
    await direct;
    await rig.more();
    await rig.compare();
  });

  it("is punched at once over a path with delays: both dial at the same time", async function () {
    if (!NatNetwork.canDelay) {
      process.stderr.write("skipped: /dev/net/tun or python3 is missing\n");
      this.skip();
    }
    const providerSetting = { isQuiet: true, pauseMs: 5 };
    rig = new NatRig({ client: "cone", provider: "cone", providerSetting });
    await rig.start(() => {
      rig.network.delay(25);
    });
    const punched = rig.path("punched");
    rig.begin();
    await punched;
    await rig.more(200_000);
    await rig.compare();
  });

  it("goes on over a port that the provider's gateway maps, and takes away at the end", async function () {
    if (!NatNetwork.canMapPorts) {
      process.stderr.write("skipped: miniupnpd is missing\n");
      this.skip();
    }
    rig = new NatRig({ client: "cone", provider: "cone", providerSetting: { mapPort: true } });
    await rig.start(() => {
      rig.network.mapPorts();
    });
    const mapped = rig.path("mapped");
    rig.begin();
    await mapped;
    await rig.more();
    expect(rig.network.mappings()).to.have.length(1);
    await rig.unmap();
    expect(rig.network.mappings()).to.deep.equal([]);
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
    const { moved } = await back;
    expect(moved).to.equal("silence");
    await rig.more();
    const again = rig.path("punched");
    rig.network.mendDirect();
    await again;
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
        await back;
        await again;
      }
      await rig.more();
      await rig.compare();
    });
  }

  it("is punched to nobody if the relay says a place where the visitor is not", async () => {
    await start({ client: "cone", provider: "cone", lie: "9.77.1.9 80" });
    const stays = rig.next("stays");
    rig.begin();
    expect((await stays).stays).to.include("may not dial");
    await rig.more();
    await rig.compare();
  });
});
