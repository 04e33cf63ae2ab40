import { expect } from "chai";
import { DialRules } from "../../../src/net/dialRules.ts";
import { systemScheduler } from "../../../src/node/scheduler.ts";
import { examineNat } from "../../../src/cli/doctor/network.ts";
import { observe } from "../../../src/sal/relay/observe.ts";
import { natTypeOf } from "../../../src/sal/upgrade/natType.ts";
import { RelayRig } from "../../relay/rig.ts";

/** What a relay sees of port 5000 of 192.168.7.2. */
function seen(address: string, port: number) {
  return {
    relay: "relay:1",
    local: { address: "192.168.7.2", port: 5_000 },
    seen: { address, port },
  };
}

describe("the NAT of a host, by what relays see of one of its ports", () => {
  it("is a cone if all see the same port, and symmetric if they do not", () => {
    expect(natTypeOf([seen("8.8.8.8", 5_000), seen("8.8.8.8", 5_000)])).to.equal("cone");
    expect(natTypeOf([seen("8.8.8.8", 6_000), seen("8.8.8.8", 6_000)])).to.equal("cone");
    expect(natTypeOf([seen("8.8.8.8", 6_000), seen("8.8.8.8", 6_001)])).to.equal("symmetric");
  });

  it("is none if they see the host's own address", () => {
    expect(natTypeOf([seen("192.168.7.2", 5_000)])).to.equal("none");
  });

  it("is not known from one relay, or if the host leaves by several addresses", () => {
    expect(natTypeOf([])).to.equal("unknown");
    expect(natTypeOf([seen("8.8.8.8", 5_000)])).to.equal("unknown");
    expect(natTypeOf([seen("8.8.8.8", 5_000), seen("8.8.4.4", 5_000)])).to.equal("unknown");
  });

  it("is asked of running relays, which reserve nothing for that", async () => {
    const relays = [new RelayRig(), new RelayRig()] as const;
    for (const { relay } of relays) await relay.start();
    try {
      const rules = new DialRules({ allowLoopback: true });
      const asked = { rules, clock: systemScheduler };
      const signal = new AbortController().signal;
      const one = await observe(relays[0].address, 0, asked, signal);
      const two = await observe(relays[1].address, one.local.port, asked, signal);
      expect(one.seen).to.deep.equal(one.local);
      expect(two.seen).to.deep.equal(one.local);
      const found = await examineNat(relays.map(({ address }) => address));
      expect(found.find(({ name }) => name === "nat")?.detail).to.match(/^none/);
      expect(found.every(({ ok }) => ok)).to.equal(true);
    } finally {
      for (const { relay } of relays) await relay.stop();
    }
  });

  it("names a relay that does not answer", async () => {
    const found = await examineNat([{ host: "127.0.0.1", port: 1 }]);
    expect(found[0]).to.include({ ok: false, name: "relay 127.0.0.1:1" });
  });
});
