import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parsePrefix } from "../../../src/resolver/table/prefix.ts";
import type { Action, RuleSpec } from "../../../src/resolver/table/rule.ts";
import { ServiceTable } from "../../../src/resolver/table/serviceTable.ts";
import { tableFile, TableStore } from "../../../src/resolver/table/tableStore.ts";
import { TableSync } from "../../../src/resolver/table/tableSync.ts";
import { expectCode } from "../../support/expectCode.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

const forward = (name: string): Action => ({ kind: "endpoints", endpoints: [`tcp://${name}:1`] });
const spec = (prefix: string, action: Action, weight = 1): RuleSpec => ({
  ...{ prefix: parsePrefix(prefix), action, priority: 0, weight },
});
const SEVEN = parsePrefix("0x07").bits;

describe("the service table on disk", () => {
  let folder: string;
  let opened: TableStore[];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "table-"));
    opened = [];
  });
  afterEach(() => {
    for (const store of opened) store.close();
    rmSync(folder, { recursive: true });
  });

  function open(): TableStore {
    const store = new TableStore(tableFile(folder));
    opened.push(store);
    return store;
  }

  it("outlives the process that wrote it", () => {
    const actions: Action[] = [
      forward("a"),
      { kind: "services", services: [`0x${"0".repeat(15)}8${"0".repeat(48)}`] },
      { kind: "resolver", url: "http://10.0.0.5:8053/" },
      { kind: "demux", socket: "/run/app.sock" },
    ];
    const first = open();
    const numbers = actions.map((action) => first.add(spec("0x07", action)));
    numbers.push(first.add(spec("default", { kind: "drop" })));
    first.close();
    opened.pop();
    const read = open().rules();
    expect(read.map(({ id }) => id)).to.deep.equal(numbers);
    expect(read.slice(0, 4).map(({ action }) => action)).to.deep.equal(actions);
  });

  it("adds a rule once: again, it changes the weight", () => {
    const store = open();
    const number = store.add(spec("0x07", forward("a")));
    expect(store.add(spec("0x07", forward("a"), 9))).to.equal(number);
    expect(store.rules()).to.have.length(1);
    expect(store.rules()[0]).to.include({ id: number, weight: 9 });
  });

  it("keeps DELAY and DROP alone", () => {
    const store = open();
    store.add(spec("0x07", { kind: "drop" }));
    expectCode("RULE_EXCLUSIVE", () => store.add(spec("0x07", forward("a"))));
    expect(store.rules()).to.have.length(1);
  });

  it("bears so many rules at a prefix and no more", () => {
    const store = open();
    for (let index = 0; index < 64; index += 1) store.add(spec("0x07", forward(`h${index}`)));
    expectCode("TABLE_FULL", () => store.add(spec("0x07", forward("more"))));
  });

  it("never gives a number twice, so that counts stay with their rule", () => {
    const store = open();
    const first = store.add(spec("0x07", forward("a")));
    store.addCounts([{ id: first, matches: 3, drops: 1 }], 1_000);
    store.addCounts([{ id: first, matches: 4, drops: 0 }], 2_000);
    expect(store.rules()[0]).to.include({ matches: 7, drops: 1 });
    expect(store.remove(first)).to.deep.equal([first]);
    store.addCounts([{ id: first, matches: 4, drops: 0 }], 3_000);
    expect(store.add(spec("0x07", forward("a")))).to.be.greaterThan(first);
    expect(store.rules()[0]).to.include({ matches: 0, drops: 0 });
    expect(store.flushedAt()).to.equal(3_000);
  });

  it("removes all rules at a prefix, and only there", () => {
    const store = open();
    const gone = [store.add(spec("0x07", forward("a"))), store.add(spec("0x07", forward("b")))];
    const stays = store.add(spec("0x0700", forward("c")));
    expect(store.remove(parsePrefix("0x07"))).to.deep.equal(gone);
    expect(store.remove(parsePrefix("0x07"))).to.deep.equal([]);
    expect(store.rules().map(({ id }) => id)).to.deep.equal([stays]);
  });

  describe("beside a running resolver", () => {
    let timers: FakeTimers;
    let table: ServiceTable;
    let sync: TableSync;
    let log: MemoryLog;
    let editor: TableStore;

    beforeEach(async () => {
      timers = new FakeTimers();
      table = new ServiceTable(() => 0);
      log = new MemoryLog();
      editor = open();
      const store = new TableStore(tableFile(folder));
      sync = new TableSync({ table, store, now: () => timers.monotonic(), timers, log });
      await sync.start();
    });

    it("is followed within a second", async () => {
      expect(table.match(SEVEN).rule.id).to.equal(0);
      const number = editor.add(spec("0x07", forward("a")));
      await timers.advance(1_000);
      expect(table.match(SEVEN).rule.id).to.equal(number);
      editor.remove(number);
      await timers.advance(1_000);
      expect(table.match(SEVEN).rule.id).to.equal(0);
      await sync.stop();
    });

    it("receives the counters at intervals and at the end; counting alone is no change", async () => {
      const number = editor.add(spec("0x07", { kind: "drop" }));
      await timers.advance(1_000);
      const { version } = table;
      const { rule } = table.match(SEVEN);
      [rule.matches, rule.drops] = [5, 5];
      table.match(parsePrefix("0x08").bits).rule.matches = 2;
      await timers.advance(9_000);
      expect(editor.rules()[0]).to.include({ id: number, matches: 5, drops: 5 });
      expect(editor.defaultCounted()).to.deep.equal({ matches: 2, drops: 0 });
      expect(editor.flushedAt()).to.equal(10_000);
      rule.matches += 1;
      await sync.stop();
      expect(editor.rules()[0]).to.include({ matches: 6, drops: 5 });
      expect(table.version).to.equal(version);
    });

    it("stays as it was when the file holds nonsense, which is told", async () => {
      const number = editor.add(spec("0x07", forward("a")));
      await timers.advance(1_000);
      const { DatabaseSync } = await import("node:sqlite");
      const vandal = new DatabaseSync(tableFile(folder));
      vandal.exec("UPDATE rules SET action = '{}'; UPDATE state SET revision = revision + 1");
      vandal.close();
      await timers.advance(1_000);
      expect(table.match(SEVEN).rule.id).to.equal(number);
      expect(log.said("warn")).to.deep.equal(["cannot follow the service table"]);
      await sync.stop();
    });
  });
});
