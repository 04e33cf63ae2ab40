import { expect } from "chai";
import { decryptKeystoreJson, encryptKeystoreJson } from "ethers";
import { inspect } from "node:util";
import { decryptKeystore, encryptKeystore, parseKeystore } from "../../src/node/keystore.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import { expectCode } from "../support/expectCode.ts";
import { rejection } from "../support/rejection.ts";

const KEY = `0x${"5e".repeat(32)}` as const;
const ADDRESS = addressOfKey(KEY);
const PASSWORD = "correct horse battery";

/** Test vector of the format's definition: PBKDF2. */
const VECTOR = {
  crypto: {
    cipher: "aes-128-ctr",
    cipherparams: { iv: "6087dab2f9fdbbfaddc31a909735c1e6" },
    ciphertext: "5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46",
    kdf: "pbkdf2",
    kdfparams: {
      c: 262_144,
      dklen: 32,
      prf: "hmac-sha256",
      salt: "ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd",
    },
    mac: "517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2",
  },
  id: "3198bc9c-6672-5ab3-d995-4942343ae5b6",
  version: 3,
};

describe("keystore", () => {
  it("reads the example of the format's definition", async () => {
    const keystore = parseKeystore(JSON.stringify(VECTOR), "vector.json");
    expect(keystore.address).to.equal(undefined);
    expect(await decryptKeystore(keystore, "testpassword", "vector.json")).to.equal(
      "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d",
    );
  });

  it("gives back what was encrypted, and nothing without the password", async () => {
    const json = await encryptKeystore(KEY, ADDRESS, PASSWORD, 1024);
    expect(json).not.to.contain("5e5e");
    const keystore = parseKeystore(json, "a.key");
    expect(keystore.address).to.equal(ADDRESS);
    expect(await decryptKeystore(keystore, PASSWORD, "a.key")).to.equal(KEY);
    const error = await rejection("KEY_PASSWORD", decryptKeystore(keystore, "wrong", "a.key"));
    expect(inspect(error, { depth: null }))
      .not.to.contain('wrong"')
      .and.not.to.contain("5e5e");
  });

  for (const [name, password, bytes] of [
    ["a superscript, as geth takes it", "Passwort²", "Passwort²"],
    ["a superscript, in the form of the JavaScript libraries", "Passwort²", "Passwort2"],
    ["a fraction", "½ kilo", "½ kilo"],
    ["a fraction, taken apart", "½ kilo", "1⁄2 kilo"],
    ["a trade mark", "brand™", "brand™"],
    ["a letter typed decomposed, written composed", "man\u0303ana", "ma\u00f1ana"],
    ["a letter typed composed, written decomposed", "ma\u00f1ana", "man\u0303ana"],
  ] as const) {
    it(`opens a file of another program with ${name}`, async () => {
      const account = { address: ADDRESS, privateKey: KEY };
      const typed = Buffer.from(bytes, "utf8");
      const json = await encryptKeystoreJson(account, typed, { scrypt: { N: 1024 } });
      const keystore = parseKeystore(json, "a.key");
      expect(await decryptKeystore(keystore, password, "a.key")).to.equal(KEY);
      await rejection("KEY_PASSWORD", decryptKeystore(keystore, `${password}.`, "a.key"));
    });
  }

  it("writes files that open by the password's bytes as they were typed", async () => {
    const keystore = parseKeystore(await encryptKeystore(KEY, ADDRESS, "½", 1024), "a.key");
    const opened = await decryptKeystoreJson(keystore.json, Buffer.from("½", "utf8"));
    expect(opened.privateKey).to.equal(KEY);
  });

  it("refuses what would eat memory or time before anything is derived", () => {
    const scrypt = (n: number, r: number, p: number) => ({
      ...VECTOR,
      crypto: {
        ...VECTOR.crypto,
        kdf: "scrypt",
        kdfparams: { n, r, p, dklen: 32, salt: "00".repeat(32) },
      },
    });
    for (const json of [
      scrypt(2 ** 30, 8, 1),
      scrypt(2 ** 18, 64, 1),
      scrypt(1024, 2 ** 30, 1),
      scrypt(1024, 8, 1_000_000),
      scrypt(-1024, 8, 1),
      // 64 times the time of geth's files, in a memory that is allowed.
      scrypt(2 ** 19, 8, 16),
      {
        ...VECTOR,
        crypto: { ...VECTOR.crypto, kdfparams: { ...VECTOR.crypto.kdfparams, c: 1e9 } },
      },
      { ...VECTOR, crypto: { ...VECTOR.crypto, kdf: "none" } },
      { ...VECTOR, version: 1 },
      {},
      [],
      null,
    ]) {
      expectCode("KEY_MALFORMED", () => parseKeystore(JSON.stringify(json), "a.key"));
    }
    expectCode("KEY_MALFORMED", () => parseKeystore("{", "a.key"));
  });

  it("blames no password for a file that no password opens", () => {
    const { crypto } = VECTOR;
    const scrypt = { dklen: 32, salt: "00".repeat(32), r: 8, p: 1 };
    for (const [what, changed] of Object.entries({
      "another cipher": { cipher: "aes-128-cbc" },
      "no checksum": { mac: undefined },
      "no ciphertext": { ciphertext: undefined },
      "half a ciphertext": { ciphertext: crypto.ciphertext.slice(32) },
      "a short vector": { cipherparams: { iv: "00" } },
      "a short derived key": { kdfparams: { ...crypto.kdfparams, dklen: 16 } },
      "a salt that is not hexadecimal": { kdfparams: { ...crypto.kdfparams, salt: "salt" } },
      "a cost of 3": { kdf: "scrypt", kdfparams: { ...scrypt, n: 3 } },
      "a cost of 1": { kdf: "scrypt", kdfparams: { ...scrypt, n: 1 } },
    })) {
      const json = JSON.stringify({ ...VECTOR, crypto: { ...crypto, ...changed } });
      expectCode("KEY_MALFORMED", () => parseKeystore(json, what));
    }
    const good = { ...crypto, kdf: "scrypt", kdfparams: { ...scrypt, n: 1024 } };
    expect(parseKeystore(JSON.stringify({ ...VECTOR, crypto: good }), "a.key").json).not.to.equal(
      "",
    );
  });

  it("cannot be told one thing and decrypt another by a second spelling", () => {
    const json = JSON.stringify(VECTOR);
    const hostile = `${json.slice(0, -1)},"Crypto":{"kdf":"scrypt","kdfparams":{"n":1073741824,"r":8,"p":1}}}`;
    expectCode("KEY_MALFORMED", () => parseKeystore(hostile, "a.key"));
  });
});
