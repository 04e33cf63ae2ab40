import { expect } from "chai";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { createBackup, restoreBackup } from "../../src/node/backup.ts";
import { WorkerLock } from "../../src/node/lock.ts";
import { openStore } from "../../src/node/store.ts";
import { expectCode } from "../support/expectCode.ts";

const NOW = new Date("2026-01-02T03:04:05Z");

describe("backup", () => {
  let folder: string;
  let stateDir: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "backup-"));
    stateDir = path.join(folder, "state");
    file = path.join(folder, "state.backup");
  });
  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const store = (name = "auditor.sqlite") =>
    openStore(path.join(stateDir, name), ["CREATE TABLE rounds (epoch INTEGER PRIMARY KEY)"]);
  const epochs = (dir: string) => {
    const database = new DatabaseSync(path.join(dir, "auditor.sqlite"));
    const rows = database.prepare("SELECT epoch FROM rounds ORDER BY epoch").all();
    database.close();
    return rows.map((row) => Number(row.epoch));
  };

  it("copies what is committed while the worker runs, and brings it back", () => {
    const database = store();
    database.exec("INSERT INTO rounds VALUES (1), (2); BEGIN; INSERT INTO rounds VALUES (3)");
    mkdirSync(path.join(stateDir, "labels"));
    writeFileSync(path.join(stateDir, "labels/weather.salt"), "salt", { mode: 0o600 });
    const lock = WorkerLock.take({ stateDir, name: "key" });

    const manifest = createBackup(stateDir, file, NOW);
    expect(manifest.createdAt).to.equal(NOW.toISOString());
    expect(manifest.files.map(({ name }) => name)).to.deep.equal([
      "auditor.sqlite",
      "labels/weather.salt",
    ]);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    // The copying did not let go of the lock.
    expectCode("WORKER_RUNNING", () => WorkerLock.take({ stateDir, name: "key" }));
    lock.release();
    database.close();

    const restored = path.join(folder, "restored");
    expect(restoreBackup(file, restored)).to.deep.equal(manifest);
    expect(epochs(restored)).to.deep.equal([1, 2]);
    expect(statSync(path.join(restored, "labels/weather.salt")).mode & 0o777).to.equal(0o600);
    expect(readdirSync(folder).sort()).to.deep.equal(["restored", "state", "state.backup"]);
  });

  it("never replaces state, which may be newer, nor an older backup", () => {
    store().close();
    createBackup(stateDir, file, NOW);
    expectCode("BACKUP_EXISTS", () => createBackup(stateDir, file, NOW));
    const error = expectCode("STATE_EXISTS", () => restoreBackup(file, stateDir));
    expect(error.message).to.contain("auditor.sqlite");
    expectCode("STATE_FOREIGN", () => createBackup(stateDir, `${stateDir}/a.backup`, NOW));
    writeFileSync(path.join(stateDir, ".hidden"), "");
    expectCode("STATE_FOREIGN", () => createBackup(stateDir, `${file}2`, NOW));
    expectCode("STATE_MISSING", () => createBackup(`${stateDir}2`, `${file}2`, NOW));
  });

  it("leaves no part of the state out because it is only linked", () => {
    store().close();
    for (const [name, target] of [
      ["coral.sqlite", path.join(folder, "other-disk.sqlite")],
      ["labels", path.join(folder, "other-disk")],
    ] as const) {
      const link = path.join(stateDir, name);
      symlinkSync(target, link);
      const error = expectCode("STATE_FOREIGN", () => createBackup(stateDir, file, NOW));
      expect(error.message).to.contain(name);
      expect(existsSync(file)).to.equal(false);
      rmSync(link);
    }
    createBackup(stateDir, file, NOW);
  });

  it("refuses what was damaged, and writes nothing of it", () => {
    const database = store();
    database.exec("INSERT INTO rounds VALUES (1)");
    database.close();
    createBackup(stateDir, file, NOW);
    const target = path.join(folder, "target");
    const tampered = (change: string) => {
      const copy = path.join(folder, "tampered");
      copyFileSync(file, copy);
      const content = new DatabaseSync(copy);
      content.exec(change);
      content.close();
      expectCode("BACKUP_DAMAGED", () => restoreBackup(copy, target));
      expect(existsSync(target)).to.equal(false);
    };
    tampered("UPDATE content SET bytes = zeroblob(length(bytes)) WHERE name LIKE 'file:%'");
    tampered("DELETE FROM content WHERE name LIKE 'file:%'");
    tampered("UPDATE content SET bytes = '{}' WHERE name = 'manifest'");
    tampered(
      "UPDATE content SET bytes = CAST(replace(bytes, 'auditor.sqlite', '../../evil.sqlite') AS BLOB)" +
        " WHERE name = 'manifest'",
    );
    writeFileSync(path.join(folder, "text"), "no backup");
    expectCode("BACKUP_DAMAGED", () => restoreBackup(path.join(folder, "text"), target));
    expectCode("BACKUP_DAMAGED", () => restoreBackup(path.join(folder, "absent"), target));
  });
});
