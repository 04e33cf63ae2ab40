import { expect } from "chai";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Problems } from "../../src/cli/framework/settings.ts";
import { processIo, type CliIo } from "../../src/cli/framework/io.ts";
import { readServices } from "../../src/cli/provider/servicesFile.ts";
import { FileSource } from "../../src/cli/provider/serviceSource.ts";
import { isChanged } from "../../src/provider/fleet/plan.ts";
import { makeCertificate } from "../support/certificates.ts";
import { runCli } from "../support/cli.ts";
import { expectCode } from "../support/expectCode.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { failureOf } from "../support/httpClient.ts";

const KEY = `0x${"5e".repeat(32)}`;
const OTHER_KEY = `0x${"6f".repeat(32)}`;

describe("the file of an agent's services", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "services-"));
    file = path.join(folder, "services.json");
    write("weather.key", KEY);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  function write(name: string, content: unknown): string {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    writeFileSync(path.join(folder, name), text, { mode: 0o600 });
    return path.join(folder, name);
  }

  const entry = (more: object = {}) => ({
    service: 7,
    upstream: "http://127.0.0.1:3000",
    listen: "127.0.0.1:8080",
    serviceKeyFile: "weather.key",
    ...more,
  });
  const services = (...entries: unknown[]) => write("services.json", { services: entries });
  const read = () => {
    const problems = new Problems();
    const entries = readServices(file, processIo(), problems);
    problems.raise();
    return entries;
  };
  /** What is wrong with the file, a line each. */
  const faults = () =>
    expectCode("CONFIG_INVALID", read)
      .message.split("\n")
      .filter((line) => line.startsWith("  ") && !line.includes("--help"))
      .map((line) => line.trim());
  /** No one can answer at the terminal of this test. */
  const io = Object.create(processIo(), { interactive: { value: false } }) as CliIo;
  const source = (passwordFile?: string) =>
    new FileSource(
      { file, allowLoopback: false, passwordFile },
      { io, signal: new AbortController().signal },
    );

  it("has the settings of the flags, with their defaults, and paths from its own folder", () => {
    services(
      entry({ endpoint: "https://weather.example", previousServiceKeyFiles: ["old.key"] }),
      entry({
        ...{ service: "8", listen: "[::1]:8081", settleEvery: 1, serviceKeyFile: "/k/8.key" },
        ...{ trustProxy: ["127.0.0.1"], maxConnections: 10 },
      }),
    );
    const [weather, other] = read();
    expect(weather).to.deep.include({
      service: 7n,
      listen: { host: "127.0.0.1", port: 8080 },
      settleEvery: 24,
      serviceKeyFile: path.join(folder, "weather.key"),
      previousServiceKeyFiles: [path.join(folder, "old.key")],
    });
    expect(weather?.endpoint?.href).to.equal("https://weather.example/");
    expect(other).to.deep.include({
      service: 8n,
      listen: { host: "::1", port: 8081 },
      settleEvery: 1,
      serviceKeyFile: "/k/8.key",
      previousServiceKeyFiles: [],
      maxConnections: 10,
    });
    expect([weather, other].map((each) => each?.trustProxy?.length)).to.deep.equal([0, 1]);
  });

  it("takes an upstream by Unix socket or https, its authority, and the time of a drain", () => {
    const { cert } = makeCertificate({ name: "A private authority" });
    write("ca.pem", cert);
    services(
      entry({ upstream: "unix:/run/app.sock", drain: "5m" }),
      entry({
        ...{ service: 8, listen: "127.0.0.1:8081", upstream: "https://up.example" },
        ...{ upstreamCa: "ca.pem" },
      }),
    );
    const [socket, tls] = read();
    expect(socket).to.have.property("drain", 300_000);
    expect(socket?.upstream.href).to.equal("unix:/run/app.sock");
    expect(tls).to.deep.include({ drain: 60_000, upstreamCa: path.join(folder, "ca.pem") });

    services(
      entry({ drain: "2d", upstreamCa: "ca.pem" }),
      entry({
        ...{ service: 8, listen: "127.0.0.1:8081", upstream: "https://up.example" },
        ...{ upstreamCa: "absent.pem" },
      }),
    );
    for (const [index, what] of [
      '"services[0].drain"',
      '"services[0].upstreamCa"',
      "CERTIFICATE_INVALID",
    ].entries())
      expect(faults()[index]).to.contain(what);
  });

  it("restarts a service whose authority was replaced in its file", async () => {
    write("ca.pem", makeCertificate({ name: "An authority" }).cert);
    services(entry({ upstream: "https://up.example", upstreamCa: "ca.pem" }));
    const [before] = await source().read();
    const [same] = await source().read();
    expect(isChanged(before!, same!)).to.equal(false);
    write("ca.pem", makeCertificate({ name: "The next authority" }).cert);
    const [after] = await source().read();
    expect(isChanged(before!, after!)).to.equal(true);
  });

  it("is complained about all at once, each fault at its place", () => {
    services(entry({ upstream: "ftp://files", settleEvery: 0, trustProxy: "no range" }), {
      listen: "8080",
      colour: "red",
    });
    const lines = faults();
    for (const place of [
      "services[0].upstream",
      "services[0].settleEvery",
      "services[0].trustProxy",
      "services[1].service",
      "services[1].upstream",
      "services[1].listen",
      "services[1].serviceKeyFile",
      "services[1].colour",
    ]) {
      expect(
        lines.filter((line) => line.includes(`"${place}"`)),
        place,
      ).to.have.length(1);
    }
    expect(lines).to.have.length(8);
    expect(lines.join()).to.contain("ftp://files").and.to.contain("8080");
  });

  it("names a service, and an address, once", () => {
    services(entry(), entry({ service: 8 }), entry({ service: "7", listen: "127.0.0.1:8081" }));
    const lines = faults();
    expect(lines[0]).to.contain("services[1].listen").and.to.contain("127.0.0.1:8080");
    expect(lines[1]).to.contain("services[2].service").and.to.contain("7 is the same");
    services(entry({ listen: "127.0.0.1:0" }), entry({ service: 8, listen: "127.0.0.1:0" }));
    expect(read(), "port 0 is any free port").to.have.length(2);
  });

  for (const [what, content] of [
    ["that does not exist", undefined],
    ["that is no JSON", "{services"],
    ["without services", {}],
    ["with an empty list", { services: [] }],
    ["with an empty service", { services: [{}] }],
    ["with a number for the list", { services: 7 }],
    ["with one service in place of the list", { services: { service: 7 } }],
    ["with other settings", { services: [{ service: 7 }], rpc: "http://127.0.0.1" }],
    ["with too many services", { services: Array.from({ length: 101 }, () => ({ service: 1 })) }],
    ["that is too long", { services: [{ upstream: "x".repeat(65_536) }] }],
  ] as const) {
    it(`is refused ${what}`, () => {
      if (content !== undefined) write("services.json", content);
      expectCode("CONFIG_INVALID", read);
    });
  }

  it("never repeats a key that stands in it", () => {
    for (const place of ["serviceKeyFile", "previousServiceKeyFiles", "endpoint", "surprise"]) {
      services(entry({ [place]: place === "previousServiceKeyFiles" ? [KEY] : KEY }));
      expect(faults().join(), place).not.to.contain(KEY.slice(2));
    }
  });

  it("never repeats a recovery phrase that stands in place of a key file", () => {
    const phrase = `${"abandon ".repeat(11)}about`;
    for (const place of ["serviceKeyFile", "previousServiceKeyFiles"]) {
      services(entry({ [place]: place === "serviceKeyFile" ? phrase : [phrase] }));
      expect(faults().join(), place).to.contain("KEY_MISPLACED").and.not.to.contain("abandon");
    }
  });

  it("is checked with the command's other settings, and stands in place of the flags of one service", async () => {
    write("devnet.json", DEPLOYMENT);
    services(entry({ listen: "8080" }));
    const line = "provider run --services-file services.json --deployment devnet.json --upstream x";
    const env = { BLOCKCLOUD_SERVICE_KEY: KEY, BLOCKCLOUD_SERVICE: "7" };
    const { code, stderr } = await runCli(line.split(" "), { cwd: folder, env });
    expect(code).to.equal(2);
    for (const told of ["--rpc: missing", "--wallet-key-file: missing", "services[0].listen"])
      expect(stderr).to.contain(told);
    for (const told of ["$BLOCKCLOUD_SERVICE_KEY: give", "$BLOCKCLOUD_SERVICE: give"])
      expect(stderr).to.contain(told);
    expect(stderr).not.to.contain("--upstream: missing").and.not.to.contain(KEY.slice(2));
  });

  it("may be left out: then the flags of one service are required", async () => {
    const { code, stderr } = await runCli(["provider", "run"], { cwd: folder });
    expect(code).to.equal(2);
    for (const flag of ["--service", "--upstream", "--listen"])
      expect(stderr).to.contain(`${flag}: missing`);
    expect(stderr).to.contain("--service-key-file: missing");
  });

  describe("read again", () => {
    it("shows which services have changed, by their settings or by a new key in an old file", async () => {
      services(entry(), entry({ service: 8, listen: "127.0.0.1:8081", serviceKeyFile: "8.key" }));
      write("8.key", OTHER_KEY);
      const from = source();
      const before = await from.read();
      const changes = async () => {
        const after = await from.read();
        return after.map((plan, index) => isChanged(before[index]!, plan));
      };
      expect(await changes()).to.deep.equal([false, false]);
      write("8.key", KEY);
      expect(await changes()).to.deep.equal([false, true]);
      write("8.key", OTHER_KEY);
      services(
        entry({ upstream: "http://127.0.0.1:3001" }),
        entry({ service: 8, listen: "127.0.0.1:8081", serviceKeyFile: "8.key" }),
      );
      expect(await changes()).to.deep.equal([true, false]);
    });

    it("takes a key that cannot be read now for the old one", async () => {
      services(entry());
      const from = source();
      const [before] = await from.read();
      rmSync(path.join(folder, "weather.key"));
      const [after] = await from.read();
      expect(isChanged(before!, after!)).to.equal(false);
      expect(await failureOf(after!.keys())).to.have.property("code", "KEY_MISSING");
    });
  });

  describe("keys", () => {
    it("may be encrypted, with one password for all", async () => {
      write("weather.key", KEY);
      write("password", "correct horse battery");
      const line = "key import weather.json --from weather.key --password-file password";
      const args = [...line.split(" "), "--scrypt-cost", "10"];
      const { code, stderr } = await runCli(args, { cwd: folder });
      expect(code, stderr).to.equal(0);
      services(entry({ serviceKeyFile: "weather.json" }));
      const [opened] = await source(path.join(folder, "password")).read();
      expect((await opened!.keys()).serviceKey).to.equal(KEY);
      const [closed] = await source().read();
      expect(await failureOf(closed!.keys())).to.have.property("code", "KEY_PASSWORD_MISSING");
    });

    it("are opened for each service by itself, again at each attempt", async () => {
      services(
        entry({ previousServiceKeyFiles: ["old.key"] }),
        entry({ service: 8, listen: "127.0.0.1:8081", serviceKeyFile: "8.key" }),
      );
      write("old.key", OTHER_KEY);
      write("8.key", OTHER_KEY);
      chmodSync(path.join(folder, "8.key"), 0o644);
      const [weather, other] = await source().read();
      const refused = failureOf(other!.keys());
      expect(await weather!.keys()).to.deep.equal({ serviceKey: KEY, previousKeys: [OTHER_KEY] });
      expect(await refused).to.have.property("code", "KEY_FILE_OPEN");
      chmodSync(path.join(folder, "8.key"), 0o600);
      expect(await other!.keys()).to.deep.equal({ serviceKey: OTHER_KEY, previousKeys: [] });
    });
  });
});
