import { expect } from "chai";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { systemScheduler } from "../../../src/node/scheduler.ts";
import { defaultGateway } from "../../../src/sal/upgrade/mapping/defaultGateway.ts";
import { NatPmp } from "../../../src/sal/upgrade/mapping/natPmp.ts";
import { PortMapper } from "../../../src/sal/upgrade/mapping/portMapper.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { FakeClock } from "../rig/fakeClock.ts";

const NEVER = new AbortController().signal;

describe("a gateway that is asked to lead a port here", () => {
  describe("over the network", () => {
    let gateway: Socket;
    let asked: Buffer[];
    let answer: (question: Buffer) => Buffer[];
    let pmp: NatPmp;

    beforeEach(async () => {
      asked = [];
      answer = () => [];
      gateway = createSocket("udp4");
      gateway.on("message", (question, { address, port }) => {
        asked.push(question);
        for (const each of answer(question)) gateway.send(each, port, address);
      });
      gateway.bind(0, "127.0.0.1");
      await once(gateway, "listening");
      pmp = new NatPmp({ address: "127.0.0.1", port: gateway.address().port }, systemScheduler);
    });
    afterEach(() => {
      gateway.close();
    });

    const address = Buffer.from("0080000000000001" + "08080808", "hex");
    const mapped = Buffer.from("0082000000000001" + "20fb115c00000e10", "hex");

    it("says its address, and gives a port for a time (RFC 6886)", async () => {
      answer = ([, kind]) => [kind === 0 ? address : mapped];
      expect(await pmp.address(NEVER)).to.equal("8.8.8.8");
      const mapping = await pmp.map(8_443, 4_444, 3_600, NEVER);
      expect(mapping).to.deep.equal({ externalPort: 4_444, seconds: 3_600 });
      expect(asked.map((each) => each.toString("hex"))).to.deep.equal([
        "0000",
        "0002000020fb115c00000e10",
      ]);
    });

    it("may send anything before its answer: what is no answer is passed over", async () => {
      const junk = ["", "00", "0082", "01820000000000010000000000000000", "0081000000000001"];
      const others = ["0082000000000001" + "0001115c00000e10", `${mapped.toString("hex")}00`];
      const all = [...junk, ...others].map((hex) => Buffer.from(hex, "hex"));
      answer = () => [...all, Buffer.alloc(60_000, 0x82), mapped];
      expect((await pmp.map(8_443, 4_444, 3_600, NEVER)).externalPort).to.equal(4_444);
    });

    it("that refuses is told from one that is silent", async () => {
      answer = () => [Buffer.from("0082000200000001", "hex")];
      const refusal = await pmp.map(8_443, 4_444, 3_600, NEVER).catch((error: unknown) => error);
      expect(refusal).to.include({ code: "MAPPING_FAILED" });
      expect((refusal as Error).message).to.include("does not allow");
      answer = () => [];
      const silence = await pmp.address(NEVER).catch((error: unknown) => error);
      expect((silence as Error).message).to.include("does not answer");
      // One refusal, and three tries.
      expect(asked).to.have.length(4);
    });
  });

  describe("by a provider", () => {
    const clock = new FakeClock();
    let calls: [internal: number, external: number, seconds: number][];
    let external: string;
    let given: number;
    let log: MemoryLog;
    let mapper: PortMapper;

    beforeEach(() => {
      calls = [];
      external = "8.8.8.8";
      given = 8_443;
      log = new MemoryLog();
      const gateway = {
        address: () => Promise.resolve(external),
        map: (internal: number, wished: number, seconds: number) => {
          calls.push([internal, wished, seconds]);
          return Promise.resolve({ externalPort: given, seconds });
        },
      };
      mapper = new PortMapper(() => 8_443, { gateway: () => gateway, clock, log });
    });

    it("is asked again before the lease ends, and takes the port away at the end", async () => {
      await mapper.start();
      await clock.advance(1);
      expect(mapper.candidate).to.deep.include({ address: "8.8.8.8", port: 8_443 });
      await clock.advance(1_800_000);
      await mapper.stop();
      expect(calls).to.deep.equal([
        [8_443, 8_443, 3_600],
        [8_443, 8_443, 3_600],
        [8_443, 0, 0],
      ]);
      expect(mapper.candidate).to.equal(undefined);
      await clock.advance(10_000_000);
      expect(calls).to.have.length(3);
    });

    it("leads the port to the process that takes this one's place: it is not taken away", async () => {
      await mapper.start();
      await clock.advance(1);
      mapper.leave();
      expect(mapper.candidate).to.equal(undefined);
      await clock.advance(10_000_000);
      await mapper.stop();
      expect(calls).to.deep.equal([[8_443, 8_443, 3_600]]);
    });

    it("is of no use behind another NAT, and with a low port, which is given back", async () => {
      external = "100.64.1.2";
      await mapper.start();
      await clock.advance(1);
      expect(mapper.candidate).to.equal(undefined);
      expect(mapper.failure).to.include("another NAT");
      expect(calls).to.deep.equal([]);
      external = "8.8.8.8";
      given = 25;
      await clock.advance(600_000);
      expect(mapper.candidate).to.equal(undefined);
      expect(calls.at(-1)).to.deep.equal([8_443, 0, 0]);
      await mapper.stop();
    });
  });

  it("is that of the default route", () => {
    const table = [
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
      "eth0\t00000000\t014DA8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0",
      "wlan0\t00000000\t010AA8C0\t0003\t0\t0\t50\t00000000\t0\t0\t0",
      "eth0\t004DA8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0",
    ].join("\n");
    expect(defaultGateway(() => table)).to.equal("192.168.10.1");
    expect(defaultGateway(() => "")).to.equal(undefined);
    const missing = () => {
      throw new Error("ENOENT");
    };
    expect(defaultGateway(missing)).to.equal(undefined);
  });
});
