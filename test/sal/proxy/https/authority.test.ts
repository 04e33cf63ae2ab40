import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { createPrivateKey, generateKeyPairSync, X509Certificate } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { connect, createServer } from "node:tls";
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
import {
  Authority,
  createAuthority,
  type AuthorityFiles,
} from "../../../../src/sal/proxy/https/authority.ts";
import {
  authorityPlaces,
  deleteAuthority,
  openAuthority,
} from "../../../../src/sal/proxy/https/authorityStore.ts";
import { expectCode } from "../../../support/expectCode.ts";

const DAY_MS = 24 * 3600 * 1000;
const now = Date.now();
const openssl = spawnSync("openssl", ["version"]).status === 0;
const curl = spawnSync("curl", ["--version"]).status === 0;

/** What a thief of the key on disk would sign: a certificate for any names and addresses. */
function forge(files: AuthorityFiles, alternatives: Buffer[], commonName = "x") {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const issuer = new X509Certificate(files.issuer);
  const mark = /CN=(.*)/.exec(issuer.subject)?.[1] ?? "";
  const signed = signCertificate(
    {
      issuer: distinguishedName([oids.organization, "Blockcloud"], [oids.commonName, mark]),
      subject: distinguishedName([oids.commonName, commonName]),
      ...{ from: now - DAY_MS, until: now + DAY_MS, publicKey },
      extensions:
        alternatives.length === 0
          ? [extension(oids.basicConstraints, true, der(tags.SEQUENCE))]
          : [extension(oids.subjectAltName, false, der(tags.SEQUENCE, ...alternatives))],
    },
    createPrivateKey(files.key),
  );
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  return { cert: pem(signed), key };
}

const dns = (name: string) => inContext(2, false, Buffer.from(name));
const address = (...bytes: number[]) => inContext(7, false, Buffer.from(bytes));

