import { expect } from "chai";
import { unreachable, unknownService, withoutNodes } from "../../src/resolver/errors.ts";

describe("a lookup that finds no node of the record network", () => {
  const lost = unreachable("Neither chain nor network answered in 5000 ms.");
  const here = ["/ip4/127.0.0.1/tcp/4170", "/ip6/::1/tcp/4170", "/ip4/192.168.1.7/tcp/4170"];
  const remedyOf = (...given: Parameters<typeof withoutNodes>) =>
    (withoutNodes(...given) as Error & { remedy?: string }).remedy;

  it("names the flag if all nodes are on this host or in a private network", () => {
    const error = withoutNodes(lost, { bootstrap: here, allowPrivate: false });
    expect(error).to.include({ code: "RESOLVER_UNREACHABLE", retryable: true, cause: lost });
    expect(remedyOf(lost, { bootstrap: here, allowPrivate: false })).to.contain("--allow-loopback");
  });

  it("says nothing of it if that is not the cause", () => {
    const open = [...here, "/ip4/8.8.8.8/tcp/4170"];
    const named = ["/dns4/node.example/tcp/4170"];
    for (const bootstrap of [open, named, []])
      expect(withoutNodes(lost, { bootstrap, allowPrivate: false })).to.equal(lost);
    expect(withoutNodes(lost, { bootstrap: here, allowPrivate: true })).to.equal(lost);
    const other = unknownService("7");
    expect(withoutNodes(other, { bootstrap: here, allowPrivate: false })).to.equal(other);
  });
});
