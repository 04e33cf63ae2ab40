import { expect } from "chai";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { rawName } from "../../../../src/protocol/name.ts";
import { MappedRig } from "../../../support/mappedRig.ts";
import { curl, drained } from "../../../support/proxyRig.ts";
import { FakeTimers } from "../../../support/fakeTime.ts";
import { BlockcloudError } from "../../../../src/protocol/errors.ts";

const NAME = "weather.bloc.alt";

describe("services at mapped addresses", () => {
  let rig: MappedRig;

  beforeEach(() => {
    rig = new MappedRig();
  });
  afterEach(() => rig.stop());

  it("a program reaches a service by its name, with no setting", async function () {
    if (spawnSync("curl", ["--version"]).error !== undefined) this.skip();
    await rig.start();
    const serviceId = await rig.web(NAME);
    const address = await rig.address(NAME);
    const { exit, body } = await curl(
      ...["--resolve", `${NAME}:${rig.port}:${address}`],
      `http://${NAME}:${rig.port}/forecast`,
    );
    expect(exit).to.equal(0);
    expect(body.toString()).to.equal(`${NAME} /forecast ${NAME}:${rig.port}`);
    expect(rig.proxy.dialled.map(({ host, port, client }) => [host, port, client.form])).to.eql([
      [rawName(serviceId), rig.port, "mapped"],
    ]);
  });

  it("a server that speaks first is heard at once, and both directions end by themselves", async () => {
    await rig.start();
    await rig.tcp(NAME, (socket) => {
      socket.write("220 ready\r\n");
      socket.once("data", (data: Buffer) => {
        socket.end(`got ${data.toString()}`);
      });
    });
    const socket = await rig.connect(NAME);
    const [greeting] = (await once(socket, "data")) as [Buffer];
    expect(greeting.toString()).to.equal("220 ready\r\n");
    socket.end("HELO");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).to.equal("got HELO");
    await once(socket, "close");
  });

  it("a service that cannot be reached says why to its own pages, and nothing to others", async () => {
    // No time passes.
    await rig.start({}, {}, { timers: new FakeTimers() });
    const serviceId = rig.service(NAME);
    const error = new BlockcloudError("PORT_REFUSED", "It offers port 80.");
    rig.proxy.fails(rawName(serviceId), error);
    for (const [host, answer] of [
      [NAME, /^HTTP\/1\.1 403 [^]*"PORT_REFUSED"/],
      ["evil.example", /^$/],
    ] as const) {
      const socket = await rig.connect(NAME);
      const all = drained(socket);
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      expect((await all).text).to.match(answer);
    }
  });

  it("half a line waits for its end, but not for ever", async () => {
    const timers = new FakeTimers();
    await rig.start({}, { connectMs: 2 ** 30 }, { timers });
    const arrived = Promise.withResolvers<string>();
    await rig.tcp(NAME, (socket) => {
      socket.once("data", (data: Buffer) => {
        arrived.resolve(data.toString());
      });
    });
    const socket = await rig.connect(NAME);
    socket.write("LOGIN");
    expect(await timers.play(arrived.promise)).to.equal("LOGIN");
    socket.resetAndDestroy();
  });

  it("a program that sends a little, ends and waits gets the answer", async () => {
    await rig.start();
    await rig.tcp(NAME, (socket) => {
      let all = "";
      socket.on("data", (data: Buffer) => (all += data.toString()));
      socket.once("end", () => socket.end(all.toUpperCase()));
    });
    const socket = await rig.connect(NAME);
    socket.end("abc");
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect(answer.toString()).to.equal("ABC");
    await once(socket, "close");
  });
});
