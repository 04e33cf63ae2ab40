import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { expect } from "chai";
import { vectorFiles, VECTOR_SEED } from "../../scripts/vectors/topics.ts";

const folder = path.join(path.dirname(import.meta.dirname), "vectors");

describe(`vectors (seed ${VECTOR_SEED})`, () => {
  const files = vectorFiles();

  it("has no file without a topic, and none missing", async () => {
    expect((await readdir(folder)).sort()).to.deep.equal([...files.keys()].sort());
  });

  for (const [name, text] of files) {
    it(`${name} is what the code computes today, and small`, async () => {
      // Formats cannot change after a deployment: this test fails on any change of one.
      expect(await readFile(path.join(folder, name), "utf8")).to.equal(text);
      expect(text.length).to.be.below(60_000);
    });
  }
});
