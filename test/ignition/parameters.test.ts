import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect } from "chai";
import { readParameters } from "../../ignition/parameters.ts";
import { expectCode } from "../support/expectCode.ts";

describe("the parameters of a deployment", () => {
  const devnet = path.resolve("ignition/parameters/devnet.json");
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "parameters-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("have epochs of 6 hours at most: the Cashier refuses longer ones", () => {
    const longest = 21_600;
    expect(readParameters(devnet, { epochSeconds: longest }).epochSeconds).to.equal(longest);
    const error = expectCode("PARAMETERS_INVALID", () =>
      readParameters(devnet, { epochSeconds: longest + 1 }),
    );
    expect(error.message).to.contain("epochSeconds");
  });

  it("name every fault, and the file that cannot be read", async () => {
    const file = path.join(folder, "wrong.json");
    await writeFile(file, JSON.stringify({ Blockcloud: { epochSeconds: 0, more: 1 } }));
    const { message } = expectCode("PARAMETERS_INVALID", () => readParameters(file));
    for (const name of ["epochSeconds", "unbondingSeconds", "more", file]) {
      expect(message).to.contain(name);
    }
    expectCode("PARAMETERS_INVALID", () => readParameters(path.join(folder, "absent.json")));
  });
});
