import { expect } from "chai";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startAnvil, type Anvil } from "../support/anvil.ts";

const root = path.join(import.meta.dirname, "../..");
/** Anvil's first account, which has ether on it and nowhere else. */
const DEPLOYER_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const GOVERNOR = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const SEPOLIA = 11_155_111;
const GATEWAY = "127.0.0.1:8080";
/** How far the chain's clock is moved at a time, seconds of an epoch of 3,600. */
const STEP_SECONDS = 30;
const STEP_MS = 150;

/** The commands of a section of the page, block by block. */
function commands(heading: string): string[] {
  const page = readFileSync(path.join(root, "docs/operations.md"), "utf8");
  const [, after = ""] = page.split(`\n${heading}\n`);
  const [section = ""] = after.split(/^#{2,3} /m);
  const blocks = [...section.matchAll(/^```sh\n([^]*?)^```$/gm)].map(([, block = ""]) => block);
  expect(blocks, heading).not.to.have.length(0);
  return blocks;
}

/** What a newcomer has after cloning and installing: the files, packages, compiled contracts. */
function clone(folder: string): void {
  const files = execFileSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" });
  for (const file of files.split("\0").filter((name) => name !== "" && !name.startsWith("test/"))) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    cpSync(path.join(root, file), path.join(folder, file));
  }
  for (const built of ["artifacts", "cache"]) {
    cpSync(path.join(root, built), path.join(folder, built), { recursive: true });
  }
  symlinkSync(path.join(root, "node_modules"), path.join(folder, "node_modules"));
}

/** One shell for all commands, as a person has it: what it exports and starts stays. */
class Shell {
  readonly #bash: ChildProcess;
  #said = "";
  #block = 0;
  #look: () => void = () => undefined;

  constructor(folder: string, env: Record<string, string>) {
    this.#bash = spawn("bash", ["-s"], {
      cwd: folder,
      env: { PATH: process.env.PATH, HOME: folder, ...env },
      stdio: ["pipe", "pipe", "pipe"],
      // A process group of its own: what runs in the background ends with it.
      detached: true,
    });
    for (const stream of [this.#bash.stdout, this.#bash.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said += text;
        this.#look();
      });
    }
  }

  /** Runs a block and gives what it printed; fails at the first command that does. */
  async run(block: string): Promise<string> {
    const end = `end of block ${++this.#block}`;
    this.#said = "";
    // Each block in a group with -e: a failed command ends the block, not the shell.
    this.#bash.stdin?.write(
      `set -e; trap 'echo "${end} $?"' EXIT\n${block}\ntrap - EXIT; set +e\n`,
    );
    this.#bash.stdin?.write(`echo "${end} 0"\n`);
    const pattern = new RegExp(`^${end} (\\d+)$`, "m");
    await new Promise<void>((resolve) => {
      this.#look = () => {
        if (pattern.test(this.#said)) resolve();
      };
      this.#look();
    });
    const [, status] = pattern.exec(this.#said) ?? [];
    expect(status, `${block}\n${this.#said}`).to.equal("0");
    return this.#said;
  }

  /** What the running block has printed. */
  get said(): string {
    return this.#said;
  }

  stop(): void {
    try {
      process.kill(-(this.#bash.pid ?? 0), "SIGKILL");
    } catch (error) {
      // A failed block has ended the shell and what it started.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

describe("the walk-through of docs/operations.md, on Anvil with Sepolia's ID", function () {
  this.timeout(600_000);
  // Each step stands on the one before.
  this.bail(true);
  let anvil: Anvil;
  let folder: string;
  let shell: Shell;
  /** Whether the chain's time runs faster than the world's. */
  let hurry = false;
  let driver: Promise<void>;
  let isOver = false;

  const section = async (heading: string) => {
    const said: string[] = [];
    for (const block of commands(heading)) said.push(await shell.run(block));
    return said;
  };
  /** A log, which is empty until its process has begun. */
  const log = (name: string) => {
    const file = path.join(folder, name);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  };
  const pause = (milliseconds: number) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));
  const until = async (what: string, condition: () => boolean) => {
    for (let tries = 0; !condition(); tries++) {
      if (tries > 4_000) throw new Error(`waited in vain until ${what}`);
      await pause(50);
    }
  };
  const pass = async (seconds: number) => {
    await anvil.request("evm_increaseTime", [seconds]);
    await anvil.request("evm_mine");
  };

  before(async () => {
    anvil = await startAnvil({ chainId: SEPOLIA, args: ["--block-time", "1"] });
    folder = await mkdtemp(path.join(tmpdir(), "blockcloud-walk-"));
    clone(folder);
    // The gateway is on this machine, where the page's is on the Internet.
    const loopback = { auditor: { allowLoopback: true } };
    writeFileSync(path.join(folder, "blockcloud.json"), JSON.stringify(loopback));
    shell = new Shell(folder, {
      SEPOLIA_RPC_URL: anvil.rpcUrl,
      SEPOLIA_DEPLOYER_KEY: DEPLOYER_KEY,
      DEPLOYER,
      GOVERNOR,
      ENDPOINT: `http://${GATEWAY}`,
    });
    driver = (async () => {
      while (!isOver) {
        if (hurry) await pass(STEP_SECONDS);
        await pause(STEP_MS);
      }
    })();
  });
  after(async () => {
    isOver = true;
    await driver;
    shell.stop();
    await anvil.stop();
    await rm(folder, { recursive: true, force: true });
  });

  it("deploys, and finds the deployment as the parameters say", async () => {
    const [said = ""] = await section("### Deploy");
    expect(said).to.match(/43 of 43 comparisons with what is on chain hold\nwritten to /);
    expect(said).to.match(/43 of 43 comparisons with what is on chain hold\nunchanged: /);
  });

  it("funds wallet, owner and operator, whose keys are encrypted", async () => {
    const [said = ""] = await section("### Fund");
    expect(said).to.match(/got 2100 BLOC and 0.02 ether/);
    expect(JSON.parse(log("keys/wallet.json"))).to.have.property("version", 3);
  });

  it("registers a service by the command, and another by a contract call", async () => {
    const [byCommand = "", byCall = ""] = await section("### Register a service");
    expect(byCommand).to.match(/^service 1, owned by 0x/m);
    expect(byCall).to.contain(`service 2n of ${DEPLOYER}`);
  });

  it("runs a provider", async () => {
    await section("### Run a provider");
    await until("the provider has announced its endpoint", () =>
      log("provider.log").includes("endpoint announced"),
    );
  });

  it("runs an auditor, which audits, earns and is paid; the provider too", async () => {
    await section("### Run an auditor");
    hurry = true;
    await until("a round is claimed", () => log("auditor.log").includes("round claimed"));
    await until(
      "an epoch is settled with EXCELLENT",
      () =>
        /"epoch settled"[^\n]*|"grade":3/.test(log("provider.log")) &&
        log("provider.log").includes('"grade":3'),
    );
    hurry = false;
  });

  it("shows what was earned", async () => {
    const [said = ""] = await section("### Look, and earn");
    expect(said).to.contain("EXCELLENT");
  });

  it("leaves with stake and pay", async () => {
    const leaving = section("### Leave");
    hurry = true;
    await until("the stake unbonds", () => /withdraw|unbond/i.test(shell.said));
    await pass(1_209_600);
    const watch = setInterval(() => {
      void pass(1_209_600);
    }, 20_000);
    const [said = ""] = await leaving.finally(() => {
      clearInterval(watch);
    });
    expect(said).to.match(/withdr/i);
  });
});
