import { expect } from "chai";
import { unusedProxy } from "../../src/cli/framework/proxyEnv.ts";

describe("unusedProxy", () => {
  for (const name of ["HTTP_PROXY", "https_proxy", "ALL_PROXY"]) {
    it(`says that ${name} is not used, without its password`, () => {
      const said = unusedProxy({ [name]: "http://user:secret@proxy.example:3128" });
      expect(said)
        .to.contain(name)
        .and.to.contain("NODE_USE_ENV_PROXY")
        .and.not.to.contain("secret");
    });
  }

  it("says nothing where there is none, or where it is used", () => {
    expect(unusedProxy({ HTTP_PROXY: " " })).to.equal(undefined);
    expect(unusedProxy({ NO_PROXY: "localhost" })).to.equal(undefined);
    expect(unusedProxy({ HTTP_PROXY: "http://p", NODE_USE_ENV_PROXY: "1" })).to.equal(undefined);
  });
});
