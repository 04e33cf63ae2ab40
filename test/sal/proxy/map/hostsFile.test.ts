import { expect } from "chai";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { replaceFile } from "../../../../src/node/replaceFile.ts";
import { readHostsFile } from "../../../../src/sal/proxy/map/hostsFile.ts";
import { expectCode } from "../../../support/expectCode.ts";

const DEBIAN = "127.0.0.1\tlocalhost\n127.0.1.1\thost.example host\n# a word\n::1 localhost\n";
const WEATHER = { address: "127.77.0.2", names: ["weather.bloc.alt", "weather.bloc.internal"] };
const ROOF = { address: "127.77.0.3", names: ["roof.weather.bloc.alt"] };

describe("lines in a hosts file", () => {
  it("stand in a block of their own, and the rest stays byte for byte", () => {
    const once = readHostsFile(DEBIAN).with([WEATHER]);
    expect(once.startsWith(DEBIAN)).to.equal(true);
    expect(once.slice(DEBIAN.length).split("\n")).to.deep.equal([
      "# blockcloud begin: written by `blockcloud proxy hosts`",
      "127.77.0.2 weather.bloc.alt weather.bloc.internal",
      "# blockcloud end",
      "",
    ]);
    expect(readHostsFile(once).lines).to.deep.equal([WEATHER]);
  });

  it("writing the same again changes nothing, and removing them leaves the file as it was", () => {
    const once = readHostsFile(DEBIAN).with([WEATHER, ROOF]);
    expect(readHostsFile(once).with([WEATHER, ROOF])).to.equal(once);
    expect(readHostsFile(once).with([])).to.equal(DEBIAN);
    const later = `${once}192.0.2.1 added.example\n`;
    expect(readHostsFile(later).with([])).to.equal(`${DEBIAN}192.0.2.1 added.example\n`);
  });

  it("names that other lines define are told", () => {
    const file = readHostsFile(`${DEBIAN}10.0.0.1 Weather.bloc.alt # mine\n`);
    expect(file.elsewhere("weather.bloc.alt")).to.equal("10.0.0.1");
    expect(file.elsewhere("mine")).to.equal(undefined);
    const own = readHostsFile(readHostsFile(DEBIAN).with([WEATHER]));
    expect(own.elsewhere("weather.bloc.alt")).to.equal(undefined);
  });

  it("a block whose marks do not match is left alone", () => {
    const whole = readHostsFile(DEBIAN).with([WEATHER]);
    for (const broken of [
      whole.replace("# blockcloud end\n", ""),
      whole.replace(/# blockcloud begin.*\n/, ""),
      whole + whole,
      whole.split("\n").reverse().join("\n"),
    ])
      expectCode("HOSTS_DAMAGED", () => readHostsFile(broken));
  });

  it("any file keeps all its bytes when the block comes and goes", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(!text.includes("# blockcloud"));
        const ends = text === "" || text.endsWith("\n") ? text : `${text}\n`;
        const written = readHostsFile(text).with([WEATHER]);
        expect(readHostsFile(written).with([])).to.equal(ends);
      }),
    );
  });
});

describe("replacing a file of the system", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "hosts-"));
    file = path.join(folder, "hosts");
    writeFileSync(file, DEBIAN);
    chmodSync(file, 0o644);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it("keeps its mode, its bytes beyond ASCII, and a copy", () => {
    chmodSync(file, 0o640);
    const copy = replaceFile(file, "\xe4\n", ".before");
    expect(readFileSync(file)).to.deep.equal(Buffer.of(0xe4, 0x0a));
    expect(readFileSync(copy, "utf8")).to.equal(DEBIAN);
    expect(statSync(file).mode & 0o777).to.equal(0o640);
  });

  it("keeps a link, and replaces its target", () => {
    const link = path.join(folder, "link");
    symlinkSync(file, link);
    replaceFile(link, "new\n", ".before");
    expect(readFileSync(file, "utf8")).to.equal("new\n");
    expect(readFileSync(link, "utf8")).to.equal("new\n");
  });

  it("a file that is missing is not made", () => {
    expectCode("FILE_NOT_REPLACED", () => replaceFile(path.join(folder, "none"), "x", ".before"));
  });

  it("stays as it was when the disk takes only a part of the new one", () => {
    // The system writes as much as fits, and calls that no error. Blocks of 1,024 bytes.
    const script = `ulimit -f 4 && exec "$2" --input-type=module -e '
      import { replaceFile } from "${path.resolve("src/node/replaceFile.ts")}";
      try { replaceFile(process.argv[1], "x".repeat(10_000), ".before"); } catch (error) { console.log(error.code); }
    ' "$1"`;
    const { stdout } = spawnSync("bash", ["-c", script, "bash", file, process.execPath]);
    expect(stdout.toString()).to.equal("FILE_NOT_REPLACED\n");
    expect(readFileSync(file, "utf8")).to.equal(DEBIAN);
  });

  it("a file that is mounted by itself stays as it was, with a word", function () {
    const script = `mount --bind "$1" "$1" && exec "$2" --input-type=module -e '
      import { replaceFile } from "${path.resolve("src/node/replaceFile.ts")}";
      try { replaceFile(process.argv[1], "new", ".before"); } catch (error) { console.log(error.code, error.remedy); }
    ' "$1"`;
    const args = ["--mount", "sh", "-c", script, "sh", file, process.execPath];
    const { status, stdout } = spawnSync("unshare", args);
    if (status !== 0) this.skip();
    expect(stdout.toString()).to.match(/^FILE_NOT_REPLACED It is mounted/);
    expect(readFileSync(file, "utf8")).to.equal(DEBIAN);
  });
});
