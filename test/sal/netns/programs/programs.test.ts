import { expect } from "chai";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { MappedHost } from "./mappedHost.ts";
import { NAME, UPSTREAMS } from "./messages.ts";

/** Where a program is; empty if it is not installed. */
const where = (file: string) =>
  spawnSync("sh", ["-c", `PATH=$PATH:/usr/sbin:/usr/lib/git-core command -v ${file}`])
    .stdout.toString()
    .trim();

/** A test that needs programs, and says which of them are missing. */
function needs(programs: readonly string[], title: string, body: () => Promise<void>): void {
  const missing = programs.filter((file) => where(file) === "");
  if (missing.length === 0) it(title, body);
  else it.skip(`${title}: ${missing.join(" and ")} not installed here`);
}

const isPossible = MappedHost.isPossible;
const place = isPossible ? "" : ": no namespaces may be created here";

/** Debian's user without rights. */
const NOBODY = 65_534;

describe(`programs as they are reach a service by its name, in a network namespace${place}`, function () {
  this.timeout(60_000);
  let host: MappedHost;

  before(async function () {
    if (!isPossible) this.skip();
    host = new MappedHost();
    await host.start();
  });
  after(() => host?.stop());

  /** Runs a program that must succeed. */
  async function run(...command: string[]): Promise<string> {
    const { exit, stdout, stderr } = await host.run(command);
    expect(exit, stderr).to.equal(0);
    return stdout;
  }

  /** Runs a daemon for a test; it ends with the shell. */
  const during = (daemon: string, program: string) =>
    `${daemon} & daemon=$!; trap 'kill $daemon' EXIT; ${program}`;
  /** Waits until something listens. */
  const listens = (port: number) =>
    `until node -e "require('net').connect(${port},'127.0.0.1').on('connect',()=>process.exit(0)).on('error',()=>process.exit(1))"; do :; done`;

  needs(["curl"], "curl", async () => {
    expect(await run("curl", "-sS", `http://${NAME}/forecast`)).to.equal(
      `the forecast, by ${NAME}\n`,
    );
    expect(await run("curl", "-sS", "http://roof.weather.bloc.internal/")).to.equal(
      "the forecast, by roof.weather.bloc.internal\n",
    );
  });

  needs(["curl"], "not another user's, if the proxy has an identity", async () => {
    const { exit, stdout } = await host.run(["curl", "-sS", `http://${NAME}/`], NOBODY);
    // Refused by a reset: the proxy has read nothing.
    expect([55, 56]).to.include(exit);
    expect(stdout).to.equal("");
  });

  it("getent, as every program of the C library", async () => {
    expect(await run("getent", "ahosts", NAME)).to.match(/^127\.77\.0\.\d+\s+STREAM/);
    const none = await host.run(["getent", "ahosts", "nowhere.bloc.alt"]);
    expect(none.exit).to.equal(2);
  });

  needs(["psql"], "psql", async () => {
    const rows = await run("psql", "-At", "-h", NAME, "-U", "me", "-d", "db", "-c", "SELECT 'x'");
    expect(rows).to.equal("SELECT 'x'\n");
  });

  needs(["git", "git-daemon"], "git, by its own protocol", async () => {
    const served = path.join(host.folder, "served");
    commit(path.join(served, "weather"));
    const daemon = `git daemon --reuseaddr --export-all --listen=127.0.0.1 --port=${UPSTREAMS.git} --base-path=${served}`;
    const into = path.join(host.folder, "cloned");
    const clone = `git -c safe.directory='*' clone -q git://${NAME}/weather ${into}`;
    await run(
      "sh",
      "-c",
      during(`${daemon} >/dev/null 2>&1`, `${listens(UPSTREAMS.git)}; ${clone}`),
    );
    expect(readFileSync(path.join(into, "forecast"), "utf8")).to.equal("rain\n");
  });

  needs(["ssh", "sshd", "git"], "ssh, and git over it, with no setting", async () => {
    const daemon = prepareSsh(host.folder, where("sshd"));
    expect(
      await run(
        "sh",
        "-c",
        during(daemon, `${listens(UPSTREAMS.ssh)}; ssh ${NAME} echo in the roof`),
      ),
    ).to.equal("in the roof\n");
    commit(path.join(host.folder, "home/weather"));
    const into = path.join(host.folder, "by-ssh");
    const clone = `git clone -q ${NAME}:weather ${into}`;
    await run("sh", "-c", during(daemon, `${listens(UPSTREAMS.ssh)}; ${clone}`));
    expect(readFileSync(path.join(into, "forecast"), "utf8")).to.equal("rain\n");
  });
});

/** A repository with one file. */
function commit(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "forecast"), "rain\n");
  const git = (...args: string[]) =>
    execFileSync("git", ["-C", folder, "-c", "user.name=a", "-c", "user.email=a@b", ...args]);
  git("init", "-q");
  git("add", "forecast");
  git("commit", "-qm", "a forecast");
}

/** Keys of a server and a user who know each other; the command of the server. */
function prepareSsh(folder: string, sshd: string): string {
  const user = path.join(folder, "home/.ssh/id_ed25519");
  const server = path.join(folder, "host_key");
  for (const file of [user, server])
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", file]);
  const known = readFileSync(`${server}.pub`, "utf8");
  writeFileSync(path.join(folder, "home/.ssh/known_hosts"), `${NAME} ${known}`);
  writeFileSync(path.join(folder, "authorized_keys"), readFileSync(`${user}.pub`));
  writeFileSync(
    path.join(folder, "sshd_config"),
    [
      `ListenAddress 127.0.0.1:${UPSTREAMS.ssh}`,
      `HostKey ${server}`,
      `AuthorizedKeysFile ${folder}/authorized_keys`,
      `PidFile ${folder}/sshd.pid`,
      "StrictModes no",
      "UsePAM no",
      "PermitRootLogin yes",
      "UseDNS no",
    ].join("\n"),
  );
  return `${sshd} -D -e -f ${folder}/sshd_config 2>${folder}/sshd.log`;
}
