import { expect } from "chai";
import fc from "fast-check";
import { getBytes } from "ethers";
import { canonicalName, isInZones, parseName, rawName } from "../../src/protocol/name.ts";
import { serviceId } from "../../src/protocol/serviceId.ts";
import type { Hex } from "viem";
import { address } from "../support/arbitraries.ts";
import { expectCode } from "../support/expectCode.ts";
import vectors from "../vectors/records.json" with { type: "json" };

const id = fc
  .tuple(
    fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }),
    fc.nat({ max: 0xffff_ffff }),
    address.filter((self) => BigInt(self) !== 0n),
  )
  .map(([prefix, group, self]) => serviceId({ prefix, group, self }));

/** RFC 4648 by way of one large number. */
function plainBase32(value: Hex): string {
  const bits = [...getBytes(value)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.padEnd(260, "0").match(/.{5}/g) ?? [])
    .map((five) => "abcdefghijklmnopqrstuvwxyz234567"[parseInt(five, 2)])
    .join("");
}

describe("names", () => {
  it("writes an ID as RFC 4648 does, and reads it back", () => {
    fc.assert(
      fc.property(id, (value) => {
        expect(rawName(value)).to.equal(`${plainBase32(value)}.id.bloc.alt`);
        expect(parseName(rawName(value))).to.deep.equal({ kind: "id", serviceId: value });
      }),
    );
  });

  it("meets the vectors", () => {
    for (const [index, name] of vectors.rawName.entries()) {
      expect(parseName(name)).to.deep.equal({ kind: "id", serviceId: vectors.rawNameId[index] });
    }
  });

  it("reads labels, names under them and IDs in any case, with a dot at the end or none", () => {
    expect(parseName("weather.bloc.alt")).to.deep.equal({ kind: "label", label: "weather" });
    expect(parseName("WEATHER.Bloc.ALT.")).to.deep.equal({ kind: "label", label: "weather" });
    expect(parseName("roof.weather.bloc.alt")).to.deep.equal({
      kind: "sub",
      sub: "roof",
      label: "weather",
    });
    const upper = `0x${"0".repeat(15)}7${"0".repeat(8)}${"A".repeat(40)}`;
    expect(parseName(upper)).to.deep.equal({ kind: "id", serviceId: upper.toLowerCase() });
    expect(parseName(rawName(upper as Hex).toUpperCase())).to.have.property("kind", "id");
  });

  it("reads the same names under bloc.internal, and writes each in one way", () => {
    const raw = vectors.rawNameId[0] as Hex;
    for (const [text, canonical] of [
      ["Roof.Weather.bloc.INTERNAL.", "roof.weather.bloc.alt"],
      ["weather.bloc.internal", "weather.bloc.alt"],
      ["weather.bloc.alt.", "weather.bloc.alt"],
      [rawName(raw, "bloc.internal"), rawName(raw)],
      [raw.toUpperCase().replace("X", "x"), raw],
    ] as const) {
      expect(canonicalName(text), text).to.equal(canonical);
      expect(parseName(text)).to.deep.equal(parseName(canonical));
    }
    for (const text of ["internal", "bloc.internal", "weather.internal", "bloc.alt.internal"])
      expectCode("NAME_INVALID", () => parseName(text));
    expect(["bloc.internal", "a.b.c.bloc.alt"].every(isInZones)).to.equal(true);
    expect(["internal", "notbloc.alt", "bloc.alt.example"].some(isInZones)).to.equal(false);
  });

  it("reads each ID in one way of writing only", () => {
    const name = rawName(vectors.rawNameId[0] as Hex);
    // 52 characters hold 260 bits: the last four must be 0.
    const other = name.replace(/a\.id/, "b.id");
    expect(other).not.to.equal(name);
    expectCode("NAME_INVALID", () => parseName(other));
  });

  const bad = [
    "",
    ".",
    "bloc.alt",
    "id.bloc.alt",
    "weather",
    "weather.example",
    "x.id.bloc.alt",
    "a.b.weather.bloc.alt",
    "-a.bloc.alt",
    "a..bloc.alt",
    "id.weather.bloc.alt",
    "w\u00e4tter.bloc.alt",
    `${"a".repeat(64)}.bloc.alt`,
    `${"a.".repeat(200)}bloc.alt`,
  ];
  for (const name of bad) {
    it(`refuses ${JSON.stringify(name.slice(0, 30))}`, () => {
      expectCode("NAME_INVALID", () => parseName(name));
    });
  }

  it("refuses text that only looks like a service ID", () => {
    expectCode("NAME_INVALID", () => parseName("0x00"));
    expectCode("NAME_INVALID", () => parseName(`0x${"0".repeat(64)}`));
  });

  it("takes any text, and either reads it or says that it is no name", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expectCode("NAME_INVALID", () => parseName(`${text}.bloc.alt.nowhere`));
      }),
    );
  });
});
