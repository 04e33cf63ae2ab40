import { expect } from "chai";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import { createResolve, type Resolve } from "../../src/net/resolve.ts";
import { failureOf } from "../support/httpClient.ts";

const A = 1;
const AAAA = 28;
const { signal } = new AbortController();

describe("resolve", () => {
  let server: Socket;
  let resolve: Resolve;
  /** Addresses by the kind of the question, as bytes; none: there is no such name. */
  let answers: Partial<Record<number, number[][]>>;
  let asked: number;
  let onQuestion: (question: Buffer, from: RemoteInfo) => void;

  beforeEach(async () => {
    answers = {};
    asked = 0;
    onQuestion = (question, { port, address }) => {
      server.send(answerTo(question, answers), port, address);
    };
    server = createSocket("udp4");
    server.on("message", (question, from) => {
      asked += 1;
      onQuestion(question, from);
    });
    server.bind(0, "127.0.0.1");
    await once(server, "listening");
    resolve = createResolve([`127.0.0.1:${server.address().port}`]);
  });
  afterEach(() => {
    server.close();
  });

  it("gives the addresses of both families", async () => {
    answers = { [A]: [[192, 0, 2, 7]], [AAAA]: [[0x20, 1, ...Array<number>(13).fill(0), 9]] };
    expect(await resolve("service.example", signal)).to.deep.equal([
      { address: "192.0.2.7", family: 4 },
      { address: "2001::9", family: 6 },
    ]);
  });

  it("is content with one of them", async () => {
    answers = { [AAAA]: [[0x20, 1, ...Array<number>(13).fill(0), 9]] };
    expect(await resolve("service.example", signal)).to.have.length(1);
  });

  it("fails for a name that there is not", async () => {
    expect((await failureOf(resolve("nobody.example", signal))).code).to.equal("ENOTFOUND");
  });

  for (const name of ["localhost", "LOCALHOST", "localhost.", "a.localhost"]) {
    it(`queries no server for ${name}`, async () => {
      const found = await resolve(name, signal);
      expect(found.map(({ address }) => address)).to.deep.equal(["127.0.0.1", "::1"]);
      expect(asked).to.equal(0);
    });
  }

  it("is cancelled when its caller stops waiting, even if the name server is silent", async () => {
    const abort = new AbortController();
    const first = new Promise<void>((silent) => {
      onQuestion = () => {
        silent();
      };
    });
    const failed = failureOf(resolve("silent.example", abort.signal));
    await first;
    abort.abort();
    expect((await failed).code).to.equal("ECANCELLED");
  });

  it("does not start for a caller that has already stopped waiting", async () => {
    const reason = new Error("over");
    expect(await failureOf(resolve("a.example", AbortSignal.abort(reason)))).to.equal(reason);
    expect(asked).to.equal(0);
  });
});

/** A DNS answer (RFC 1035, section 4) that repeats the question. */
function answerTo(query: Buffer, answers: Partial<Record<number, number[][]>>): Buffer {
  let end = 12;
  while (query[end] !== 0) end += (query[end] ?? 0) + 1;
  const question = query.subarray(12, end + 5);
  const kind = query.readUInt16BE(end + 1);
  const records = answers[kind] ?? [];
  const exists = Object.keys(answers).length > 0;
  const head = Buffer.alloc(12);
  query.copy(head, 0, 0, 2);
  // An answer, recursion available; name error where there is nothing at all.
  head.writeUInt16BE(0x8180 | (exists ? 0 : 3), 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(records.length, 6);
  return Buffer.concat([head, question, ...records.map((address) => record(kind, address))]);
}

function record(kind: number, address: readonly number[]): Buffer {
  const fields = Buffer.alloc(12);
  // A pointer to the name in the question.
  fields.writeUInt16BE(0xc00c, 0);
  fields.writeUInt16BE(kind, 2);
  fields.writeUInt16BE(1, 4);
  fields.writeUInt32BE(60, 6);
  fields.writeUInt16BE(address.length, 10);
  return Buffer.concat([fields, Buffer.from(address)]);
}