describe("the proxy's certificate authority", () => {
  let folder: string;
  let files: AuthorityFiles;

  before(() => {
    files = createAuthority(now);
  });
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "ca-"));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  /** What `openssl verify` says of a certificate. */
  function verify(
    cert: string,
    { withRoot = files.root, chain = files.issuer, how = [] as string[] } = {},
  ) {
    const file = (name: string, text: string) => {
      writeFileSync(path.join(folder, name), text);
      return path.join(folder, name);
    };
    const [root, issuer] = [file("root", withRoot), file("issuer", chain)];
    const args = [...how, "-purpose", "sslserver", "-CAfile", root, "-untrusted", issuer];
    const { status, stdout, stderr } = spawnSync("openssl", ["verify", ...args, file("c", cert)]);
    const text = `${stdout.toString()}${stderr.toString()}`;
    return { ok: status === 0, error: Number(/error (\d+) /.exec(text)?.[1] ?? 0), text };
  }

  it("names a service in both zones, and openssl accepts the chain", function () {
    if (!openssl) this.skip();
    const { cert, key, until } = new Authority(files).leaf("Roof.weather.bloc.internal", now);
    const { ok, text } = verify(cert, { how: ["-x509_strict"] });
    expect(ok, text).to.equal(true);
    const leaf = new X509Certificate(cert);
    expect(leaf.subjectAltName).to.equal(
      "DNS:roof.weather.bloc.alt, DNS:roof.weather.bloc.internal",
    );
    expect(leaf.checkPrivateKey(createPrivateKey(key))).to.equal(true);
    expect(until - now).to.equal(30 * DAY_MS);
    expectCode("NAME_INVALID", () => new Authority(files).leaf("evil.example", now));
  });

  const outside: Record<string, [Buffer[], number, string?]> = {
    "another name": [[dns("evil.example")], 47],
    "a name that ends alike": [[dns("notbloc.alt")], 47],
    "the zone above": [[dns("alt")], 47],
    "one good and one other name": [[dns("weather.bloc.alt"), dns("evil.example")], 47],
    "an IPv4 address": [[dns("weather.bloc.alt"), address(192, 0, 2, 1)], 48],
    "an IPv6 address": [[dns("weather.bloc.alt"), address(...Array<number>(16).fill(1))], 48],
    "another name as common name only": [[], 47, "evil.example"],
  };
  for (const [kind, [names, code, commonName]] of Object.entries(outside)) {
    it(`${kind} is refused, though the key on disk has signed it`, function () {
      if (!openssl) this.skip();
      expect(verify(forge(files, names, commonName).cert)).to.include({ ok: false, error: code });
    });
  }

  it("the issuer is bound by itself: a program that ignores the root's constraint refuses, too", function () {
    if (!openssl) this.skip();
    // A chain that ends at the issuer.
    const { cert } = forge(files, [dns("evil.example")]);
    const trusted = { withRoot: files.issuer, how: ["-partial_chain"] };
    expect(verify(cert, trusted)).to.include({ ok: false, error: 47 });
    const good = new Authority(files).leaf("weather.bloc.alt", now);
    expect(verify(good.cert, trusted).ok).to.equal(true);
  });

  it("the issuer signs no further authority", function () {
    if (!openssl) this.skip();
    const second = createAuthority(now);
    expect(verify(second.issuer).ok).to.equal(false);
    const text = spawnSync("openssl", ["x509", "-noout", "-text"], { input: files.issuer });
    expect(text.stdout.toString()).to.match(/CA:TRUE, pathlen:0/);
  });

  it("Node and curl refuse a server outside of the zones", async function () {
    if (!curl) this.skip();
    const forged = forge(files, [dns("localhost")]);
    const server = createServer({ cert: forged.cert + files.issuer, key: forged.key }, (socket) => {
      socket.on("error", () => {});
      socket.end();
    }).listen(0, "127.0.0.1");
    server.on("tlsClientError", () => {});
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    try {
      const socket = connect({ host: "127.0.0.1", port, servername: "localhost", ca: files.root });
      const [error] = (await once(socket, "error")) as [NodeJS.ErrnoException];
      // OpenSSL's X509_V_ERR_PERMITTED_VIOLATION, for which Node has no code.
      expect(error.message).to.equal("permitted subtree violation");
      writeFileSync(path.join(folder, "root.crt"), files.root);
      const args = ["-q", "--cacert", path.join(folder, "root.crt"), `https://localhost:${port}/`];
      const { promise, resolve } = Promise.withResolvers<number | null>();
      const { spawn } = await import("node:child_process");
      spawn("curl", args, { stdio: "ignore" }).once("close", resolve);
      // CURLE_PEER_FAILED_VERIFICATION.
      expect(await promise).to.equal(60);
    } finally {
      server.close();
    }
  });

  it("is made once in a state folder; its key is the user's, and the root's was never there", () => {
    const first = openAuthority(folder, now);
    const { key, root, issuer } = authorityPlaces(folder);
    expect(statSync(key).mode & 0o777).to.equal(0o600);
    expect(openAuthority(folder, now).root.fingerprint).to.equal(first.root.fingerprint);
    expect(
      new X509Certificate(readFileSync(root)).checkPrivateKey(createPrivateKey(readFileSync(key))),
    ).to.equal(false);
    expect(
      new X509Certificate(readFileSync(issuer)).checkIssued(
        new X509Certificate(readFileSync(root)),
      ),
    ).to.equal(true);
    deleteAuthority(folder);
    expect([key, root, issuer].some(existsSync)).to.equal(false);
    expect(openAuthority(folder, now).root.fingerprint).not.to.equal(first.root.fingerprint);
  });

  it("a key that others may read, a wrong pair and an expired authority are refused", () => {
    openAuthority(folder, now);
    const { key, root } = authorityPlaces(folder);
    expectCode("PROXY_CA_EXPIRED", () => openAuthority(folder, now + 6 * 365 * DAY_MS));
    chmodSync(key, 0o644);
    expectCode("KEY_FILE_OPEN", () => openAuthority(folder, now));
    chmodSync(key, 0o600);
    writeFileSync(root, files.root);
    expectCode("PROXY_CA", () => openAuthority(folder, now));
  });

  it("a creation that was cut off before its last file begins anew", () => {
    openAuthority(folder, now);
    const { root } = authorityPlaces(folder);
    rmSync(root);
    expect(openAuthority(folder, now).until).to.be.greaterThan(now);
  });
});
