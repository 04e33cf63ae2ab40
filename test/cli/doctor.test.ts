import { expect } from "chai";
import { createServer } from "node:net";
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import { encryptKeystore } from "../../src/node/keystore.ts";
import { CliRig, parts } from "../support/cliRig.ts";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { runCli } from "../support/cli.ts";

interface Check {
  name: string;
  ok: boolean;
  detail: string;
  remedy?: string;
}

describe("blockcloud doctor", () => {
  let rig: CliRig;

  let now: () => number;

  before(async () => {
    rig = await CliRig.start();
    // Mining on demand runs ahead of the host's clock.
    const { timestamp } = await rig.client.getBlock();
    now = () => Number(timestamp) * 1000;
  });
  after(() => rig.stop());

  async function examine(line = "", env: Record<string, string> = {}) {
    const { code, json, stderr } = await rig.cli(`doctor --json ${line}`.trim(), { env, now });
    expect(stderr).to.equal("");
    const checks = json().checks as Check[];
    const of = (name: string) => checks.find((check) => check.name === name);
    return { code, checks, of };
  }

  it("finds a host well, key by key", async () => {
    const keystore = await encryptKeystore(parts.owner.key, parts.owner.address, "password", 1024);
    rig.file("encrypted.key", keystore);
    const keys = "--operator-key-file operator.key --owner-key-file encrypted.key";
    const { code, of, checks } = await examine(`${keys} --metrics 127.0.0.1:0`);
    expect(checks.filter(({ ok }) => !ok)).to.deep.equal([]);
    expect(code).to.equal(0);
    for (const name of ["node", "version", "state", "rpc 1", "clock", "contracts", "metrics"]) {
      expect(of(name), name).to.include({ ok: true });
    }
    expect(of("operator key")?.detail).to.equal(parts.operator.address);
    expect(of("operator balance")?.detail).to.match(/ETH, for about \d+ rounds at .* gwei; 0 BLOC/);
    // Neither its password nor anything that would need it was asked for.
    expect(of("owner key")?.detail).to.equal(`${parts.owner.address}, encrypted`);
    expect(of("wallet key")).to.equal(undefined);
  });

  it("says of everything that is wrong what to do, and ends with 1", async () => {
    chmodSync(rig.file("open.key", parts.wallet.key), 0o644);
    const poor = `0x${"77".repeat(32)}`;
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    const { code, checks, of } = await examine(
      `--wallet-key-file open.key --metrics 127.0.0.1:${port} --state devnet.json`,
      {
        BLOCKCLOUD_OPERATOR_KEY: poor,
        BLOCKCLOUD_RPC: `${rig.devnet.rpcUrl},http://127.0.0.1:1/token`,
      },
    );
    server.close();
    expect(code).to.equal(exitCodes.failed);
    for (const name of ["wallet key", "operator balance", "metrics", "state", "rpc 2"]) {
      expect(of(name), name).to.include({ ok: false }).and.to.have.property("remedy");
    }
    expect(of("rpc 1")).to.include({ ok: true });
    expect(of("wallet key")?.remedy).to.contain("chmod 600");
    const text = JSON.stringify(checks);
    expect(text).not.to.contain("7777").and.not.to.contain("token");
  });

  it("finds an endpoint of another chain, missing contracts and a clock that is behind", async () => {
    const other = { ...rig.devnet.deployment, chainId: 1 };
    rig.file("other.json", JSON.stringify(other));
    const wrong = await examine("--deployment other.json");
    expect(wrong.of("rpc 1")?.detail).to.contain("CHAIN_MISMATCH");
    const { contracts } = DEPLOYMENT;
    rig.file("empty.json", JSON.stringify({ ...rig.devnet.deployment, contracts }));
    const missing = await examine("--deployment empty.json");
    expect(missing.of("contracts")?.detail).to.contain("no code at: token");
    await rig.pass(3_600);
    const ahead = await examine();
    expect(ahead.of("clock")).to.include({ ok: false });
  });

  it("says of a relay that is not there to check its address", async () => {
    const { of } = await examine("--relay 127.0.0.1:1");
    const relay = of("relay 127.0.0.1:1");
    expect(relay).to.include({ ok: false });
    expect(relay?.detail)
      .to.match(/^SAL_NO_PATH: /)
      .and.not.to.contain("provider");
    expect(relay?.remedy).to.contain("relay's address");
  });

  it("shows people a table", async () => {
    const { stdout } = await rig.cli("doctor --wallet-key-file open.key");
    expect(stdout).to.match(/^ok {6}node +v24/m);
    expect(stdout).to.match(/^FAILED {2}wallet key +KEY_FILE_OPEN: .*\n +Run: chmod 600/m);
  });

  it("runs also where no endpoint answers", async () => {
    const cwd = mkdtempSync(path.join(tmpdir(), "doctor-"));
    writeFileSync(path.join(cwd, "devnet.json"), JSON.stringify(DEPLOYMENT));
    const env = { BLOCKCLOUD_DEPLOYMENT: "devnet.json", BLOCKCLOUD_RPC: "http://127.0.0.1:1" };
    const { code, stdout } = await runCli(["doctor"], { cwd, env });
    rmSync(cwd, { recursive: true });
    expect(code).to.equal(exitCodes.failed);
    expect(stdout)
      .to.match(/^FAILED {2}rpc 1/m)
      .and.to.match(/^FAILED {2}contracts/m);
  });
});
