/**
 * Ends this process like a power cut at the step of a handoff that DIE_AT names: the first is 1. A step is a message on
 * a Unix socket, or a lock that is taken or let go. DIE_AS says which handoff: `new`, its own start; `old`, when another
 * process takes its place. With DIE_BY=SIGSTOP it only halts, and says so, until SIGCONT. Loaded before the program by
 * `--import`.
 */
import { writeSync } from "node:fs";
import { Server, Socket } from "node:net";
import { DatabaseSync } from "node:sqlite";

let left = Number(process.env.DIE_AT);
let hasBegun = process.env.DIE_AS === "new";

function step() {
  if (!hasBegun) return;
  left -= 1;
  if (left !== 0) return;
  const { DIE_BY: signal = "SIGKILL" } = process.env;
  if (signal === "SIGSTOP") writeSync(1, `${JSON.stringify({ level: "info", msg: "halted" })}\n`);
  process.kill(process.pid, signal);
}

const { write } = Socket.prototype;
Socket.prototype.write = function (...parts) {
  if (this._handle?.constructor.name === "Pipe" && this.fd === undefined) step();
  return write.apply(this, parts);
};
const { emit } = Server.prototype;
Server.prototype.emit = function (event, ...parts) {
  const isLocal = typeof this.address() === "string";
  // The next process finds this one from here on.
  if (event === "listening" && isLocal) hasBegun = false;
  if (event === "connection" && isLocal && process.env.DIE_AS === "old") hasBegun = true;
  return emit.call(this, event, ...parts);
};
const { exec, close } = DatabaseSync.prototype;
DatabaseSync.prototype.exec = function (sql) {
  const isLock = sql.includes("BEGIN EXCLUSIVE");
  if (isLock) step();
  exec.call(this, sql);
  if (isLock) step();
};
DatabaseSync.prototype.close = function () {
  step();
  close.call(this);
  step();
};
