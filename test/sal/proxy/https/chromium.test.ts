import { expect } from "chai";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  der,
  distinguishedName,
  extension,
  inContext,
  oids,
  pem,
  tags,
} from "../../../../src/node/der.ts";
import { signCertificate } from "../../../../src/node/x509.ts";
import { rawName } from "../../../../src/protocol/name.ts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";
import { Authority, createAuthority } from "../../../../src/sal/proxy/https/authority.ts";
import { Terminator } from "../../../../src/sal/proxy/https/terminator.ts";
import {
  installRoot,
  isInstalled,
  removeRoot,
} from "../../../../src/sal/proxy/https/trustPlaces.ts";
import { chromiumProgram, whyNoBrowser } from "../../../support/chromium.ts";
import { MappedRig } from "../../../support/mappedRig.ts";

const NAME = "weather.bloc.alt";
const files = createAuthority(Date.now());
/** Says what a page under its own name may do, and which other servers under the same authority can be reached. */
const page = (urls: readonly string[]) => `<!doctype html><script>
const reach = (url) => fetch(url, { mode: "no-cors" }).then(() => "reached", () => "refused");
Promise.all(${JSON.stringify(urls)}.map(reach)).then((others) =>
  fetch("/seen?" + [isSecureContext, typeof crypto.subtle, "serviceWorker" in navigator, ...others].join()));
</script>`;
const missing = [
  ...(whyNoBrowser() === undefined ? [] : ["chromium"]),
  ...(spawnSync("sh", ["-c", "command -v certutil"]).status === 0 ? [] : ["certutil"]),
];
const place = missing.length === 0 ? "" : `: ${missing.join(" and ")} not installed here`;

describe(`a page of proxy --https in Chromium${place}`, function () {
  this.timeout(60_000);
  let rig: MappedRig;
  let home: string;
  let browser: ChildProcess | undefined;

  before(async function () {
    if (missing.length > 0) this.skip();
    home = mkdtempSync(path.join(tmpdir(), "home-"));
    rig = new MappedRig();
    rig.terminator = new Terminator(new Authority(files), () => Date.now());
    try {
      await rig.start({ ports: [443] });
    } catch (error) {
      if (!(error instanceof BlockcloudError) || error.code !== "PROXY_MAP_LISTEN") throw error;
      this.skip();
    }
  });
  after(async () => {
    if (browser?.exitCode === null) {
      const exited = once(browser, "exit");
      browser.kill("SIGTERM");
      await exited;
    }
    await rig?.stop();
    if (home !== undefined) rmSync(home, { recursive: true, force: true });
  });

  it("is a secure context once the root is installed; the root vouches for no other name", async () => {
    const { root } = new Authority(files);
    const environment = { platform: process.platform, home };
    expect(await isInstalled(root, "browsers", environment)).to.equal(false);
    expect(await installRoot(root, "browsers", environment)).to.contain(home);
    expect(await isInstalled(root, "browsers", environment)).to.equal(true);

    // The same key has signed for both.
    const names = ["signed.bloc.alt", "evil.example"];
    const servers = await Promise.all(names.map(serve));
    const urls = names.map((name, at) => `https://${name}:${portOf(servers[at]!)}/`);
    const seen = Promise.withResolvers<string>();
    const serviceId = rig.service(NAME);
    await rig.proxy.http(rawName(serviceId), ({ url = "" }, response) => {
      if (url.startsWith("/seen?")) seen.resolve(decodeURIComponent(url.slice(6)));
      response.setHeader("Content-Type", "text/html");
      response.end(page(urls));
    });
    const address = await rig.address(NAME);
    try {
      browser = spawn(
        await chromiumProgram(),
        [
          ...["--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run"],
          `--user-data-dir=${path.join(home, "profile")}`,
          `--host-resolver-rules=${[`MAP ${NAME} ${address}`, ...names.map((name) => `MAP ${name} 127.0.0.1`)].join(", ")}`,
          `https://${NAME}/`,
        ],
        { stdio: "ignore", env: { ...process.env, HOME: home } },
      );
      expect(await seen.promise).to.equal("true,object,true,reached,refused");
    } finally {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    }
    expect(await removeRoot(root, "browsers", environment)).to.contain(home);
    expect(await isInstalled(root, "browsers", environment)).to.equal(false);
  });
});

/** A server with a certificate that a thief of the key on disk has signed. */
async function serve(name: string): Promise<Server> {
  const server = createServer(forge(name), (_, response) => response.end()).listen(0, "127.0.0.1");
  server.on("tlsClientError", () => {});
  await once(server, "listening");
  return server;
}

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** What a thief of the key on disk would sign. */
function forge(name: string): { cert: string; key: string } {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const mark = /CN=(.*)/.exec(new X509Certificate(files.issuer).subject)?.[1] ?? "";
  const names = der(tags.SEQUENCE, inContext(2, false, Buffer.from(name)));
  const day = 24 * 3600 * 1000;
  const signed = signCertificate(
    {
      issuer: distinguishedName([oids.organization, "Blockcloud"], [oids.commonName, mark]),
      subject: distinguishedName([oids.commonName, "x"]),
      ...{ from: Date.now() - day, until: Date.now() + day, publicKey },
      extensions: [extension(oids.subjectAltName, false, names)],
    },
    createPrivateKey(files.key),
  );
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { cert: pem(signed) + files.issuer, key };
}
