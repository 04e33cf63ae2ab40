import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { checkChain, createChainClient } from "../../src/chain/client.ts";
import { loadDeployment } from "../../src/chain/deployment.ts";
import { expectCode } from "../support/expectCode.ts";
import { DEPLOYMENT, FakeChain } from "../support/fakeChain.ts";
import { rejection } from "../support/rejection.ts";

describe("loadDeployment", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "deployment-"));
    file = path.join(folder, "devnet.json");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function load(value: unknown) {
    writeFileSync(file, JSON.stringify(value));
    return loadDeployment(file);
  }

  it("reads what a deployment wrote, addresses with their checksums", () => {
    const read = load(DEPLOYMENT);
    expect(read).to.deep.include({ chainId: 31_337, epochSeconds: 100, confirmations: 1 });
    expect(read.contracts.token.toLowerCase()).to.equal(DEPLOYMENT.contracts.token);
    expect(read.contracts.token).not.to.equal(DEPLOYMENT.contracts.token);
  });

  it("lists every problem at once", () => {
    const { token: _, ...contracts } = DEPLOYMENT.contracts;
    const error = expectCode("DEPLOYMENT_INVALID", () =>
      load({
        ...DEPLOYMENT,
        chainId: "1",
        epochSeconds: 0,
        block: -1,
        confirmations: 1.5,
        genesis: undefined,
        contracts: { ...contracts, registry: "0x1234", staking: null },
      }),
    );
    const wrong = ["chainId", "epochSeconds", "block", "confirmations", "genesis"];
    for (const name of [...wrong, "contracts.token", "contracts.registry", "contracts.staking"]) {
      expect(error.message).to.contain(`at ${name}`);
    }
    expect(error.message).to.contain(file).and.not.to.contain("at contracts.proofOfService");
  });

  for (const [what, text] of [
    ["no JSON", "{"],
    ["nothing", ""],
    ["a list", "[]"],
    ["null", "null"],
  ] as const) {
    it(`refuses ${what}`, () => {
      writeFileSync(file, text);
      expectCode("DEPLOYMENT_INVALID", () => loadDeployment(file));
    });
  }

  it("refuses a file that is not there, and says which to name", () => {
    const error = expectCode("DEPLOYMENT_INVALID", () => loadDeployment(file));
    expect(error.message).to.contain(file).and.to.contain("--deployment");
  });
});

describe("checkChain", () => {
  let chain: FakeChain;

  beforeEach(() => {
    chain = new FakeChain();
  });

  it("takes the deployment's own chain", async () => {
    await checkChain(chain.client, DEPLOYMENT);
  });

  it("refuses another chain", async () => {
    chain.chainId = 1;
    const error = await rejection("CHAIN_MISMATCH", checkChain(chain.client, DEPLOYMENT));
    expect(error.message).to.contain("chain 1,").and.to.contain("31337");
  });

  it("says when no endpoint answers, and keeps the endpoint's URL, which may hold a key, to itself", async () => {
    const client = createChainClient(["http://127.0.0.1:1/v2/secret"], DEPLOYMENT.chainId);
    const error = await rejection("CHAIN_UNREACHABLE", checkChain(client, DEPLOYMENT));
    expect(error.retryable).to.equal(true);
    expect(error.message).not.to.contain("secret");
  });

  it("refuses a chain where the contracts are not", async () => {
    chain.code = "0x";
    const error = await rejection("CHAIN_MISMATCH", checkChain(chain.client, DEPLOYMENT));
    expect(error.message.toLowerCase()).to.contain(DEPLOYMENT.contracts.proofOfService);
  });
});
