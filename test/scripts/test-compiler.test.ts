import { expect } from "chai";
import hre from "hardhat";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";

const { root } = hre.config.paths;
const files = globSync("test/**/*.sol", { cwd: root });

/** Contracts may have an override of their own, for production. */
const isContract = (file: string) => file.startsWith("contracts/");

/** The files of the project's contracts that a Solidity file imports. */
function contracts(file: string): string[] {
  const text = readFileSync(path.join(root, file), "utf8");
  return [...text.matchAll(/^import\b[^;]*["']([^"']+)["'];/gm)]
    .map(([, target = ""]) => path.join(path.dirname(file), target))
    .filter((target) => target.startsWith("contracts/"));
}

describe("how the Solidity tests are compiled", () => {
  it("they import interfaces and libraries, and take the contracts from their artifacts", () => {
    const imported = files.flatMap((file) => contracts(file).map((target) => ({ file, target })));
    expect(imported).to.have.length.above(100);
    const refused = imported.filter(
      ({ target }) =>
        !target.startsWith("contracts/libraries/") &&
        !/^I[A-Z]|Lib\.sol$/.test(path.basename(target)),
    );
    expect(refused).to.deep.equal([]);
  });

  it("tests of libraries as in production, all others in one run without the optimiser", () => {
    for (const profile of Object.values(hre.config.solidity.profiles)) {
      const others = files.filter((file) => !file.startsWith("test/libraries/"));
      const overrides = Object.entries(profile.overrides).filter(([file]) => !isContract(file));
      expect(overrides.map(([file]) => file)).to.have.members(others);
      const [plain, ...more] = new Set(overrides.map(([, compiler]) => compiler));
      expect(plain?.settings).to.deep.equal({ evmVersion: "cancun" });
      expect(more).to.deep.equal([]);
      expect(profile.compilers).to.have.length(1);
      expect(profile.compilers[0]?.settings).to.include({ viaIR: true });
    }
  });
});
