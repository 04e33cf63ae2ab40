import { expect } from "chai";
import { once } from "node:events";
import type { Socket } from "node:net";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { FakeTimers } from "../../support/fakeTime.ts";
import { drained, ProxyRig } from "../../support/proxyRig.ts";
import { settled } from "../../support/settled.ts";

const NAME = "weather.bloc.alt";
const CONNECT = `CONNECT ${NAME}:22 HTTP/1.1\r\nHost: ${NAME}:22\r\n\r\n`;
const ESTABLISHED = "HTTP/1.1 200 Connection established\r\n\r\n";

for (const plain of [false, true]) {
  describe(`a program's connection joined with a flow that is ${plain ? "no" : "a"} socket`, () => {
    let rig: ProxyRig;
    let timers: FakeTimers;
    /** The service's ends. */
    let services: Socket[];
    let arrival: PromiseWithResolvers<Socket>;

    beforeEach(async () => {
      rig = new ProxyRig({ plain });
      timers = new FakeTimers();
      services = [];
      arrival = Promise.withResolvers();
      await rig.tcp(NAME, (socket) => {
        services.push(socket);
        arrival.resolve(socket);
      });
    });
    afterEach(async () => {
      const stopped = rig.stop();
      await timers.play(stopped);
    });

    /** The two ends: the program's and the service's. */
    async function joined(): Promise<{ program: Socket; service: Socket }> {
      const program = await rig.connect();
      program.write(CONNECT);
      const [head] = (await once(program, "data")) as [Buffer];
      expect(head.toString()).to.equal(ESTABLISHED);
      return { program, service: services.at(-1)! };
    }

    it("each direction ends by itself: the service still answers a program that has finished", async () => {
      await rig.start({}, { timers });
      const { program, service } = await joined();
      let question = "";
      service.on("data", (data: Buffer) => (question += data.toString()));
      const answered = drained(program);
      program.end("the whole question");
      await once(service, "end");
      expect(question).to.equal("the whole question");
      service.end("the whole answer");
      expect(await answered).to.deep.equal({ text: "the whole answer", reset: false });
      expect(rig.closed).to.deep.equal([{ form: "connect", up: 18, down: 16 }]);
    });

    it("a program that finishes without a word still reads", async () => {
      await rig.start({}, { timers });
      const program = await rig.connect();
      program.end(CONNECT);
      const answered = drained(program);
      const service = await arrival.promise;
      service.resume();
      await once(service, "end");
      service.end("a greeting");
      expect(await answered).to.deep.equal({ text: `${ESTABLISHED}a greeting`, reset: false });
    });

    it("the program still sends to a service that has finished", async () => {
      await rig.start({}, { timers });
      const { program, service } = await joined();
      service.resume().end("first word");
      const [word] = (await once(program, "data")) as [Buffer];
      expect(word.toString()).to.equal("first word");
      program.resume();
      await once(program, "end");
      const heard = once(service, "data");
      program.end("last word");
      expect(String((await heard)[0])).to.equal("last word");
    });

    it("a flow that is lost resets the program", async () => {
      await rig.start({}, { timers });
      const { program, service } = await joined();
      const received = drained(program);
      service.resetAndDestroy();
      expect((await received).reset).to.equal(true);
    });

    it("a flow that fails after the service has finished still resets the program", async () => {
      await rig.start({}, { timers });
      const { program, service } = await joined();
      service.end("all of it");
      program.resume();
      await once(program, "end");
      const lost = once(rig.flows[0]!, "close");
      rig.flows[0]!.destroy(new BlockcloudError("KEY_CHANGED", "The key has changed."));
      await lost.catch(() => {});
      // The reset has no reader any more; the next write meets it.
      const failed = once(program, "error");
      await settled(() => rig.closed.length);
      program.write("more");
      expect((await failed)[0]).to.have.property("code", "EPIPE");
      expect(rig.log.lines.at(-1)!.fields).to.have.property("cause", "KEY_CHANGED");
    });

    it("a flow that closes without an end is lost, too", async () => {
      await rig.start({}, { timers });
      const { program } = await joined();
      const received = drained(program);
      rig.flows[0]!.destroy();
      expect((await received).reset).to.equal(true);
    });

    it("a program that resets its connection resets the flow", async () => {
      await rig.start({}, { timers });
      const { program } = await joined();
      const [flow] = rig.flows;
      const failed = once(flow!, "error");
      program.resetAndDestroy();
      expect((await failed)[0]).to.have.property("code", "ECONNRESET");
    });

    it("a reader that stands still stops the writer, and loses nothing", async () => {
      await rig.start({}, { timers });
      const { program, service } = await joined();
      program.pause();
      let written = 0;
      const chunk = Buffer.alloc(64 * 1024, "x");
      const fill = () => {
        while (service.write(chunk)) written += chunk.length;
        written += chunk.length;
      };
      service.on("drain", fill);
      fill();
      // Buffers of two sockets, and what the proxy may hold: no more than its streams' own marks.
      await settled(() => written);
      const held = rig.flows[0]!.readableLength + rig.flows[0]!.writableLength;
      expect(held).to.be.at.most(256 * 1024);
      service.off("drain", fill);
      service.end();
      let read = 0;
      program.on("data", (data: Buffer) => (read += data.length));
      program.resume();
      await once(program, "end");
      expect(read).to.equal(written);
    });

    it("silence is no reason to close, unless a direction has ended", async () => {
      await rig.start({ halfClosedMs: 1_000 }, { timers });
      const { program, service } = await joined();
      await timers.advance(1_000_000);
      program.write("still here");
      expect(String((await once(service, "data"))[0])).to.equal("still here");
      program.end();
      service.resume();
      await once(service, "end");
      // Bytes in the other direction begin the wait again.
      await timers.advance(900);
      service.write("a little");
      await once(program, "data");
      await timers.advance(900);
      expect(program.destroyed).to.equal(false);
      const failed = once(program, "error");
      await timers.advance(1_200);
      expect((await failed)[0]).to.have.property("code", "ECONNRESET");
      expect(rig.log.lines.at(-1)!.fields).to.have.property("cause", "FLOW_IDLE");
    });

    it("an idle time, where one is set, closes a connection that carries nothing", async () => {
      await rig.start({ idleMs: 1_000 }, { timers });
      const { program } = await joined();
      const failed = once(program, "error");
      await timers.advance(1_000);
      expect((await failed)[0]).to.have.property("code", "ECONNRESET");
    });

    it("stopping waits for connections, then resets them", async () => {
      await rig.start({ drainMs: 5_000 }, { timers });
      const { program, service } = await joined();
      const stopped = rig.proxy.stop();
      await timers.advance(4_000);
      service.write("one more");
      expect(String((await once(program, "data"))[0])).to.equal("one more");
      const received = drained(program);
      await timers.advance(1_000);
      expect((await received).reset).to.equal(true);
      await stopped;
    });

    it("stopping ends at once when the connections have", async () => {
      await rig.start({ drainMs: 5_000 }, { timers });
      const { program, service } = await joined();
      const stopped = rig.proxy.stop();
      service.resume().end();
      program.resume().end();
      await stopped;
    });
  });
}
