import { expect } from "chai";
import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { runCli } from "../support/cli.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";

const root = path.join(import.meta.dirname, "../..");
/** Whether this user may mount a file system that only its own processes see. */
const canMount = spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "t", "/mnt"]).status === 0;

/** What each command prints, in the order of the commands, on a disk of two mebibytes. */
async function onDisk(
  rig: CliRig,
  { spoil, commands }: { spoil: string; commands: readonly string[] },
): Promise<string[]> {
  const disk = mkdtempSync(path.join(tmpdir(), "disk-"));
  const script = [
    `mount -t tmpfs -o size=2m tmpfs ${disk}`,
    `cp ${rig.folder}/*.key ${rig.folder}/devnet.json ${disk}`,
    `(umask 077; echo a-long-password > ${disk}/password)`,
    `cd ${disk}`,
    `${root}/bin/blockcloud table add 0x00/8 --drop --state kept > /dev/null`,
    spoil,
    ...commands.flatMap((command) => [
      `echo "--- ${command}"`,
      `${root}/bin/blockcloud ${command} 2>&1`,
    ]),
    "true",
  ];
  try {
    const { stdout } = await promisify(execFile)("unshare", ["-m", "sh", "-c", script.join("\n")], {
      env: {
        PATH: process.env.PATH,
        BLOCKCLOUD_RPC: rig.devnet.rpcUrl,
        BLOCKCLOUD_DEPLOYMENT: "devnet.json",
        NODE_NO_WARNINGS: "1",
      },
    });
    return stdout
      .split(/^--- .*\n/m)
      .slice(1)
      .map((text) => text.trim());
  } finally {
    rmSync(disk, { recursive: true });
  }
}

describe("commands on a disk that cannot be written", () => {
  let rig: CliRig;

  before(async function () {
    if (!canMount) this.skip();
    rig = await CliRig.start();
    await rig.cli(
      `service register --probe '${PROBE}' --wallet-key-file wallet.key --service-key-file service.key --yes`,
    );
    // Only a service that is active by now can take a label.
    await rig.epochs(2);
  });
  after(() => rig?.stop());

  const auditor = `--auditor ${parts.owner.address}`;
  const workers = (state: string) => [
    `provider run --service 1 --upstream http://127.0.0.1:1 --listen 127.0.0.1:0 --service-key-file service.key --wallet-key-file wallet.key --state ${state}`,
    `auditor run ${auditor} --operator-key-file operator.key --state ${state}`,
    `keeper run --bloc-price 1 --keeper-key-file stranger.key --state ${state}`,
    `coral run --coral-listen /ip4/127.0.0.1/tcp/0 --state ${state}`,
    `resolver run --http 127.0.0.1:0 --state ${state}`,
  ];
  const commands = [
    "table list --state kept",
    "table add 0x01/8 --drop --state kept",
    "table list --state new",
    "backup create copy.backup --state kept",
    "key new new.key --password-file password --scrypt-cost 10",
    "service label --service 1 --label weather --wallet-key-file wallet.key --yes --state new",
    ...workers("kept"),
    ...workers("new"),
  ];
  for (const [kind, spoil, word] of [
    ["full", "dd if=/dev/zero of=rest bs=4k 2> /dev/null", "full"],
    ["read-only", "mount -o remount,ro .", "read-only"],
  ] as const) {
    it(`that is ${kind} end with a code, the file and what to do, never with a stack`, async () => {
      const printed = await onDisk(rig, { spoil, commands });
      expect(printed).to.have.length(commands.length);
      printed.forEach((text, index) => {
        const command = commands[index] ?? "";
        const line = text.split("\n").at(-1) ?? "";
        expect(line, `${command}: ${text}`).to.match(/^[A-Z]+(_[A-Z]+)+: .+\. [A-Z].+\.$/);
        expect(line, command).to.contain(word);
        expect(text, command).not.to.match(/^ {4}at /m);
      });
    });
  }

  it("that is read-only still gives a backup of it, which says all that was committed", async () => {
    const copy = path.join(mkdtempSync(path.join(tmpdir(), "copy-")), "kept.backup");
    const [text = ""] = await onDisk(rig, {
      spoil: "mount -o remount,ro .",
      commands: [`backup create ${copy} --state kept`],
    });
    expect(text).to.contain("service-table.sqlite");
    const state = path.join(path.dirname(copy), "state");
    await runCli(["backup", "restore", copy, "--state", state]);
    const { stdout } = await runCli(["table", "list", "--state", state, "--json"]);
    rmSync(path.dirname(copy), { recursive: true });
    expect(JSON.parse(stdout).rules).to.have.length(2);
  });
});
