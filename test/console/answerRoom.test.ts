import { expect } from "chai";
import { AnswerRoom } from "../../src/console/answerRoom.ts";
import { passRpc } from "../../src/console/rpcPath.ts";
import type { Fetch } from "../../src/console/upstream.ts";
import { until } from "../support/until.ts";

const { signal } = new AbortController();
const PIECE = 1_000;

describe("the room for answers of the servers behind the console", () => {
  it("is bounded for one client and for all, however many answers are under way", async () => {
    const asked: string[] = [];
    const ends = new Set<() => void>();
    /** An endpoint whose answer stops before its last piece, until it is told to end. */
    const fetch: Fetch = (url) => {
      asked.push(url);
      let end = (): void => undefined;
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(Buffer.alloc(PIECE, " "));
          end = () => {
            controller.close();
          };
          ends.add(end);
        },
        cancel() {
          ends.delete(end);
        },
      });
      return Promise.resolve(new Response(body));
    };
    const room = new AnswerRoom({ total: 3 * PIECE, perPeer: 2 * PIECE });
    const ask = (address: string) =>
      room.hold(address, (claim) =>
        passRpc(["first", "second"], { text: "{}", calls: 1 }, signal, fetch, claim),
      );
    const answers: Promise<unknown>[] = [];
    const hold = async (address: string) => {
      const before = room.size;
      answers.push(ask(address));
      await until("the answer has begun", () => room.size > before);
    };
    const refused = async (address: string) => {
      const error: unknown = await ask(address).catch((thrown: unknown) => thrown);
      expect(error).to.have.property("code", "CONSOLE_BUSY");
    };

    await hold("192.0.2.1");
    await hold("192.0.2.1");
    await refused("192.0.2.1");
    await hold("198.51.100.1");
    await refused("203.0.113.1");
    // The second endpoint is not asked where the room is what is missing.
    expect(asked).to.deep.equal(Array.from({ length: 5 }, () => "first"));

    const endAll = async () => {
      for (const end of ends) end();
      ends.clear();
      await Promise.all(answers);
      expect(room.size).to.equal(0);
    };
    await endAll();
    await hold("192.0.2.1");
    await endAll();
  });
});
