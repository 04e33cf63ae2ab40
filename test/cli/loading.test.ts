import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { loadedBy, loadedWith } from "../support/loadedModules.ts";

describe("what a command loads", function () {
  this.timeout(120_000);

  const light: readonly (readonly [args: readonly string[], code: number, says: RegExp])[] = [
    [["--help"], 0, /^Usage: blockcloud /],
    [["--version"], 0, /^\d+\.\d+\.\d+\n$/],
    [["service", "--help"], 0, /^Usage: blockcloud service /],
    [["help", "service"], 0, /^Usage: blockcloud service /],
    [["completion", "bash"], 0, /^_blockcloud\(\) /],
    [["completion", "fish"], 0, /^complete -c blockcloud /],
    [["sevrice"], 2, /^$/],
    [["service", "regster"], 2, /^$/],
  ];
  for (const [args, code, says] of light) {
    it(`blockcloud ${args.join(" ")}: nothing but the parser of command lines`, async () => {
      const loaded = await loadedBy(args);
      expect(loaded.code).to.equal(code);
      expect(loaded.stdout).to.match(says);
      expect(loaded.packages).to.deep.equal(["commander"]);
      expect(loaded.own).to.include("cli/program.ts");
    });
  }

  it("a command's own help: that command, no other, and no worker", async () => {
    const { own, packages, stdout } = await loadedBy(["provider", "run", "--help"]);
    expect(stdout).to.match(/^Usage: blockcloud provider run /);
    expect(commandsIn(own)).to.deep.equal([
      "cli/provider/agent.ts",
      "cli/provider/chooseServices.ts",
      "cli/provider/flags.ts",
      "cli/provider/gatewayFlags.ts",
      "cli/provider/payFlags.ts",
      "cli/provider/payLimitFlags.ts",
      "cli/provider/relayFlags.ts",
      "cli/provider/replicaFlags.ts",
      "cli/provider/run.ts",
      "cli/provider/salFlags.ts",
      "cli/provider/servicesFile.ts",
      "cli/provider/servingFlags.ts",
    ]);
    expect(own.filter((file) => /^(auditor|keeper|provider|resolver)\//.test(file))).to.deep.equal(
      [],
    );
    expect(packages.filter((name) => /libp2p|^ethers$/.test(name))).to.deep.equal([]);
  });

  it("a command that sends transactions: no log, and nothing of the record network", async () => {
    const { packages } = await loadedBy(["service", "register", "--help"]);
    expect(packages).to.include("viem");
    expect(
      packages.filter((name) => /libp2p|^(ethers|pino|prom-client)$/.test(name)),
    ).to.deep.equal([]);
  });

  it("help of a command, by the word help", async () => {
    const { own, stdout } = await loadedBy(["service", "help", "list"]);
    expect(stdout).to.match(/^Usage: blockcloud service list /);
    expect(commandsIn(own)).to.deep.equal(["cli/service/list.ts"]);
  });

  it("with a configuration file: the flags of other commands, not the commands", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "loading-"));
    try {
      writeFileSync(path.join(folder, "blockcloud.json"), '{"keeper":{"unpaid":"0.1"},"x":1}');
      const { own, code } = await loadedBy(["table", "list"], { cwd: folder });
      expect(code).to.equal(2);
      expect(commandsIn(own).filter((file) => !/flags\.ts$/i.test(file))).to.deep.equal([
        "cli/table/list.ts",
        "cli/table/withTable.ts",
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const workers = [
    {
      name: "provider",
      modules: [
        "cli/provider/replicaFlags.ts",
        "cli/provider/run.ts",
        "provider/createProvider.ts",
      ],
      needs: ["libp2p", "viem"],
      leaves: /^(auditor|keeper|resolver)\//,
    },
    {
      name: "auditor",
      modules: ["cli/auditor/run.ts", "auditor/createAuditor.ts"],
      needs: ["libp2p", "viem"],
      leaves: /^(provider|keeper|resolver\/(http|dns))\//,
    },
    {
      name: "keeper",
      modules: ["cli/keeper/run.ts", "keeper/createKeeper.ts"],
      needs: ["viem"],
      leaves: /^(provider|auditor|coral|resolver)\//,
    },
  ];
  for (const { name, modules, needs, leaves } of workers) {
    it(`blockcloud ${name} run: no other worker, and nothing for what it is not asked to do`, async () => {
      const { own, packages } = await loadedWith(...modules);
      expect(own).to.include.members(modules);
      expect(packages).to.include.members(needs);
      expect(own.filter((file) => leaves.test(file))).to.deep.equal([]);
      // Encrypted keys, a web server for metrics, prompts.
      for (const unneeded of ["ethers", "@clack/prompts"]) {
        expect(packages).not.to.include(unneeded);
      }
    });
  }
});

/** Files of commands among our own. */
function commandsIn(own: readonly string[]): string[] {
  return own.filter((file) => /^cli\/(?!(commands|framework|show)\/).+\//.test(file));
}
