import { expect } from "chai";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { ProviderStore } from "../../src/provider/store.ts";

const ID = rootServiceId(7n);

describe("ProviderStore", () => {
  it("gives versions that only rise, and no two the same", () => {
    const store = new ProviderStore(":memory:");
    expect(store.raiseVersion(ID, 100)).to.equal(100);
    expect(store.raiseVersion(ID, 100)).to.equal(101);
    expect(store.raiseVersion(ID, 50), "a clock that went back").to.equal(102);
    expect(store.raiseVersion(rootServiceId(8n), 50)).to.equal(50);
    store.close();
  });
});
