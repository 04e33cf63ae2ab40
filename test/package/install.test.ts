import { expect } from "chai";
import { existsSync, globSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { commandsOfPage, InstallRig } from "../support/installRig.ts";

/** Blocks of docs/install.md that are not run, by how they begin. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "apt-get install -y ca-certificates": "changes this machine's packages, and needs NodeSource",
  "NODE=node-v24": "needs nodejs.org",
  "apt-get install -y --no-install-recommends": "changes this machine's packages",
  "journalctl -u blockcloud-coral": "needs systemd's journal; the test reads the worker's output",
  "npm config set": "names a proxy and a mirror that do not exist",
  "podman build": "needs a container engine and a base image; see test/ops/container.test.ts",
  "podman run --rm": "the same",
};

const blocks = commandsOfPage();
const reasonOf = (code: string) =>
  Object.entries(NOT_RUN).find(([beginning]) => code.startsWith(beginning))?.[1];

describe("docs/install.md, followed in a folder that stands for the machine", function () {
  this.timeout(900_000);

  const unit = "blockcloud-coral";
  const followed = new Set<(typeof blocks)[number]>();
  let machine: InstallRig;
  let peerId: unknown;
  before(async () => {
    machine = await InstallRig.start();
  });
  after(() => machine.stop());

  /** Runs the blocks under a heading that can be run, from one to another; what the last one printed. */
  async function follow(heading: string, from = 0, to?: number): Promise<string> {
    const those = blocks.filter((block) => block.heading === heading).slice(from, to);
    expect(those, heading).not.to.have.length(0);
    let printed = "";
    for (const block of those.filter(({ code }) => reasonOf(code) === undefined)) {
      printed = await machine.follow(block.code);
      followed.add(block);
    }
    return printed;
  }

  const peer = async () => (await machine.unit(unit).logged("coral listens")).peerId;
  const version = async () => (await machine.shell("blockcloud --version")).stdout.trim();

  it("needs Node 24", async () => {
    expect(await follow("Node 24")).to.match(/^v24\./);
  });

  it("installs the tarball as a global package with its command", async () => {
    expect(await follow("The package")).to.match(/^0\.1\.0$/m);
  });

  it("writes settings with which the doctor finds nothing wrong", async () => {
    expect(await follow("Settings")).to.contain("ok");
  });

  it("starts the unit, which is healthy", async () => {
    await follow("Start", 0, 2);
    peerId = await peer();
    expect(peerId).to.be.a("string");
    const health = JSON.parse(await follow("Start", 2)) as { ok: boolean };
    expect(health.ok).to.equal(true);
  });

  it("starts a unit with an encrypted key, which it reads from its credential", async () => {
    expect(await follow("Other workers")).to.match(/\b0x[0-9a-fA-F]{40}\n$/);
    await machine.systemctl(
      "systemctl link $(npm root -g)/blockcloud/ops/systemd/blockcloud-keeper.service",
    );
    await machine.systemctl("systemctl start blockcloud-keeper");
    await machine.unit("blockcloud-keeper").logged("keeper started");
    expect(await machine.unit("blockcloud-keeper").stop()).to.equal(0);
  });

  it("ends with the exit code that systemd does not restart, when a setting is wrong", async () => {
    const keeper = await machine.shell(
      "sed -i s/BLOC_PRICE=.*/BLOC_PRICE=cheap/ /etc/blockcloud/keeper.env",
    );
    expect(keeper.code).to.equal(0);
    const again = machine.launch("blockcloud-keeper");
    expect(await again.ended()).to.equal(2);
    expect(again.stderr).to.match(/^CONFIG_INVALID: /);
  });

  it("upgrades, and the node is the one it was", async () => {
    await follow("Upgrade");
    expect(await version()).to.equal("0.2.0");
    expect(await peer()).to.equal(peerId);
  });

  it("rolls back, and the node is still the one it was", async () => {
    await follow("Roll back", 0, 3);
    expect(await version()).to.equal("0.1.0");
    expect(await peer()).to.equal(peerId);
  });

  it("refuses state of a newer version, leaves it alone, and starts from the backup", async () => {
    await follow("Roll back", 3, 4);
    const state = machine.place("var/lib", unit);
    const [name = ""] = globSync("coral-*.sqlite", { cwd: state });
    const file = `${state}/${name}`;
    const database = new DatabaseSync(file);
    const known = Number(database.prepare("PRAGMA user_version").get()?.user_version);
    database.exec(`PRAGMA user_version = ${known + 1}`);
    database.close();
    const before = readFileSync(file);

    const refused = machine.launch(unit);
    expect(await refused.ended()).to.equal(1);
    expect(refused.stderr).to.match(/^STORE_TOO_NEW: /);
    expect(readFileSync(file).equals(before)).to.equal(true);

    await follow("Roll back", 4);
    expect(await peer()).to.equal(peerId);
  });

  it("leaves settings, keys and state where they are when it is removed", async () => {
    const kept = () =>
      globSync(["etc/**/*", "var/**/*.{key,sqlite,backup}"], { cwd: machine.folder });
    const before = kept().sort();
    await follow("Remove");
    expect(kept().sort()).to.deep.equal(before);
    expect(existsSync(machine.place("prefix/bin/blockcloud"))).to.equal(false);
  });

  it("installs from a tree that another machine made", async () => {
    expect(await follow("Without a network")).to.match(/^0\.1\.0$/m);
  });

  it("runs every command of the page, but those that say why not", () => {
    const left = blocks.filter((block) => !followed.has(block));
    expect(left.filter(({ code }) => reasonOf(code) === undefined)).to.deep.equal([]);
    const begun = Object.keys(NOT_RUN).filter(
      (beginning) => left.filter(({ code }) => code.startsWith(beginning)).length !== 1,
    );
    expect(begun, "reasons without a block").to.deep.equal([]);
  });
});
