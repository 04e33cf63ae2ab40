import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { LogSink } from "../../src/node/logSink.ts";

/** A pipe whose reader takes nothing until it is told to. */
class Pipe {
  readonly read: string[] = [];
  #waiting: string[] = [];

  get writableLength(): number {
    return this.#waiting.join("").length;
  }

  write(line: string): boolean {
    this.#waiting.push(line);
    return false;
  }

  empty(): void {
    this.read.push(...this.#waiting);
    this.#waiting = [];
  }
}

describe("LogSink", () => {
  let pipe: Pipe;
  let dropped: number;
  let sink: LogSink;

  beforeEach(() => {
    pipe = new Pipe();
    dropped = 0;
    sink = new LogSink(pipe, { most: 100, dropped: (lines) => (dropped += lines) });
  });

  const write = (count: number) => {
    for (let line = 0; line < count; line++) sink.write("a line of 20 bytes.\n");
  };

  it("passes lines on as long as somebody reads them", () => {
    for (let round = 0; round < 10; round++) {
      write(5);
      pipe.empty();
    }
    expect(pipe.read).to.have.length(50);
    expect(dropped).to.equal(0);
  });

  it("drops and counts lines while its reader has stopped, and says so once they are read again", () => {
    write(12);
    expect(dropped).to.equal(7);
    expect(sink.isWaiting).to.equal(true);
    pipe.empty();
    write(1);
    pipe.empty();
    expect(pipe.read).to.have.length(7);
    const notice = JSON.parse(pipe.read[5]!) as object;
    expect(notice).to.deep.include({ level: "warn", lines: 7 });
    expect(pipe.read.at(-1)).to.equal("a line of 20 bytes.\n");
    expect(sink.isWaiting).to.equal(false);
  });
});

describe("a process whose log has no reader", () => {
  it("works on, counts what it drops, and ends", async () => {
    const source = (name: string) => new URL(`../../src/node/${name}`, import.meta.url).href;
    const script = `
      import { createLogger } from "${source("createLogger.ts")}";
      import { LogSink, leaveInTime } from "${source("logSink.ts")}";
      let dropped = 0;
      const sink = new LogSink(process.stdout, { dropped: (lines) => (dropped += lines) });
      const log = createLogger({ name: "worker", level: "info" }, sink);
      for (let line = 0; line < 20_000; line++) log.info("a line", { line, text: "x".repeat(100) });
      process.exitCode = dropped > 0 ? 7 : 1;
      leaveInTime(sink);`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    expect(await once(child, "exit")).to.deep.equal([7, null]);
  });
});
