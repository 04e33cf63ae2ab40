import { expect } from "chai";
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

describe("keystore", function () {
  this.timeout(30_000);

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

  it("cannot be told one thing and decrypt another by a second spelling", () => {
    const json = JSON.stringify(VECTOR);
    const hostile = `${json.slice(0, -1)},"Crypto":{"kdf":"scrypt","kdfparams":{"n":1073741824,"r":8,"p":1}}}`;
    expectCode("KEY_MALFORMED", () => parseKeystore(hostile, "a.key"));
  });
});
