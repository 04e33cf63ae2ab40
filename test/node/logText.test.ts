import { expect } from "chai";
import { createLogger } from "../../src/node/createLogger.ts";
import { LogSink } from "../../src/node/logSink.ts";
import { logText } from "../../src/node/logText.ts";

describe("logText", () => {
  const line = (msg: string, fields: object = {}) =>
    logText(
      `${JSON.stringify({ level: "warn", time: "2026-01-02T10:20:30.456Z", name: "a", msg, ...fields })}\n`,
    );

  it("puts time, level and message first, then the fields", () => {
    expect(
      line("round committed", { epoch: 7, reasons: ["no answer"], code: "A=B", uri: "http://a/b" }),
    ).to.equal(
      '10:20:30.456 warn  round committed epoch=7 reasons=["no answer"] code="A=B" uri=http://a/b\n',
    );
  });

  it("lets nothing through that a terminal obeys, or that looks like another line", () => {
    for (const evil of ["\u001b[2J", "a\nb", "a\rb", "\u009b31m", "\u202egpj", "\u2028"]) {
      const text = line(`said ${evil}`, { [`field${evil}`]: evil });
      expect(text.slice(0, -1)).not.to.match(/[\p{Cc}\p{Cf}\u2028]/u);
      expect(text.split("\n")).to.have.length(2);
    }
    expect(logText("\u001b[31mnot JSON\n")).to.equal("\\u001b[31mnot JSON\n");
    expect(logText("[1]\n")).to.equal("[1]\n");
  });

  it("is what a sink writes where people read", () => {
    const written: string[] = [];
    const out = { writableLength: 0, write: (text: string) => written.push(text) > 0 };
    const log = createLogger(
      { name: "auditor", level: "info" },
      new LogSink(out, { format: logText }),
    );
    log.info("auditor started", { epoch: 3n });
    expect(written[0]).to.match(/^\d\d:\d\d:\d\d\.\d{3} info {2}auditor started epoch=3\n$/);
  });
});
