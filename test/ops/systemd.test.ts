import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { createProgram } from "../../src/cli/program.ts";
import { processIo } from "../../src/cli/framework/io.ts";

const root = path.join(import.meta.dirname, "../..");
/** What our units may say, by section (systemd.unit, systemd.exec, systemd.service, systemd 250 and newer). */
const KEYS: Record<string, readonly string[]> = {
  Unit: ["After", "Description", "Documentation", "Wants"],
  Service: [
    ...[
      "EnvironmentFile",
      "ExecStart",
      "LoadCredential",
      "Restart",
      "RestartSec",
      "TimeoutStopSec",
    ],
    ...["Type", "WorkingDirectory", "DynamicUser", "StateDirectory", "StateDirectoryMode", "UMask"],
    ...["AmbientCapabilities", "CapabilityBoundingSet", "LimitCORE", "LimitNOFILE", "MemoryMax"],
    ...["LockPersonality", "NoNewPrivileges", "PrivateDevices", "PrivateTmp", "PrivateUsers"],
    ...["ProtectClock", "ProtectControlGroups", "ProtectHome", "ProtectHostname", "ProtectProc"],
    ...["ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectSystem"],
    ...["RemoveIPC", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime"],
    ...["RestrictSUIDSGID", "SystemCallArchitectures", "SystemCallErrorNumber", "SystemCallFilter"],
  ],
  Install: ["WantedBy"],
};
/** Without these a unit is not hardened. */
const REQUIRED = {
  DynamicUser: "yes",
  NoNewPrivileges: "yes",
  ProtectSystem: "strict",
  ProtectHome: "yes",
  PrivateTmp: "yes",
  CapabilityBoundingSet: "",
  Restart: "on-failure",
  UMask: "0077",
};

interface Setting {
  section: string;
  key: string;
  value: string;
}

function parseUnit(text: string): Setting[] {
  let section = "";
  return text.split("\n").flatMap((line) => {
    const head = /^\[(\w+)\]$/.exec(line);
    if (head) section = head[1] ?? "";
    if (head || /^(#.*)?$/.test(line)) return [];
    const [, key, value] = /^(\w+)=(.*)$/.exec(line) ?? expect.fail(`no setting: ${line}`);
    return [{ section, key: key ?? "", value: value ?? "" }];
  });
}

const { program } = createProgram(processIo());

for (const file of globSync("ops/systemd/*.service", { cwd: root })) {
  describe(file, () => {
    const text = readFileSync(path.join(root, file), "utf8");
    const settings = parseUnit(text);
    const values = (key: string) =>
      settings.filter((each) => each.key === key).map(({ value }) => value);
    const worker = /blockcloud-(\w+)\.service$/.exec(file)?.[1] ?? "";

    it("says what systemd knows, in the section where it belongs", () => {
      const unknown = settings.filter(({ section, key }) => KEYS[section]?.includes(key) !== true);
      expect(unknown).to.deep.equal([]);
    });

    it("is hardened, and starts again after a failure", () => {
      for (const [key, value] of Object.entries(REQUIRED)) {
        expect(values(key), key).to.deep.equal([value]);
      }
    });

    it("runs a command that there is, with flags that it has, and keeps secrets out of it", () => {
      const [line = ""] = values("ExecStart");
      const [node, script, ...words] = line.split(" ");
      expect(node).to.equal("/opt/blockcloud/node_modules/node/bin/node");
      expect(script).to.equal("bin/blockcloud");
      expect(words.slice(0, 2)).to.deep.equal([worker, "run"]);
      const command = program.commands
        .find((each) => each.name() === worker)
        ?.commands.find((each) => each.name() === "run");
      const flags = command?.options.map(({ long }) => long);
      const used = words.filter((word) => word.startsWith("--"));
      expect(flags).to.include.members(used);
      expect(used).to.include.members(["--state", "--metrics"]);
      expect(used).not.to.include("--rpc");
      expect(line).to.contain("--metrics 127.0.0.1:");
    });

    it("reads each key from a credential that it loads, and its state from its own folder", () => {
      const loaded = values("LoadCredential").map((value) => value.split(":")[0]);
      const [line = ""] = values("ExecStart");
      const read = [...line.matchAll(/%d\/(\S+)/g)].map(([, name]) => name);
      expect(read).to.deep.equal(loaded);
      expect(line).to.contain(`--state %S/${values("StateDirectory")[0] ?? ""}`);
    });

    it("names variables that the command reads", () => {
      const named = [...text.matchAll(/^# {3}(BLOCKCLOUD_\w+)=/gm)].map(([, name]) => name ?? "");
      expect(named).to.include.members(["BLOCKCLOUD_NETWORK", "BLOCKCLOUD_RPC"]);
      const command = program.commands
        .find((each) => each.name() === worker)
        ?.commands.find((each) => each.name() === "run");
      const help = command?.helpInformation() ?? "";
      for (const name of named) expect(help).to.match(new RegExp(`\\b${name}\\b`));
    });

    it("passes systemd's own check, where there is systemd", function () {
      const check = spawnSync("systemd-analyze", ["verify", "--man=no", path.join(root, file)], {
        encoding: "utf8",
      });
      if (check.error) this.skip();
      // The software is not in /opt here.
      const complaints = check.stderr
        .split("\n")
        .filter((each) => !/ is not executable: |^$/.test(each));
      expect(complaints).to.deep.equal([]);
    });
  });
}
