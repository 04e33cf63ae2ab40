import { expect } from "chai";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createAuthority, rootOf } from "../../../../src/sal/proxy/https/authority.ts";
import {
  installRoot,
  isInstalled,
  removeRoot,
  type TrustEnvironment,
} from "../../../../src/sal/proxy/https/trustPlaces.ts";
import { runCli } from "../../../support/cli.ts";
import { rejection } from "../../../support/rejection.ts";

const root = rootOf(createAuthority(Date.now()).root);

describe("where the proxy's authority is trusted", () => {
  let folder: string;
  let ran: string[];
  let environment: TrustEnvironment;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "trust-"));
    ran = [];
    environment = {
      ...{ platform: "linux", home: path.join(folder, "home"), root: folder },
      run: (file, args) => {
        ran.push([file, ...args].join(" "));
        return Promise.resolve();
      },
    };
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const debian = () => path.join(folder, "usr/local/share/ca-certificates");

  it("the system's list: one file, and it goes again", async () => {
    mkdirSync(debian(), { recursive: true });
    expect(await isInstalled(root, "system", environment)).to.equal(false);
    expect(await installRoot(root, "system", environment)).to.contain(debian());
    const [file = ""] = readdirSync(debian());
    expect(readFileSync(path.join(debian(), file), "utf8")).to.equal(root.certificate);
    expect(await isInstalled(root, "system", environment)).to.equal(true);
    expect(await removeRoot(root, "system", environment)).to.contain(file);
    expect(await removeRoot(root, "system", environment)).to.equal(undefined);
    expect(readdirSync(debian())).to.deep.equal([]);
    expect(ran).to.deep.equal(["update-ca-certificates", "update-ca-certificates --fresh"]);
  });

  it("a failure leaves nothing behind, and says what to do", async () => {
    mkdirSync(debian(), { recursive: true });
    const run = () => Promise.reject(Object.assign(new Error(), { code: 1 }));
    await rejection("PROXY_CA_PLACE", installRoot(root, "system", { ...environment, run }));
    expect(readdirSync(debian())).to.deep.equal([]);
  });

  it("a system without that list, and one without certutil, are told", async () => {
    await rejection("PROXY_CA_PLACE", installRoot(root, "system", environment));
    const run = (file: string) =>
      Promise.reject(Object.assign(new Error(), { code: "ENOENT", path: file }));
    const error = await rejection(
      "PROXY_CA_PLACE",
      installRoot(root, "browsers", { ...environment, run }),
    );
    expect(error.remedy).to.contain("libnss3-tools");
    expect(existsSync(environment.home)).to.equal(false);
  });

  it("nothing is installed by showing it, and remove deletes the files", async () => {
    const state = path.join(folder, "state");
    const cli = (...args: string[]) =>
      runCli(["proxy", "ca", ...args, "--state", state, "--json"], {
        env: { HOME: folder },
        cwd: folder,
      });
    const first = await cli("show");
    expect(first.json(), first.stderr).to.deep.include({ installed: [] });
    expect((await cli("show")).json().fingerprint).to.equal(first.json().fingerprint);
    expect(existsSync(path.join(folder, ".pki"))).to.equal(false);
    expect((await cli("remove")).json()).to.deep.equal({ removed: [] });
    expect(readdirSync(state).filter((file) => file.startsWith("proxy-ca"))).to.deep.equal([]);
    expect((await cli("remove")).code).to.equal(0);
    expect((await cli("dance")).code).to.equal(2);
  });
});
