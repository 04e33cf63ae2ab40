import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { runCli } from "../support/cli.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";

const KEY = `0x${"5e".repeat(32)}` as const;

describe("blockcloud config", () => {
  let cwd: string;
  const write = (name: string, content: object | string) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    writeFileSync(path.join(cwd, name), text, { mode: 0o600 });
  };
  const cli = (line: string, env: Record<string, string> = {}) =>
    runCli(["config", ...line.split(" ")], { cwd, env });

  beforeEach(() => {
    cwd = mkdtempSync(path.join(tmpdir(), "config-"));
    write("devnet.json", DEPLOYMENT);
    write("operator.key", KEY);
    write("blockcloud.json", {
      deployment: "devnet.json",
      rpc: ["https://rpc.example/secret-token"],
      keys: { operator: "operator.key" },
      provider: { listen: "127.0.0.1:8080" },
    });
  });
  afterEach(() => {
    rmSync(cwd, { recursive: true });
  });

  it("show says every value in force and its source, keys by their addresses, and no secret", async () => {
    const env = { BLOCKCLOUD_LISTEN: "0.0.0.0:80", BLOCKCLOUD_WALLET_KEY: KEY };
    const { code, stdout, stderr, json } = await cli("show --json", env);
    expect(code, stderr).to.equal(0);
    const { file, settings } = json() as {
      file: string;
      settings: { place: string; value: unknown; source: string }[];
    };
    expect(file).to.equal(path.join(cwd, "blockcloud.json"));
    const of = (place: string) => settings.find((each) => each.place === place);
    expect(of("provider.listen")).to.deep.include({
      value: "0.0.0.0:80",
      source: "$BLOCKCLOUD_LISTEN",
    });
    expect(of("deployment")?.value).to.equal(path.join(cwd, "devnet.json"));
    expect(of("deployment")?.source).to.contain("blockcloud.json");
    expect(of("rpc")?.value).to.deep.equal(["<hidden>"]);
    expect(of("logFormat")).to.deep.include({ value: "auto", source: "default" });
    expect(of("keys.operator")?.value).to.contain(addressOfKey(KEY)).and.to.contain("operator.key");
    expect(of("keys.wallet")).to.deep.include({
      value: `$BLOCKCLOUD_WALLET_KEY (${addressOfKey(KEY)})`,
      source: "$BLOCKCLOUD_WALLET_KEY",
    });
    const text = await cli("show", env);
    expect(text.stdout).to.match(/^setting +value +source$/m);
    for (const printed of [stdout, text.stdout])
      expect(printed).not.to.contain("5e5e").and.not.to.contain("secret-token");
  });

  it("check finds nothing wrong with what is right", async () => {
    const { code, json } = await cli("check --json");
    expect(code).to.equal(0);
    expect(json()).to.include({ ok: true, settings: 4 });
    rmSync(path.join(cwd, "blockcloud.json"));
    expect((await cli("check --json")).json()).to.include({ file: null, settings: 0 });
  });

  it("check takes a sub-service's ID, which has the form of a key, in its own place only", async () => {
    const id = `0x${"00".repeat(7)}01${"00".repeat(4)}${"11".repeat(20)}`;
    write("blockcloud.json", { subservice: { id } });
    const { code, stderr } = await cli("check");
    expect(code, stderr).to.equal(0);
    write("blockcloud.json", { state: id });
    expect((await cli("check")).code).to.equal(2);
  });

  it("check lists every fault at once, those of keys and deployment among them", async () => {
    write("blockcloud.json", {
      deployment: "absent.json",
      keys: { operator: "absent.key" },
      metrics: "nowhere",
      surprise: 1,
    });
    const { code, stderr } = await cli("check", { BLOCKCLOUD_RPC: "ftp://example" });
    expect(code).to.equal(2);
    for (const fault of [
      "DEPLOYMENT_INVALID",
      "KEY_MISSING",
      '"metrics"',
      '"surprise"',
      "$BLOCKCLOUD_RPC",
    ])
      expect(stderr).to.contain(fault);
  });
});
