import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadProgram } from "../../src/cli/program.ts";
import { exitCodes } from "../../src/cli/framework/exitCodes.ts";
import { processIo } from "../../src/cli/framework/io.ts";
import { parseUnit } from "../support/units.ts";

const root = path.join(import.meta.dirname, "../..");
/** What our units may say, by section (systemd.unit, systemd.exec, systemd.service, systemd 250 and newer). */
const KEYS: Record<string, readonly string[]> = {
  Unit: ["After", "Description", "Wants"],
  Service: [
    ...[
      "EnvironmentFile",
      "ExecReload",
      "ExecStart",
      "LoadCredential",
      "Restart",
      "RestartSec",
      "RestartPreventExitStatus",
      "TimeoutStopSec",
    ],
    ...[
      "Type",
      "WorkingDirectory",
      "DynamicUser",
      "User",
      "StateDirectory",
      "StateDirectoryMode",
      "UMask",
    ],
    ...["AmbientCapabilities", "CapabilityBoundingSet", "LimitCORE", "LimitNOFILE", "MemoryMax"],
    ...["LockPersonality", "NoNewPrivileges", "PrivateDevices", "PrivateTmp", "PrivateUsers"],
    ...["ProtectClock", "ProtectControlGroups", "ProtectHome", "ProtectHostname", "ProtectProc"],
    ...["ProtectKernelLogs", "ProtectKernelModules", "ProtectKernelTunables", "ProtectSystem"],
    ...["RemoveIPC", "RestrictAddressFamilies", "RestrictNamespaces", "RestrictRealtime"],
    ...["RestrictSUIDSGID", "SystemCallArchitectures", "SystemCallErrorNumber", "SystemCallFilter"],
  ],
  Install: ["WantedBy"],
};
/** Exit codes after which a unit is not tried again: a wrong setting, and of `expose` a question that nobody answers. */
const LEFT_ENDED = {
  run: String(exitCodes.usage),
  expose: `${exitCodes.usage} ${exitCodes.refused}`,
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

const { program } = await loadProgram(processIo());

for (const file of globSync("ops/systemd/*.service", { cwd: root })) {
  describe(file, () => {
    const text = readFileSync(path.join(root, file), "utf8");
    const settings = parseUnit(text);
    const values = (key: string) =>
      settings.filter((each) => each.key === key).map(({ value }) => value);
    const worker = /blockcloud-(\w+)@?\.service$/.exec(file)?.[1] ?? "";
    const isExpose = worker === "expose";
    const named = program.commands.find((each) => each.name() === worker);
    const command = isExpose ? named : named?.commands.find((each) => each.name() === "run");

    it("says what systemd knows, in the section where it belongs", () => {
      const unknown = settings.filter(({ section, key }) => KEYS[section]?.includes(key) !== true);
      expect(unknown).to.deep.equal([]);
    });

    it("is hardened, and starts again after a failure", () => {
      for (const [key, value] of Object.entries(REQUIRED)) {
        expect(values(key), key).to.deep.equal([value]);
      }
      const left = isExpose ? LEFT_ENDED.expose : LEFT_ENDED.run;
      expect(values("RestartPreventExitStatus")).to.deep.equal([left]);
    });

    it("runs a command that there is, with flags that it has, and keeps secrets out of it", () => {
      const [line = ""] = values("ExecStart");
      // By its name alone: which folder npm puts it into differs by how Node was installed.
      const [name, ...words] = line.split(" ");
      expect(name).to.equal("blockcloud");
      expect(words.slice(0, 2)).to.deep.equal([worker, isExpose ? "${PORT}" : "run"]);
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
      const help = command?.helpInformation() ?? "";
      for (const name of named) expect(help).to.match(new RegExp(`\\b${name}\\b`));
    });

    it("passes systemd's own check, where there is systemd", function () {
      // systemd looks for the command in its own folders; this checkout is in none of them.
      const folder = mkdtempSync(path.join(tmpdir(), "systemd-"));
      const copy = path.join(folder, path.basename(file));
      const command = path.join(root, "bin/blockcloud");
      writeFileSync(copy, text.replace("ExecStart=blockcloud ", `ExecStart=${command} `));
      const check = spawnSync("systemd-analyze", ["verify", "--man=no", copy], {
        encoding: "utf8",
      });
      rmSync(folder, { recursive: true });
      if (check.error) this.skip();
      expect([check.stderr, check.status]).to.deep.equal(["", 0]);
    });
  });
}
