import { expect } from "chai";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { makeCertificate } from "../support/certificates.ts";
import { runCli, type CliSurroundings } from "../support/cli.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";

const KEY = `0x${"5e".repeat(32)}`;
const AUDITOR = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
/** Nothing listens there. */
const RPC = "http://127.0.0.1:1/secret-token";

describe("settings of a command", () => {
  let cwd: string;

  beforeEach(() => {
    cwd = mkdtempSync(path.join(tmpdir(), "settings-"));
    write("devnet.json", DEPLOYMENT);
  });
  afterEach(() => {
    rmSync(cwd, { recursive: true });
  });

  function write(name: string, content: object | string): string {
    const file = path.join(cwd, name);
    mkdirSync(path.dirname(file), { recursive: true });
    const text = typeof content === "string" ? content : JSON.stringify(content);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  }

  const auditorRun = (args: readonly string[], surroundings: CliSurroundings = {}) =>
    runCli(["auditor", "run", ...args], { cwd, ...surroundings });

  /** What is complained about, a line each. */
  const problems = (stderr: string) =>
    stderr
      .split("\n")
      .filter((line) => line.startsWith("  ") && !line.includes("--help"))
      .map((line) => line.trim());

  it("come from flags, the environment and the file, in this order", async () => {
    write("blockcloud.json", {
      rpc: "no URL",
      auditor: { address: AUDITOR },
      deployment: "no.json",
    });
    const env = { BLOCKCLOUD_RPC: "also none", BLOCKCLOUD_DEPLOYMENT: "devnet.json" };
    const fromFile = await auditorRun([]);
    expect(fromFile.stderr).to.contain('"rpc" in').and.to.contain("no.json");
    const fromEnvironment = await auditorRun([], { env: { ...env, BLOCKCLOUD_OPERATOR_KEY: KEY } });
    expect(fromEnvironment.stderr)
      .to.contain("$BLOCKCLOUD_RPC: Give")
      .and.not.to.contain("no.json");
    write("blockcloud.json", { auditor: { address: AUDITOR } });
    const fromFlag = await auditorRun(["--rpc", RPC], {
      env: { ...env, BLOCKCLOUD_OPERATOR_KEY: KEY },
    });
    expect(fromFlag.code).to.equal(4);
  });

  it("are complained about all at once, each with its source", async () => {
    write("blockcloud.json", { state: ["a", "b"], metrics: "nowhere", surprise: { inside: 1 } });
    write("open.key", KEY);
    const { code, stderr, stdout } = await auditorRun(
      ["--auditor", "0x12", "--operator-key-file", "absent.key", "--log-level", "loud"],
      { env: { BLOCKCLOUD_RPC: "ftp://example" } },
    );
    expect({ code, stdout }).to.deep.equal({ code: 2, stdout: "" });
    const lines = problems(stderr);
    for (const source of [
      "--auditor",
      "--operator-key-file: KEY_MISSING",
      "--log-level",
      "$BLOCKCLOUD_RPC",
      "--deployment: missing",
      '"state" in',
      '"metrics" in',
      '"surprise.inside" in',
    ]) {
      expect(lines.filter((line) => line.startsWith(source)).length, source).to.equal(1);
    }
  });

  it("that lack nothing but a key file end with the code that key address has for it", async () => {
    const args = ["--auditor", AUDITOR, "--deployment", "devnet.json", "--rpc", RPC];
    for (const [file, code] of [
      ["absent.key", "KEY_MISSING"],
      [".", "KEY_UNREADABLE"],
    ] as const) {
      const alone = await runCli(["key", "address", file], { cwd });
      expect(alone.stderr).to.match(new RegExp(`^${code}: `));
      const worker = await auditorRun([...args, "--operator-key-file", file]);
      expect(worker.stderr).to.match(new RegExp(`^${code}: --operator-key-file: `));
      expect([alone.code, worker.code]).to.deep.equal([2, 2]);
    }
  });

  it("from the file may name paths from the file's own folder", async () => {
    write("etc/operator.key", KEY);
    write("etc/devnet.json", DEPLOYMENT);
    const config = write("etc/worker.json", {
      deployment: "devnet.json",
      rpc: [RPC],
      keys: { operator: "operator.key" },
      auditor: { address: AUDITOR },
    });
    const { code, stderr } = await auditorRun(["--config", config]);
    expect({ code, start: stderr.slice(0, 17) }).to.deep.equal({
      code: 4,
      start: "CHAIN_UNREACHABLE",
    });
  });

  it("never hold a key in the file, and do not repeat one", async () => {
    for (const place of [{ keys: { operator: KEY } }, { auditor: { address: KEY.slice(2) } }]) {
      write("blockcloud.json", place);
      const { code, stderr } = await auditorRun([]);
      expect(code).to.equal(2);
      expect(stderr).to.contain("looks like a private key").and.not.to.contain("5e5e");
    }
  });

  it("do not repeat a key that was given where a file is named, nor an endpoint", async () => {
    const { stderr, stdout } = await auditorRun([
      ...["--operator-key-file", KEY, "--auditor", KEY, "--rpc", "secret-token"],
      "--json",
    ]);
    expect(stderr).to.contain("KEY_MISPLACED");
    expect(stderr + stdout)
      .not.to.contain("5e5e")
      .and.not.to.contain("secret-token");
  });

  it("are given once, unless a flag takes several values or none", async () => {
    const twice = await auditorRun([
      ...["--auditor", AUDITOR, "--auditor", AUDITOR, "--state", "a", "--state=b", "--state", "c"],
      ...["--rpc", RPC, "--rpc", RPC, "--json", "--json", "--deployment", "devnet.json"],
    ]);
    expect(twice.code).to.equal(2);
    expect(problems(twice.stderr).filter((line) => line.includes("given"))).to.deep.equal([
      "--auditor: given 2 times. Give it once.",
      "--state: given 3 times. Give it once.",
    ]);
    const keys = ["--operator-key-file", "a.key", "--operator-key-file", "b.key"];
    expect((await auditorRun(keys)).stderr).to.contain("--operator-key-file: given 2 times");
  });

  it("of an upstream name a server, and authorities only for one with a certificate", async () => {
    const { cert } = makeCertificate({ name: "A private authority" });
    write("ca.pem", cert);
    write("broken.pem", cert.replace(/\n[^-]{40}/, "\n"));
    write("none.pem", "none");
    const run = async (...args: string[]) =>
      (await runCli(["provider", "run", "--deployment", "devnet.json", ...args], { cwd })).stderr;
    const at = (name: string) => path.join(cwd, name);
    for (const upstream of ["http://127.0.0.1:80", "https://up.example", "unix:/run/app.sock"])
      expect(await run("--upstream", upstream), upstream).not.to.contain("--upstream");
    for (const upstream of ["unix:app.sock", "http://127.0.0.1/base", "127.0.0.1:80"])
      expect(await run("--upstream", upstream), upstream).to.contain(`--upstream: "${upstream}":`);
    const tls = ["--upstream", "https://up.example", "--upstream-ca"];
    expect(await run(...tls, "ca.pem")).not.to.contain("--upstream-ca");
    for (const file of ["none.pem", "broken.pem", "absent.pem", "."])
      expect(await run(...tls, at(file)), file).to.contain("--upstream-ca: CERTIFICATE_INVALID");
    const plain = ["--upstream", "http://127.0.0.1:80", "--upstream-ca", at("ca.pem")];
    expect(await run(...plain)).to.contain("--upstream-ca: http://127.0.0.1/ has no certificate");
  });

  it("name a deployment or a network, not both", async () => {
    const both = await auditorRun(["--deployment", "devnet.json", "--network", "sepolia"]);
    expect(both.stderr).to.contain("--deployment, --network: give one of the two.");
    const env = { BLOCKCLOUD_DEPLOYMENT: "devnet.json" };
    const { stderr } = await auditorRun(["--network", "no-such-network"], { env });
    expect(stderr)
      .to.contain("--network: DEPLOYMENT_INVALID")
      .and.to.contain("no-such-network.json");
  });

  it("are refused when the file is no configuration", async () => {
    for (const content of [
      "{",
      "[]",
      '"text"',
      '{"rpc":null}',
      '{"a":{"b":{"c":{"d":{"e":1}}}}}',
    ]) {
      write("blockcloud.json", content);
      const { code, stderr } = await auditorRun([]);
      expect(code, content).to.equal(2);
      expect(stderr, content).to.contain("blockcloud.json");
    }
    const { stderr } = await auditorRun(["--config", "absent.json"]);
    expect(stderr).to.contain("absent.json cannot be read");
  });

  it("that are wrong are told to programs as JSON", async () => {
    for (const args of [
      ["auditor", "run", "--json"],
      ["auditor", "run", "--json", "--unknown"],
    ]) {
      const { code, json } = await runCli(args, { cwd });
      expect(code).to.equal(2);
      expect(json()).to.have.property("error").that.has.all.keys("code", "message", "remedy");
    }
  });
});
