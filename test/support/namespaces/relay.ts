import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { PROVIDERS, tell, VISITORS } from "./messages.ts";

/** A relay of the rig: it joins each visitor with a connection of the provider, and reads nothing. */
const waiting = new Map<string, Socket>();
let control: Socket | undefined;
const [lie = ""] = process.argv.slice(2);

const visitors = createServer((visitor) => {
  const token = randomBytes(8).toString("hex");
  visitor.on("error", () => visitor.destroy());
  waiting.set(token, visitor);
  visitor.once("close", () => waiting.delete(token));
  control?.write(`${token}\n`);
});

const providers = createServer((socket) => {
  socket.on("error", () => socket.destroy());
  socket.once("data", (line: Buffer) => {
    const token = line.toString().trim();
    if (token === "control") {
      control = socket;
      // Visitors may have come before.
      for (const each of waiting.keys()) socket.write(`${each}\n`);
      return;
    }
    const visitor = waiting.get(token);
    if (visitor === undefined) return;
    waiting.delete(token);
    const [address = "", port = ""] = lie.split(" ");
    const told = {
      visitor: lie === "" ? placeOf(visitor) : { address, port: Number(port) },
      self: placeOf(socket),
    };
    socket.write(`${JSON.stringify(told)}\n`);
    visitor.pipe(socket).pipe(visitor);
    visitor.once("close", () => socket.destroy());
    socket.once("close", () => visitor.destroy());
  });
});

function placeOf({ remoteAddress = "", remotePort = 0 }: Socket): object {
  return { address: remoteAddress.replace("::ffff:", ""), port: remotePort };
}

process.once("disconnect", () => process.exit());
visitors.listen(VISITORS, "::");
providers.listen(PROVIDERS, "::");
await Promise.all([once(visitors, "listening"), once(providers, "listening")]);
tell({ ready: true });
