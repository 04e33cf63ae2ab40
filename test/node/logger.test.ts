import { expect } from "chai";
import { createLogger } from "../../src/node/createLogger.ts";
import { silentLogger, type Logger } from "../../src/node/logger.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";

describe("createLogger", () => {
  let lines: string[];

  beforeEach(() => {
    lines = [];
  });

  function logger(level = "debug"): Logger {
    return createLogger({ name: "auditor", level }, { write: (line) => lines.push(line) });
  }

  function last(): Record<string, unknown> {
    return JSON.parse(lines.at(-1) ?? "") as Record<string, unknown>;
  }

  it("writes one line of JSON a call, whatever the message", () => {
    logger().info('two\nlines and a "quote"', { url: "http://a\r\nb" });
    expect(lines).to.have.length(1);
    expect(lines[0]).to.match(/^[^\n\r]+\n$/);
    expect(last()).to.deep.include({
      name: "auditor",
      level: "info",
      msg: 'two\nlines and a "quote"',
      url: "http://a\r\nb",
    });
    expect(new Date(String(last().time)).toISOString()).to.equal(last().time);
  });

  it("writes a bigint as decimals and loses no digit", () => {
    const wei = 2n ** 200n + 1n;
    logger().info("paid", { wei });
    expect(last().wei).to.equal(wei.toString());
  });

  it("writes of an error its message, of a long one the beginning", () => {
    logger().warn("failed", { error: new BlockcloudError("CODE", "It broke.") });
    expect(last().error).to.equal("It broke.");
    logger().warn("failed", { error: new Error("x".repeat(100_000)) });
    expect(last().error).to.equal("x".repeat(500));
  });

  it("carries a child's fields in each of its lines, and its parent's", () => {
    const child = logger()
      .child({ duty: "audit" })
      .child({ epoch: 7n, cause: new Error("it rained") });
    child.debug("one");
    child.error("two", { more: true });
    for (const [index, msg] of ["one", "two"].entries()) {
      const line = JSON.parse(lines[index] ?? "") as object;
      expect(line).to.deep.include({ msg, duty: "audit", epoch: "7", cause: "it rained" });
    }
  });

  it("leaves out what is under its level", () => {
    const log = logger("warn");
    log.debug("a");
    log.info("b");
    log.warn("c");
    log.error("d");
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).to.deep.equal([
      "c",
      "d",
    ]);
    log.child({}).info("e");
    expect(lines).to.have.length(2);
  });

  it("survives fields that point at themselves", () => {
    const fields: Record<string, unknown> = { epoch: 1 };
    fields.self = fields;
    logger().info("round", fields);
    expect(last()).to.deep.include({ msg: "round", epoch: 1 });
  });
});

describe("silentLogger", () => {
  it("takes everything and says nothing", () => {
    const log = silentLogger.child({ a: 1 });
    for (const level of ["debug", "info", "warn", "error"] as const) log[level]("x", {});
    expect(log).to.equal(silentLogger);
  });
});
