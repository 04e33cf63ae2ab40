import { expect } from "chai";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { parts } from "../support/cliRig.ts";
import { WeatherRig } from "../support/weatherRig.ts";

const NONCE = `0x${"a1".repeat(32)}`;

describe("blockcloud receipt verify", () => {
  let rig: WeatherRig;
  const file = (name: string, content: string) => {
    writeFileSync(path.join(rig.chain.folder, name), content);
  };

  before(async () => {
    rig = await WeatherRig.start();
    const found = await rig.chain.cli(
      `resolve weather.bloc.alt --resolver ${rig.resolverUrl} --json`,
    );
    const { answer } = found.json() as { answer: { endpoints: { uri: string }[] } };
    const response = await fetch(`${answer.endpoints[0]!.uri}/echo?today`, {
      method: "POST",
      body: "rain?",
      headers: { "service-nonce": NONCE, "accept-encoding": "identity" },
    });
    file("body", await response.text());
    file("asked", "rain?");
    file("other", "snow?");
    file("receipt", `${response.headers.get("service-receipt") ?? ""}\r\n`);
  });
  after(() => rig?.stop());

  const exchange = "--method POST --target /echo?today --request-body asked --response-body body";
  const verify = (flags: string) => rig.chain.cli(`receipt verify @receipt ${flags} --json`);

  for (const service of ["1", "weather", "weather.bloc.alt", rootServiceId(1n)]) {
    it(`says that the response of ${service.slice(0, 20)} is proven, and by which key`, async () => {
      const { code, stderr, json } = await verify(
        `--service ${service} --nonce ${NONCE} ${exchange}`,
      );
      expect(code, stderr).to.equal(0);
      expect(json()).to.include({
        valid: true,
        serviceId: rootServiceId(1n),
        key: parts.service.address,
      });
    });
  }

  for (const [what, flags, expected] of [
    ["another nonce", `--service 1 --nonce 0x${"b2".repeat(32)} ${exchange}`, "RECEIPT_NONCE"],
    [
      "another service",
      `--service ${rootServiceId(2n)} --nonce ${NONCE} ${exchange}`,
      "RECEIPT_SERVICE",
    ],
    [
      "another target",
      `--service 1 --nonce ${NONCE} ${exchange.replace("?today", "")}`,
      "RECEIPT_CHANNEL",
    ],
    [
      "another method",
      `--service 1 --nonce ${NONCE} ${exchange.replace("POST", "PUT")}`,
      "RECEIPT_CHANNEL",
    ],
    [
      "another request",
      `--service 1 --nonce ${NONCE} ${exchange.replace("asked", "other")}`,
      "RECEIPT_CHANNEL",
    ],
    [
      "another response",
      `--service 1 --nonce ${NONCE} ${exchange.replace("-body body", "-body other")}`,
      "RECEIPT_CHANNEL",
    ],
    ["another status", `--service 1 --nonce ${NONCE} ${exchange} --status 404`, "RECEIPT_CHANNEL"],
    [
      "a body that is not there",
      `--service 1 --nonce ${NONCE} ${exchange.replace("asked", "absent")}`,
      "FILE_MISSING",
    ],
    ["no such service", `--service nobody --nonce ${NONCE} ${exchange}`, "SERVICE_UNKNOWN"],
  ] as const) {
    it(`refuses ${what}`, async () => {
      const { code, json } = await verify(flags);
      expect(code).to.be.above(0);
      expect(json()).to.have.nested.property("error.code", expected);
    });
  }

  it("refuses what another key signed, and what is no receipt", async () => {
    const set = await rig.chain.cli(
      "service set-key --service 1 --service-key-file newKey.key --wallet-key-file wallet.key --yes",
    );
    expect(set.code, set.stderr).to.equal(0);
    // The old key signed in its own epoch, whatever came later.
    await rig.chain.epochs(4);
    expect((await verify(`--service 1 --nonce ${NONCE} ${exchange}`)).code).to.equal(0);
    file("receipt", "bm8gcmVjZWlwdA");
    const { json } = await verify(`--service 1 --nonce ${NONCE} ${exchange}`);
    expect(json()).to.have.nested.property("error.code", "RECEIPT_MALFORMED");
  });
});
