import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { isLockFile, WorkerLock } from "../../src/node/lock.ts";
import { expectCode } from "../support/expectCode.ts";

describe("WorkerLock", () => {
  let stateDir: string;

  beforeEach(() => {
    stateDir = mkdtempSync(path.join(tmpdir(), "lock-"));
  });
  afterEach(() => {
    rmSync(stateDir, { recursive: true });
  });

  it("is held by one at a time, for each name and folder", () => {
    const options = { stateDir, name: "key-1" };
    const lock = WorkerLock.take(options);
    expect(WorkerLock.isTaken(options)).to.equal(true);
    const error = expectCode("WORKER_RUNNING", () => WorkerLock.take(options));
    expect(error.message).to.contain(`process ${process.pid} on `);
    const other = WorkerLock.take({ stateDir, name: "key-2" });
    const elsewhere = WorkerLock.take({ stateDir: path.join(stateDir, "b"), name: "key-1" });
    lock.release();
    expect(WorkerLock.isTaken(options)).to.equal(false);
    WorkerLock.take(options).release();
    other.release();
    elsewhere.release();
  });

  it("holds against another process, and is gone with it when that is killed", async () => {
    const module = path.join(import.meta.dirname, "../../src/node/lock.ts");
    const script = `import { WorkerLock } from ${JSON.stringify(module)};
      globalThis.lock = WorkerLock.take(${JSON.stringify({ stateDir, name: "key" })});
      console.log("held"); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    const options = { stateDir, name: "key" };
    const error = expectCode("WORKER_RUNNING", () => WorkerLock.take(options));
    expect(error.message).to.contain(`process ${child.pid ?? 0} `);
    child.kill("SIGKILL");
    await once(child, "exit");
    WorkerLock.take(options).release();
  });

  it("knows its own files, which are not part of the state", () => {
    for (const name of ["lock-a.sqlite", "lock-a.sqlite-journal", "lock-a.json"]) {
      expect(isLockFile(name), name).to.equal(true);
    }
    expect(isLockFile("auditor-a.sqlite")).to.equal(false);
  });
});
