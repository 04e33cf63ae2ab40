/**
 * Holds a program before its first line until SIGUSR2, with all that it has inherited, and says so. Loaded by
 * `--import`.
 */
import { once } from "node:events";
import { writeSync } from "node:fs";

const told = once(process, "SIGUSR2");
// A signal alone keeps no process alive.
const alive = setInterval(() => {}, 2 ** 30);
writeSync(1, `${JSON.stringify({ level: "info", msg: "held" })}\n`);
await told;
clearInterval(alive);
