import { expect } from "chai";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { erc20Abi, parseEther, type Address } from "viem";
import { Challenges } from "../../src/chain/challenges.ts";
import { devKey } from "../../devnet/devnet.ts";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import { AuditedChain } from "../support/auditedChain.ts";
import { runCli } from "../support/cli.ts";

const WINDOW = 300;
const BOND = parseEther("50");
const [CHALLENGER, HELPER] = [devKey(13), devKey(12)];

describe("blockcloud challenge", () => {
  let chain: AuditedChain;
  let challenges: Challenges;

  const cli = (line: string) =>
    runCli(line.split(" "), {
      cwd: chain.stage.folder,
      env: {
        BLOCKCLOUD_DEPLOYMENT: "devnet.json",
        BLOCKCLOUD_RPC: chain.stage.devnet.rpcUrl,
      },
    });
  const balance = (who: Address) =>
    chain.client.readContract({
      address: chain.deployment.contracts.token,
      abi: erc20Abi,
      functionName: "balanceOf",
      args: [who],
    });
  const pass = async (seconds: number) => {
    const request = chain.client.request as (call: object) => Promise<unknown>;
    await request({ method: "evm_setNextBlockTimestamp", params: [seconds] });
    await request({ method: "evm_mine" });
  };

  before(async () => {
    chain = await AuditedChain.start({
      services: [1_000, 2_000],
      auditors: [],
      challengeWindow: WINDOW,
    });
    challenges = new Challenges(chain.client, chain.deployment);
    await chain.fund(CHALLENGER.address, 500);
    const keys = { challenger: CHALLENGER, helper: HELPER, service: chain.serviceKey(1) };
    for (const [name, { key }] of Object.entries(keys)) {
      writeFileSync(path.join(chain.stage.folder, `${name}.key`), key, { mode: 0o600 });
    }
    await chain.enter(2);
  });
  after(() => chain.stop());

  it("show says that there is none", async () => {
    const { code, stdout } = await cli("challenge show 1");
    expect({ code, stdout }).to.deep.equal({
      code: 0,
      stdout: "service 1 has no open challenge\n",
    });
    const none = await cli("challenge resolve 1 --wallet-key-file helper.key --json");
    expect(none.code).to.equal(exitCodes.failed);
    expect(none.json()).to.have.nested.property("error.code", "CHALLENGE_NONE");
  });

  it("open shows the bond and what it is risked for, and sends nothing on a dry run", async () => {
    const { code, stdout } = await cli(
      "challenge open 1 --wallet-key-file challenger.key --dry-run",
    );
    expect(code).to.equal(0);
    expect(stdout).to.contain("bonded: 50 BLOC").and.to.contain("costs you the bond of 50 BLOC");
    expect(await challenges.open(1n)).to.equal(undefined);
  });

  it("a service number alone opens one, with a permit for exactly the bond", async () => {
    const before = await balance(CHALLENGER.address);
    const { code, stderr, json } = await cli(
      "challenge 1 --wallet-key-file challenger.key --yes --json",
    );
    expect(code, stderr).to.equal(0);
    expect(json()).to.include({ number: 1, challenge: "1", bond: BOND.toString() });
    expect(await balance(CHALLENGER.address)).to.equal(before - BOND);
    const { token, challengeBook } = chain.deployment.contracts;
    const args = [CHALLENGER.address, challengeBook] as const;
    const read = { address: token, abi: erc20Abi, functionName: "allowance", args } as const;
    expect(await chain.client.readContract(read)).to.equal(0n);
    const again = await cli("challenge 1 --wallet-key-file challenger.key --yes --json");
    expect(again.code).to.equal(exitCodes.reverted);
  });

  it("cannot be answered or closed until its question is there, and both commands say when", async () => {
    const { stdout } = await cli("challenge show 1");
    expect(stdout).to.contain("its question comes with the first seed after 20");
    const keys = "--service-key-file service.key --wallet-key-file helper.key --yes --json";
    const answer = await cli(`challenge answer 1 ${keys}`);
    expect(answer.json()).to.have.nested.property("error.code", "CHALLENGE_NOT_RUNNING");
    const resolve = await cli("challenge resolve 1 --wallet-key-file helper.key --yes --json");
    expect(resolve.json()).to.have.nested.property("error.code", "CHALLENGE_RUNNING");
  });

  it("answer takes the key that was frozen, of those it is given, and pays the service the bond", async () => {
    await chain.enter(3);
    const shown = (await cli("challenge show 1 --json")).json();
    expect(shown).to.have.nested.property("challenge.stage", "running");
    const wrong = "--service-key-file helper.key --wallet-key-file helper.key --yes --json";
    const refused = await cli(`challenge answer 1 ${wrong}`);
    expect(refused.json()).to.have.nested.property("error.code", "CHALLENGE_KEY");
    expect(refused.stdout).to.contain(chain.serviceKey(1).address);

    const before = await balance(chain.owner(1).address);
    const keys = "--previous-service-key-file service.key --service-key-file helper.key";
    const line = `challenge answer 1 ${keys} --wallet-key-file helper.key --yes`;
    const { code, stderr } = await cli(line);
    expect(code, stderr).to.equal(0);
    expect((await challenges.get(1n)).state).to.equal("Answered");
    expect(await balance(chain.owner(1).address)).to.equal(before + (BOND * 80n) / 100n);
  });

  it("resolve closes one that was not answered: slash, suspension, the bond back, shares for both", async () => {
    const before = await balance(CHALLENGER.address);
    await cli("challenge open 2 --wallet-key-file challenger.key --yes");
    await chain.enter(4);
    const { deadline } = (await challenges.question(2n))!;
    await pass(deadline + 1);
    expect((await cli("challenge show 2")).stdout).to.contain("anyone can resolve it");
    const { code, json, stderr } = await cli(
      "challenge resolve 2 --wallet-key-file helper.key --yes --json",
    );
    expect(code, stderr).to.equal(0);
    expect(json()).to.include({ state: "Unanswered", challenge: "2" });
    expect(stderr).to.contain("up to 40 BLOC are slashed");
    expect(stderr).to.contain("20% of the slash are yours");
    expect(await balance(CHALLENGER.address)).to.equal(before + parseEther("12"));
    expect(await balance(HELPER.address)).to.equal(parseEther("8"));
    expect(await chain.services.statusNow(2n)).to.equal("Suspended");
    expect((await cli("challenge show 2")).stdout).to.contain("none can be opened before 20");
  });

  it("resolve gives the bond back where the question never came", async () => {
    const before = await balance(CHALLENGER.address);
    const { epoch } = await chain.moment();
    await cli("challenge open 1 --wallet-key-file challenger.key --yes");
    await chain.enter(epoch + 4);
    expect((await cli("challenge show 1")).stdout).to.contain("anyone can annul it");
    const { json } = await cli("challenge resolve 1 --wallet-key-file helper.key --yes --json");
    expect(json()).to.include({ state: "Annulled" });
    expect(await balance(CHALLENGER.address)).to.equal(before);
  });
});
