import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { listenToHandOver } from "../../src/node/listen.ts";
import { failureOf } from "../support/httpClient.ts";

const LISTEN = new URL("../../src/node/listen.ts", import.meta.url).href;
/** Listens at the passed socket, and answers the first connection. */
const PROGRAM = `
import { createServer } from "node:net";
import { listenAt } from ${JSON.stringify(LISTEN)};
const server = createServer((socket) => { socket.end("from the child"); server.close(); });
await listenAt(server, 3, (cause) => cause);
process.stdout.write("listens");
`;

describe("a port that processes share while one takes the place of the other", () => {
  const servers: Server[] = [];
  const refuse = (cause: unknown) => new Error("refused", { cause });

  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function listening(port: number, joins: boolean): Promise<number> {
    const server = createServer();
    servers.push(server);
    await listenToHandOver(server, { host: "127.0.0.1", port }, joins, refuse);
    return (server.address() as AddressInfo).port;
  }

  it("is refused to a process that takes nobody's place", async () => {
    const port = await listening(0, false);
    expect((await failureOf(listening(port, false))).message).to.equal("refused");
  });

  it("is shared with one that does", async function () {
    if (process.platform !== "linux") this.skip();
    const port = await listening(0, false);
    expect(await listening(port, true)).to.equal(port);
  });

  it("is refused to all while a program has it that does not share it", async () => {
    const other = createServer();
    servers.push(other);
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    expect((await failureOf(listening(port, true))).message).to.equal("refused");
  });

  it("is served by a process to which the socket was passed", async () => {
    const owner = createServer();
    servers.push(owner);
    owner.listen(0, "127.0.0.1");
    await once(owner, "listening");
    const { fd } = (owner as unknown as { _handle: { fd: number } })._handle;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", PROGRAM], {
      stdio: ["ignore", "pipe", "inherit", fd],
    });
    const { port } = owner.address() as AddressInfo;
    const { stdout } = child;
    if (stdout === null) throw new Error("The child has no output.");
    await once(stdout, "data");
    // Both accept; the owner says nothing, so only the child's word counts.
    owner.on("connection", (socket) => socket.destroy());
    let said = "";
    while (said === "" && child.exitCode === null) {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      socket.on("data", (chunk: Buffer) => {
        said += chunk.toString();
      });
      await once(socket, "close");
    }
    expect(said).to.equal("from the child");
  });
});
