import { expect } from "chai";
import fc from "fast-check";
import { MAX_SHOWN, shown } from "../../console/src/foreign.ts";
import {
  bloc,
  day,
  duration,
  exactBloc,
  iso,
  many,
  percent,
  short,
  utc,
} from "../../console/src/format.ts";

describe("a stranger's text", () => {
  it("is shown as it is when it is plain", () => {
    for (const text of [
      "",
      "weather",
      "https://weather.example/about.json?a=1&b=2",
      "naïve café",
    ]) {
      expect(shown(text)).to.deep.equal({ text, warnings: [] });
    }
  });

  it("has a visible character for each that hides or reorders others", () => {
    for (const hidden of [
      "\u202E",
      "\u200B",
      "\u2066",
      "\uFEFF",
      "\u0000",
      "\u001B",
      "\u00AD",
      "\u{E0041}",
      "\u2028",
    ]) {
      const { text, warnings } = shown(`a${hidden}b`);
      expect(text).to.equal("a\u{FFFD}b");
      expect(warnings).to.have.lengthOf(1);
    }
  });

  it("says that it mixes scripts whose letters look alike", () => {
    expect(shown("p\u0430ypal").warnings.join()).to.contain("Cyrillic");
    expect(shown("\u0430\u0440\u0440\u04CF\u0435").warnings.join()).to.contain(
      "not in Latin letters",
    );
    expect(shown("天気").warnings.join()).to.contain("not in Latin letters");
  });

  it("is bounded, whatever it is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (value) => {
        const { text } = shown(value);
        expect(Array.from(text).length).to.be.at.most(MAX_SHOWN + 1);
        expect(text).not.to.match(/[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/u);
      }),
    );
    expect(shown("x".repeat(10_240)).warnings.join()).to.contain("10240");
  });
});

describe("the console's figures", () => {
  it("round BLOC down, and keep all digits for files", () => {
    expect(bloc(1_234_567_999_999_999_999_999_999n)).to.equal("1,234,567.99");
    expect(bloc(10n ** 18n, 0)).to.equal("1");
    expect(bloc(-5n * 10n ** 17n)).to.equal("-0.50");
    expect(exactBloc(1_500_000_000_000_000_001n)).to.equal("1.500000000000000001");
    expect(exactBloc(2n * 10n ** 18n)).to.equal("2");
  });

  it("agree with the name of what they count", () => {
    expect(many(1, "epoch")).to.equal("1 epoch");
    expect(many(0, "epoch")).to.equal("0 epochs");
    expect(many(1_200n, "block")).to.equal("1,200 blocks");
  });

  it("never call a share whole that is not", () => {
    expect(percent(999, 1_000)).to.equal("99.9%");
    expect(percent(99_999, 100_000)).to.equal("99.9%");
    expect(percent(1_000, 1_000)).to.equal("100%");
    expect(percent(0, 5)).to.equal("0%");
    expect(percent(0, 0)).to.equal("–");
  });

  it("give times in their two largest units", () => {
    expect(duration(0)).to.equal("0 s");
    expect(duration(59.4)).to.equal("59 s");
    expect(duration(90)).to.equal("1 min 30 s");
    expect(duration(7_200)).to.equal("2 h");
    expect(duration(90_000)).to.equal("1 d 1 h");
  });

  it("name no date for a moment that no calendar has", () => {
    expect(utc(1_780_000_000)).to.equal("2026-05-28 20:26:40 UTC");
    expect(day(1_780_000_000)).to.equal("2026-05-28");
    for (const seconds of [8_640_000_000_001, Number(2n ** 64n), Infinity, NaN]) {
      expect([iso(seconds), utc(seconds), day(seconds)]).to.deep.equal([
        undefined,
        "no date",
        "no date",
      ]);
    }
    expect(day(8_640_000_000_000)).to.equal("+275760-09-13");
  });

  it("shorten what is long", () => {
    expect(short("0x1234")).to.equal("0x1234");
    expect(short(`0x${"ab".repeat(20)}`)).to.equal("0xabab…abab");
  });
});
