import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { random } from "../rig/random.ts";
import { PORT, tell } from "./messages.ts";

/** One way, milliseconds. */
const DELAY_MS = 20;
/** What a lost segment costs a TCP connection: its least time until it is sent again (Linux), milliseconds. */
const LOST_MS = 200;
/** Share of the pieces that are lost. */
const LOSS = 0.01;

const [host = "", seed = ""] = process.argv.slice(2);
const next = random(Number(seed));

/** Passes bytes on in order, each after the delay, and some of them after the time of a loss. */
function pass(from: Socket, to: Socket): void {
  let due = 0;
  let held = 0;
  from.on("data", (piece: Buffer) => {
    const lost = next() < LOSS ? LOST_MS : 0;
    due = Math.max(due, performance.now() + DELAY_MS + lost);
    held += piece.length;
    // A path holds a bounded number of bytes.
    if (held > 1_000_000) from.pause();
    setTimeout(() => {
      held -= piece.length;
      if (!to.destroyed) to.write(piece);
      if (held < 500_000) from.resume();
    }, due - performance.now());
  });
  from.on("error", () => from.destroy());
  from.once("close", () => to.destroy());
}

const server = createServer((near) => {
  const far = connect({ host, port: PORT });
  pass(near, far);
  pass(far, near);
});
process.once("disconnect", () => process.exit());
server.listen(PORT, "0.0.0.0");
await once(server, "listening");
tell({ ready: true });
