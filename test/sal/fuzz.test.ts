import { expect } from "chai";
import fc from "fast-check";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import {
  decodeBegin,
  decodeClientHello,
  decodeProviderHello,
  decodeResume,
  decodeResumed,
  encodeBegin,
  encodeClientHello,
  encodeProviderHello,
  encodeResume,
  encodeResumed,
  readProofs,
} from "../../src/sal/handshake/messages.ts";
import { encodeFrame } from "../../src/sal/wire/encode.ts";
import { FrameType } from "../../src/sal/wire/frames.ts";
import { PayloadReader } from "../../src/sal/wire/read.ts";
import { bytesToHex } from "../../src/protocol/bytes.ts";
import { bytes } from "../support/arbitraries.ts";
import { runs } from "../support/runs.ts";
import { RawClient } from "./rig/rawClient.ts";
import { RawProvider } from "./rig/rawProvider.ts";
import { collect, ECHO, SalRig } from "./rig/salRig.ts";

const buffer = (length: number) => bytes(length).map((value) => Buffer.from(value));
const proof = fc.record({
  issuedAt: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  signature: bytes(65).map(bytesToHex),
});
const resumed = fc.record({
  attempt: fc.maxSafeNat(),
  received: fc.maxSafeNat(),
  mac: buffer(32),
});
const clientHello = fc.record({
  nonce: buffer(32),
  versions: fc.array(fc.nat(255), { minLength: 1, maxLength: 16 }),
});
const providerHello = fc.record({
  version: fc.constant(1),
  session: buffer(16),
  instance: buffer(8),
  asksClient: fc.boolean(),
  isLeaving: fc.boolean(),
  proofs: fc.array(proof, { minLength: 1, maxLength: 2 }),
});
const begin = fc.record({
  session: buffer(16),
  proof: fc.option(
    fc.tuple(proof, bytes(20).map(bytesToHex)).map(([rest, client]) => ({ ...rest, client })),
    { nil: undefined },
  ),
});
const resume = fc.tuple(buffer(16), resumed).map(([session, rest]) => ({ session, ...rest }));

/** Good bytes with some changed, cut, or longer. */
function damaged(good: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const changes = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 4 });
  return fc
    .tuple(good, changes, fc.nat(400), fc.uint8Array({ maxLength: 8 }))
    .map(([whole, places, cut, tail]) => {
      const changed = Buffer.concat([whole.subarray(0, cut), tail]);
      for (const [place, value] of places) if (place < changed.length) changed[place] = value;
      return changed;
    });
}

const frames = fc
  .array(
    fc.tuple(
      fc.constantFrom(...Object.values(FrameType), 0x3f, 0x7f, 0x80, 0xff),
      fc.oneof(fc.nat(3), fc.nat(2 ** 30 - 1)),
      fc.oneof(
        fc.constant(Buffer.alloc(0)),
        fc.constant(Buffer.of(0, ECHO, 0)),
        fc.uint8Array({ maxLength: 40 }).map((raw) => Buffer.from(raw)),
        clientHello.map(encodeClientHello),
        begin.map(encodeBegin),
        resume.map(encodeResume),
        resumed.map(encodeResumed),
      ),
    ),
    { maxLength: 6 },
  )
  .map((all) =>
    Buffer.concat(all.map(([type, flow, payload]) => encodeFrame(type, flow, payload))),
  );
const stream = fc.oneof(
  frames,
  damaged(frames),
  fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.from(raw)),
);

describe("hostile payloads of the handshake", () => {
  const formats: Record<
    string,
    {
      decode: (payload: Buffer) => unknown;
      good: fc.Arbitrary<Buffer>;
      value: fc.Arbitrary<unknown>;
    }
  > = {
    "client's HELLO": format(clientHello, encodeClientHello, decodeClientHello),
    "provider's HELLO": format(providerHello, encodeProviderHello, decodeProviderHello),
    BEGIN: format(begin, encodeBegin, decodeBegin),
    RESUME: format(resume, encodeResume, decodeResume),
    RESUMED: format(resumed, encodeResumed, decodeResumed),
  };

  function format<T>(
    value: fc.Arbitrary<T>,
    encode: (value: T) => Buffer,
    decode: (payload: Buffer) => T,
  ) {
    fc.assert(
      fc.property(value, (each) => {
        expect(decode(encode(each))).to.deep.equal(each);
      }),
    );
    return { decode, good: value.map(encode), value };
  }

  for (const [name, { decode, good }] of Object.entries(formats)) {
    it(`a ${name} is read, or refused with a typed error`, () => {
      const any = fc.oneof(
        damaged(good),
        fc.uint8Array({ maxLength: 200 }).map((raw) => Buffer.from(raw)),
      );
      fc.assert(
        fc.property(any, (payload) => {
          typed(() => decode(payload));
          typed(() => readProofs(new PayloadReader(payload)));
        }),
        { numRuns: runs(2_000) },
      );
    });
  }

  function typed(act: () => unknown): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof BlockcloudError)) throw error;
      expect(error.code).to.match(/^SAL_(PROTOCOL|VERSION)$/);
    }
  }
});

/** Many clients of one address, whose sessions nobody ends. */
const LOOSE = {
  handshakeBurst: 10 ** 9,
  openBurst: 10 ** 9,
  maxSessions: 0,
  maxSessionsPerPeer: 0,
  maxFlowsPerPeer: 0,
  maxOrphans: 100,
};

describe("hostile streams", () => {
  it("a provider serves the next client, whatever came before and after a greeting", async () => {
    const rig = new SalRig({ limits: LOOSE });
    await fc.assert(
      fc.asyncProperty(
        stream,
        fc.constantFrom("connect", "greeted", "begun"),
        async (raw, state) => {
          const client = await RawClient[state](rig);
          client.link.write(raw);
          await rig.clock.advance(30);
          client.link.destroy();
          await rig.clock.advance(10);
        },
      ),
      { numRuns: runs(500) },
    );
    for (const error of rig.refused) expect(error).to.be.instanceOf(BlockcloudError);
    const flow = await rig.open();
    const got = collect(flow);
    flow.end("served");
    expect((await rig.clock.play(got)).toString()).to.equal("served");
    rig.stop();
    await rig.clock.advance(20_000);
    expect([rig.provider.sessions, rig.provider.flows, rig.net.open.length]).to.deep.equal([
      0, 0, 0,
    ]);
    expect(rig.clock.waiting).to.equal(0);
  });

  it("a client ends with a typed error or in time, whatever an endpoint says", async () => {
    await fc.assert(
      fc.asyncProperty(stream, fc.boolean(), async (raw, isProven) => {
        const rig = new SalRig();
        RawProvider.replace(rig, (provider) => {
          provider.onHello = (nonce) => {
            if (isProven) provider.hello(nonce);
            rig.clock.after(20, () => {
              provider.link.write(raw);
              provider.link.end();
            });
          };
        });
        const opening = rig.client.connect("weather", ECHO);
        rig.clock.after(12_000, () => {
          rig.client.close();
        });
        let failure: unknown;
        try {
          const flow = await rig.clock.play(opening);
          failure = await rig.clock.play(
            collect(flow).then(
              () => undefined,
              (error: unknown) => error,
            ),
          );
        } catch (error) {
          failure = error;
        }
        if (failure !== undefined) expect(failure).to.be.instanceOf(BlockcloudError);
        rig.stop();
        await rig.clock.advance(20_000);
        expect([rig.net.open.length, rig.clock.waiting]).to.deep.equal([0, 0]);
      }),
      { numRuns: runs(200, 10_000) },
    );
  });
});
