import { expect } from "chai";
import { placeOf } from "../../../src/provider/handoff/inherited.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

describe("placeOf", () => {
  const configured = { host: "127.0.0.1", port: 8080 };
  const there = { host: "127.0.0.1", port: 8081 };
  const instance = Buffer.alloc(16);
  let log: MemoryLog;

  beforeEach(() => {
    log = new MemoryLog();
  });

  it("is that of the settings where no process was before, or where it has not moved", () => {
    for (const inherited of [undefined, { instance, listen: undefined, move: 0 }])
      expect(placeOf(configured, inherited, log)).to.equal(configured);
    expect(placeOf(configured, { instance, listen: there, move: 0 }, log)).to.equal(configured);
    expect(log.lines).to.deep.equal([]);
  });

  it("is beside the process before, without a word if the settings name no other port", () => {
    for (const port of [0, 8081]) {
      const given = { ...configured, port };
      for (const move of [0, 7]) {
        const place = placeOf(given, { instance, listen: there, move }, log);
        expect(place).to.deep.equal({ ...there, joins: true });
      }
    }
    expect(log.lines).to.deep.equal([]);
  });

  it("is where the service has moved to, and the log says that the settings are ignored", () => {
    const place = placeOf(configured, { instance, listen: there, move: 7 }, log);
    expect(place).to.deep.equal({ ...there, joins: true });
    const fields = { configured: "127.0.0.1:8080", listens: "127.0.0.1:8081" };
    expect(log.lines.map((line) => [line.level, line.fields])).to.deep.equal([["warn", fields]]);
  });
});
