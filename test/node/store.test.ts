import { expect } from "chai";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { WorkerLock } from "../../src/node/lock.ts";
import { openStore, transaction } from "../../src/node/store.ts";
import { expectCode } from "../support/expectCode.ts";

const first = "CREATE TABLE notes (text TEXT NOT NULL) STRICT; INSERT INTO notes VALUES ('first')";
const second = "ALTER TABLE notes ADD COLUMN stars INTEGER NOT NULL DEFAULT 5";

function notes(database: DatabaseSync): unknown[] {
  return database
    .prepare("SELECT * FROM notes ORDER BY rowid")
    .all()
    .map((row) => ({ ...row }));
}

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get() ?? {})[0];
}

describe("openStore", () => {
  let folder: string;
  let file: string;
  const opened: DatabaseSync[] = [];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "store-"));
    file = path.join(folder, "deep", "worker.sqlite");
  });
  afterEach(() => {
    for (const database of opened.splice(0)) if (database.isOpen) database.close();
    rmSync(folder, { recursive: true });
  });

  function open(migrations: readonly string[]): DatabaseSync {
    const database = openStore(file, migrations);
    opened.push(database);
    return database;
  }

  it("makes the folder, which no other user can read", () => {
    open([first]);
    expect(statSync(path.dirname(file)).mode & 0o777).to.equal(0o700);
  });

  describe("closes to others", () => {
    const mode = (name: string) => (statSync(name).mode & 0o777).toString(8);
    const files = () => ["", "-wal", "-shm"].map((suffix) => mode(file + suffix));

    it("what it makes, the files beside the database among them", () => {
      const before = process.umask(0);
      try {
        open([first]).exec("INSERT INTO notes VALUES ('second')");
      } finally {
        process.umask(before);
      }
      expect(files()).to.deep.equal(["600", "600", "600"]);
    });

    it("what an earlier version left open", () => {
      open([first]).exec("INSERT INTO notes VALUES ('second')");
      for (const suffix of ["", "-wal", "-shm"]) chmodSync(file + suffix, 0o644);
      chmodSync(path.dirname(file), 0o755);
      open([first]);
      expect(files()).to.deep.equal(["600", "600", "600"]);
      expect(mode(path.dirname(file))).to.equal("700");
    });

    it("a lock, and the folder that it is in", () => {
      const stateDir = path.join(folder, "state");
      mkdirSync(stateDir, { mode: 0o755 });
      const lock = WorkerLock.take({ stateDir, name: "a" });
      const names = readdirSync(stateDir).map((name) => mode(path.join(stateDir, name)));
      lock.release();
      expect(new Set(names)).to.deep.equal(new Set(["600"]));
      expect(mode(stateDir)).to.equal("700");
    });
  });

  it("has every commit on disk before it goes on", () => {
    const database = open([first]);
    expect(pragma(database, "journal_mode")).to.equal("wal");
    expect(pragma(database, "synchronous"), "FULL").to.equal(2);
    expect(pragma(database, "busy_timeout")).to.equal(0x1388);
  });

  it("runs each migration once, over any number of starts", () => {
    open([first]).close();
    open([first]).close();
    const database = open([first, second]);
    expect(notes(database)).to.deep.equal([{ text: "first", stars: 5 }]);
    expect(pragma(database, "user_version")).to.equal(2);
  });

  it("runs none, and leaves the file alone, when a newer version wrote it", () => {
    open([first, second]).close();
    const error = expectCode("STORE_TOO_NEW", () => openStore(file, [first]));
    expect(error.message).to.contain(file).and.to.contain("version 2");
    expect(notes(open([first, second]))).to.have.length(1);
  });

  it("leaves nothing of a migration that fails, and can be opened again", () => {
    open([first]).close();
    expect(() => openStore(file, [first, `${second}; INSERT INTO nowhere VALUES (1)`])).to.throw(
      /nowhere/,
    );
    // It would wait for a lock that was left behind for no time at all.
    const impatient = new DatabaseSync(file, { timeout: 0 });
    impatient.exec("BEGIN IMMEDIATE; ROLLBACK");
    impatient.close();
    const database = open([first, second]);
    expect(notes(database)).to.deep.equal([{ text: "first", stars: 5 }]);
  });

  describe("of a file that is not whole", () => {
    const refuse = (code: string) => {
      const error = expectCode(code, () => openStore(file, [first]));
      expect(error.message).to.contain(path.basename(file));
      return error;
    };

    beforeEach(() => {
      open([first]).close();
    });

    it("refuses an empty one: it was never new", () => {
      writeFileSync(file, "");
      refuse("STORE_DAMAGED");
    });

    it("refuses one that is no database", () => {
      writeFileSync(file, "not a database, however long it is".repeat(100));
      refuse("STORE_DAMAGED");
    });

    it("refuses one that was cut off", () => {
      truncateSync(file, 4_096);
      refuse("STORE_DAMAGED");
    });

    it("refuses one with a page of noise", () => {
      const bytes = readFileSync(file);
      bytes.fill(0x5a, bytes.length - 4_096);
      writeFileSync(file, bytes);
      refuse("STORE_DAMAGED");
    });

    it("refuses a database of another program", () => {
      rmSync(file);
      const other = new DatabaseSync(file);
      other.exec("CREATE TABLE theirs (a TEXT)");
      other.close();
      refuse("STORE_DAMAGED");
    });

    it("refuses to begin anew beside the log of one that was deleted", () => {
      const database = open([first]);
      database.exec("INSERT INTO notes VALUES ('in the log only')");
      rmSync(file);
      refuse("STORE_DAMAGED");
    });

    it("begins anew over what a power cut left of a new one", () => {
      rmSync(file);
      writeFileSync(`${file}.new`, "half");
      expect(notes(open([first]))).to.have.length(1);
    });
  });

  it("says so when its folder is a file, or lies under one", () => {
    const blocked = path.join(folder, "file");
    writeFileSync(blocked, "");
    for (const name of [path.join(blocked, "a.sqlite"), path.join(blocked, "deep", "a.sqlite")]) {
      expectCode("STATE_UNUSABLE", () => openStore(name, [first]));
    }
    expectCode("STATE_UNUSABLE", () => WorkerLock.take({ stateDir: blocked, name: "a" }));
  });

  it("lives in memory when told so", () => {
    const database = openStore(":memory:", [first]);
    opened.push(database);
    expect(notes(database)).to.deep.equal([{ text: "first" }]);
  });

  describe("transaction", () => {
    it("keeps all writes and gives the result", () => {
      const database = open([first]);
      const result = transaction(database, () => {
        database.exec("INSERT INTO notes VALUES ('second')");
        return "done";
      });
      expect(result).to.equal("done");
      expect(notes(database)).to.have.length(2);
    });

    it("keeps none when one fails, and takes the next transaction", () => {
      const database = open([first]);
      const failing = () =>
        transaction(database, () => {
          database.exec("INSERT INTO notes VALUES ('second')");
          throw new Error("disk on fire");
        });
      expect(failing).to.throw("disk on fire");
      expect(notes(database)).to.have.length(1);
      transaction(database, () => {
        database.exec("INSERT INTO notes VALUES ('third')");
      });
      expect(notes(database).at(-1)).to.deep.equal({ text: "third" });
    });

    it("says that the disk is full, keeps nothing of it, and goes on when there is room", () => {
      const database = open([first]);
      const pages = Number(pragma(database, "page_count"));
      database.exec(`PRAGMA max_page_count = ${pages + 1}`);
      const long = () => {
        transaction(database, () => {
          const insert = database.prepare("INSERT INTO notes VALUES (?)");
          for (let count = 0; count < 100; count++) insert.run("x".repeat(1_000));
        });
      };
      expect(expectCode("STORE_FULL", long).retryable).to.equal(true);
      expect(notes(database)).to.have.length(1);
      database.exec("PRAGMA max_page_count = 100000");
      long();
      expect(notes(database)).to.have.length(101);
    });

    it("says that another program holds the file, and goes on when that has ended", () => {
      const database = open([first]);
      database.exec("PRAGMA busy_timeout=0");
      const other = open([first]);
      other.exec("BEGIN IMMEDIATE");
      const write = () => {
        transaction(database, () => {
          database.exec("INSERT INTO notes VALUES ('second')");
        });
      };
      expect(expectCode("STORE_FAILED", write).retryable).to.equal(true);
      other.exec("ROLLBACK");
      write();
      expect(notes(database)).to.have.length(2);
    });

    it("is seen by others only when it is whole", () => {
      const database = open([first]);
      const reader = open([first]);
      transaction(database, () => {
        database.exec("INSERT INTO notes VALUES ('second')");
        expect(notes(reader)).to.have.length(1);
      });
      expect(notes(reader)).to.have.length(2);
    });
  });
});
