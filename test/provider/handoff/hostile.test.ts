import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import type { Hex } from "viem";
import { bytesToHex } from "../../../src/protocol/bytes.ts";
import { signHandoff, type HandoffClaim } from "../../../src/protocol/handoff.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { HandoffHost } from "../../../src/provider/handoff/host.ts";
import { channelOf } from "../../../src/provider/handoff/messages.ts";
import { HandoffPlace } from "../../../src/provider/handoff/place.ts";
import { Leaver } from "../../../src/provider/handoff/leaver.ts";
import type { ServiceHandoff } from "../../../src/provider/handoff/serviceHandoff.ts";
import { encodeMessage, HandoffWire } from "../../../src/provider/handoff/wire.ts";
import { FakeClock } from "../../sal/rig/fakeClock.ts";
import { DOMAIN, KEY, OTHER_KEY, SERVICE } from "../../sal/rig/salRig.ts";
import { failureOf } from "../../support/httpClient.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { until } from "../../support/until.ts";

const NOW = 1_800_000_000_000;
const OTHER_SERVICE = rootServiceId(8n);
const OLD_NONCE: Hex = `0x${"01".repeat(32)}`;

describe("the handoff channel under attack", () => {
  let folder: string;
  let clock: FakeClock;
  let log: MemoryLog;
  let host: HandoffHost;
  let file: string;
  /** What the agent was told to do. */
  let done: string[];
  const sockets: Socket[] = [];
  const servers: Server[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(`${tmpdir()}/hostile-`);
    clock = new FakeClock();
    log = new MemoryLog();
    done = [];
    const service = {
      ...{ serviceId: SERVICE, keys: [KEY] },
      sal: { sessions: 3, flows: 2, adopt: () => done.push("adopt") > 99 },
      given: (send: (message: object) => void) => {
        done.push("given");
        send({ is: "free" });
        return { serviceId: SERVICE, instance: "0x0011223344556677", move: 0, holdings: [] };
      },
      books: () => done.push("books"),
      forsaken: () => done.push("forsaken"),
    } as unknown as ServiceHandoff;
    const place = new HandoffPlace({ stateDir: folder, name: "hostile" });
    host = new HandoffHost(place, {
      agent: {
        services: () => [service],
        give: () => {
          done.push("give");
          return Promise.resolve();
        },
        leave: () => done.push("leave"),
        expire: () => done.push("expire"),
        status: () => ({ state: "serving" }),
      },
      ...{ domain: DOMAIN, now: () => NOW, clock, log },
    });
    await host.start();
    [file = ""] = place.all();
  });
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const server of servers.splice(0)) server.close();
    await host.stop();
    rmSync(folder, { recursive: true });
  });

  async function dial(): Promise<{ socket: Socket; wire: HandoffWire; nonce: Hex }> {
    const socket = connect(file);
    sockets.push(socket);
    socket.on("error", () => {});
    await once(socket, "connect");
    const wire = new HandoffWire(socket, clock);
    const { nonce } = (await wire.next()) as { nonce: Hex };
    return { socket, wire, nonce };
  }

  /** A wish to take the place, with changes to what is signed and to what is sent. */
  function takeOf(
    oldNonce: Hex,
    signed: Partial<HandoffClaim> = {},
    { key = KEY, ...sent }: { key?: Uint8Array } & Record<string, unknown> = {},
  ) {
    const nonce = bytesToHex(randomBytes(32));
    const claim: HandoffClaim = {
      ...{ serviceId: SERVICE, role: "new", channel: channelOf(oldNonce, nonce) },
      issuedAt: BigInt(NOW),
      ...signed,
    };
    const { serviceId } = claim;
    const proofs = [{ serviceId, signature: signHandoff(claim, DOMAIN, key) }];
    return { ask: "take", nonce, issuedAt: Number(claim.issuedAt), proofs, ...sent };
  }

  /** Takes the place of the process, as one does that has the lock. */
  async function takes(wire: HandoffWire, nonce: Hex): Promise<void> {
    wire.send(takeOf(nonce));
    await wire.next();
    await wire.next();
    wire.send({ say: "claim" });
    await wire.next();
    await wire.next();
  }

  /** Sends a message, and expects that the connection ends without the agent's knowledge. */
  async function isRefused(make: (nonce: Hex) => object): Promise<void> {
    const { wire, nonce } = await dial();
    wire.send(make(nonce));
    expect((await failureOf(wire.next())).code).to.equal("HANDOFF_FAILED");
    expect(done).to.deep.equal([]);
  }

  it("belongs to the worker's user alone", () => {
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it("gives everything to a process with the service's key", async () => {
    const { wire, nonce } = await dial();
    wire.send(takeOf(nonce));
    await wire.next();
    expect(await wire.next()).to.deep.equal({ released: true });
    expect(done).to.deep.equal(["give"]);
    wire.send({ say: "claim" });
    expect(await wire.next()).to.include({ given: true });
    // What is told of the books comes after that, however early it is said.
    expect(await wire.next()).to.deep.equal({ serviceId: SERVICE, message: { is: "free" } });
  });

  const attacks: Record<string, (nonce: Hex) => object> = {
    "another key": (nonce) => takeOf(nonce, {}, { key: OTHER_KEY }),
    "the role of the old process": (nonce) => takeOf(nonce, { role: "old" }),
    "a proof of another connection": () => takeOf(OLD_NONCE),
    "a proof of another service": (nonce) => takeOf(nonce, { serviceId: OTHER_SERVICE }),
    "a proof of long ago": (nonce) => takeOf(nonce, { issuedAt: BigInt(NOW - 61_000) }),
    "a proof of the future": (nonce) => takeOf(nonce, { issuedAt: BigInt(NOW + 61_000) }),
    "a time that was not signed": (nonce) => ({ ...takeOf(nonce), issuedAt: NOW - 1 }),
    "no proof": (nonce) => takeOf(nonce, {}, { proofs: [] }),
    "a field too many": (nonce) => takeOf(nonce, {}, { more: 1 }),
    "a question that does not exist": () => ({ ask: "give" }),
    "what is said later, first": () => ({ say: "expire" }),
    "a link without the token": (nonce) => ({
      ...{ ask: "resume", token: nonce, serviceId: SERVICE, channel: nonce, payload: "0x00" },
      peer: { address: "192.0.2.1", port: 1 },
    }),
  };
  for (const [name, make] of Object.entries(attacks)) {
    it(`refuses ${name}`, () => isRefused(make));
  }

  it("refuses a proof that it has seen, on every other connection", async () => {
    const first = await dial();
    const take = takeOf(first.nonce);
    first.wire.send(take);
    await first.wire.next();
    done = [];
    await isRefused(() => take);
  });

  it("refuses a message that is too long, before it comes", async () => {
    const { socket, wire } = await dial();
    const length = Buffer.alloc(4);
    length.writeUInt32BE(0x7fff_ffff);
    socket.write(length);
    expect((await failureOf(wire.next())).code).to.equal("HANDOFF_FAILED");
  });

  it("refuses what is no JSON", async () => {
    const { socket, wire } = await dial();
    socket.write(Buffer.from([0, 0, 0, 2, 0x7b, 0x22]));
    expect((await failureOf(wire.next())).code).to.equal("HANDOFF_FAILED");
  });

  it("does not wait for one that is silent, or slow, or half there", async () => {
    const { socket, wire, nonce } = await dial();
    socket.write(encodeMessage(takeOf(nonce)).subarray(0, 40));
    const ended = failureOf(wire.next());
    await clock.advance(5_000);
    expect((await ended).code).to.equal("HANDOFF_FAILED");
    expect(done).to.deep.equal([]);
  });

  it("leaves nothing to a process that does not claim it: only the one with the lock does", async () => {
    const [slower, faster] = [await dial(), await dial()];
    for (const { wire, nonce } of [slower, faster]) {
      wire.send(takeOf(nonce));
      await wire.next();
      await wire.next();
    }
    faster.wire.send({ say: "claim" });
    await faster.wire.next();
    slower.wire.send({ say: "serving", serviceId: SERVICE });
    expect((await failureOf(slower.wire.next())).code).to.equal("HANDOFF_FAILED");
    // The books are still the other's.
    expect(done).to.deep.equal(["give", "give", "given"]);
  });

  it("hears nothing after a wrong message of a process that has proved itself", async () => {
    const { wire, nonce } = await dial();
    await takes(wire, nonce);
    wire.send({ say: "serving", serviceId: SERVICE });
    wire.send({ say: "everything" });
    wire.send({ say: "expire" });
    expect((await failureOf(wire.next())).code).to.equal("HANDOFF_FAILED");
    expect(done).to.deep.equal(["give", "given", "leave", "forsaken"]);
  });

  it("hears nothing about the books from a process after which another one came", async () => {
    const [first, second] = [await dial(), await dial()];
    for (const { wire, nonce } of [first, second]) await takes(wire, nonce);
    const message = { is: "closed", seen: [] };
    first.wire.send({ say: "books", serviceId: SERVICE, message });
    // What follows on the same connection is heard: so the message before it was read.
    first.wire.send({ say: "serving", serviceId: SERVICE });
    await until("the later message is heard", () => done.includes("leave"));
    expect(done).to.deep.equal(["give", "given", "give", "given", "leave"]);
    second.wire.send({ say: "books", serviceId: SERVICE, message });
    await until("the newest process is heard", () => done.includes("books"));
  });

  /** A process that listens in the place of the old one, and says what a test wants. */
  async function impostor(answer: (take: { nonce: Hex }, nonce: Hex) => object): Promise<string> {
    const at = `${folder}/handoff-00000000-00000000.sock`;
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      const wire = new HandoffWire(socket, clock);
      wire.send({ version: 1, nonce: OLD_NONCE });
      void wire
        .next()
        .then((take) => {
          wire.send(answer(take as { nonce: Hex }, OLD_NONCE));
        })
        .catch(() => {});
    });
    server.listen(at);
    await once(server, "listening");
    servers.push(server);
    return at;
  }

  const answers: Record<string, { code: string; signed: Partial<HandoffClaim>; key?: Uint8Array }> =
    {
      "another key": { code: "HANDOFF_REFUSED", signed: {}, key: OTHER_KEY },
      "the role of the new process": { code: "HANDOFF_REFUSED", signed: { role: "new" } },
      "another service": { code: "HANDOFF_REFUSED", signed: { serviceId: OTHER_SERVICE } },
      "another connection": { code: "HANDOFF_REFUSED", signed: { channel: OLD_NONCE } },
    };
  for (const [name, { code, signed, key = KEY }] of Object.entries(answers)) {
    it(`takes no place of a process that proves itself by ${name}`, async () => {
      const at = await impostor(({ nonce }, old) => {
        const claim: HandoffClaim = {
          ...{ serviceId: SERVICE, role: "old", channel: channelOf(old, nonce) },
          issuedAt: BigInt(NOW),
          ...signed,
        };
        const proof = { serviceId: claim.serviceId, signature: signHandoff(claim, DOMAIN, key) };
        return { issuedAt: NOW, proofs: [proof], token: OLD_NONCE };
      });
      const services = [{ serviceId: SERVICE, keys: [KEY] }];
      const dependencies = { domain: DOMAIN, now: () => NOW, clock };
      const failure = failureOf(Leaver.ask(at, services, dependencies));
      expect((await failure).code).to.equal(code);
    });
  }
});
