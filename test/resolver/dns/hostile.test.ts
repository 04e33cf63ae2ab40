import { expect } from "chai";
import fc from "fast-check";
import { DnsRig, framed, queryFor, rcodeOf } from "../../support/dnsRig.ts";
import { answerOf } from "../../support/fakeResolver.ts";

const FORMERR = 1;
/** Packets of a property, in front of each of which and after all of which a good query is answered. */
const RUNS = 2_000;

/** A query that is damaged in places. */
const damaged = fc
  .tuple(
    fc.constantFrom(
      queryFor({}),
      queryFor({ size: 1232 }),
      queryFor({ rrtype: "TXT", name: "_record.weather.bloc.alt", size: 512 }),
    ),
    fc.array(fc.tuple(fc.nat(100), fc.nat(255)), { maxLength: 6 }),
    fc.nat(100),
    fc.uint8Array({ maxLength: 20 }),
  )
  .map(([query, changes, cut, tail]) => {
    const bytes = Buffer.concat([query.subarray(0, Math.max(cut, 4)), tail]);
    for (const [place, value] of changes) if (place < bytes.length) bytes[place] = value;
    return bytes;
  });

describe("hostile DNS packets", () => {
  let rig: DnsRig;

  beforeEach(async () => {
    rig = new DnsRig();
    rig.resolver.set("weather.bloc.alt", answerOf(7n));
    await rig.start();
  });
  afterEach(() => rig.stop());

  /** Sends packets under ID 1, asks under ID 2, and gives the answers to the former. */
  async function answersTo(...packets: Uint8Array[]): Promise<Buffer[]> {
    const answers: Buffer[] = [];
    for (const packet of packets) {
      const bytes = Buffer.from(packet);
      if (bytes.length >= 2) bytes.writeUInt16BE(1);
      rig.send(bytes);
    }
    const good = queryFor({ id: 2 });
    rig.send(good);
    for (;;) {
      const answer = await rig.next();
      if (answer.readUInt16BE() === 2) {
        expect(rcodeOf(answer)).to.equal(0);
        return answers;
      }
      answers.push(answer);
    }
  }

  async function holds(packets: fc.Arbitrary<Uint8Array>): Promise<void> {
    await fc.assert(
      fc.asyncProperty(packets, async (packet) => {
        for (const answer of await answersTo(packet)) {
          // An answer, with the header whole, never longer than a client must take, and none of twice.
          expect(answer.length).to.be.within(12, 1232);
          expect(answer[2]! & 0x80).to.equal(0x80);
          if (rcodeOf(answer) === FORMERR) expect(answer.length).to.be.below(packet.length + 12);
        }
      }),
      { numRuns: RUNS },
    );
    expect(rig.log.said("error")).to.deep.equal([]);
    expect(rig.log.said("warn")).to.deep.equal([]);
  }

  it("random bytes do not disturb it", async () => {
    await holds(fc.uint8Array({ maxLength: 600 }));
  });

  it("damaged queries do not disturb it", async () => {
    await holds(damaged);
  });

  it("10,000 in a row leave nothing behind", async () => {
    const packets = fc.sample(fc.oneof(damaged, fc.uint8Array({ maxLength: 80 })), 10_000);
    for (let at = 0; at < packets.length; at += 50) await answersTo(...packets.slice(at, at + 50));
    expect(rig.log.said("error")).to.deep.equal([]);
  });

  const header = (...counts: number[]) => {
    const bytes = Buffer.alloc(12);
    counts.forEach((count, index) => bytes.writeUInt16BE(count, 4 + 2 * index));
    return bytes;
  };
  const question = queryFor({}).subarray(12);
  const opt = Buffer.from("00002904d0000000000000", "hex");
  const malformed: Record<string, Uint8Array> = {
    "no question": header(0),
    "two questions": Buffer.concat([header(2), question, question]),
    "a name that points to itself": Buffer.concat([header(1), Buffer.from("c00c00010001", "hex")]),
    "a name that points to its end": Buffer.concat([
      header(1),
      Buffer.from("0161c00e00010001", "hex"),
    ]),
    "a label of a reserved kind": Buffer.concat([header(1), Buffer.from("8000010001", "hex")]),
    "a name without end": Buffer.concat([header(1), Buffer.alloc(300, 1)]),
    "a name of 256 bytes": Buffer.concat([
      header(1),
      ...Array<Buffer>(127).fill(Buffer.from("0161", "hex")),
      Buffer.from("01610000010001", "hex"),
    ]),
    "a name and nothing more": Buffer.concat([header(1), question.subarray(0, -3)]),
    "an answer in a query": Buffer.concat([header(1, 1), question]),
    "an authority in a query": Buffer.concat([header(1, 0, 1), question]),
    "a record that is not there": Buffer.concat([header(1, 0, 0, 1), question]),
    "65,535 records": Buffer.concat([header(1, 0, 0, 65_535), question, opt]),
    "two OPT records": Buffer.concat([header(1, 0, 0, 2), question, opt, opt]),
    "OPT at another name": Buffer.concat([header(1, 0, 0, 1), question, Buffer.of(1, 97), opt]),
    "OPT longer than the packet": Buffer.concat([
      header(1, 0, 0, 1),
      question,
      Buffer.from("00002904d0000000000009", "hex"),
    ]),
    "an option longer than OPT": Buffer.concat([
      header(1, 0, 0, 1),
      question,
      Buffer.from("00002904d00000000000050003000900", "hex"),
    ]),
    "bytes after the end": Buffer.concat([header(1), question, Buffer.of(0)]),
  };
  for (const [what, packet] of Object.entries(malformed)) {
    it(`answers FORMERR to ${what}`, async () => {
      expect((await answersTo(packet)).map(rcodeOf)).to.deep.equal([FORMERR]);
    });
  }

  it("takes no more than a header for a packet, and an answer for no question", async () => {
    const answer = queryFor({ type: "response" });
    expect(await answersTo(Buffer.alloc(11), Buffer.of(), answer)).to.deep.equal([]);
  });

  it("takes records that it does not know, and their compressed names, for what they are", async () => {
    const tsig = Buffer.from("c00c00fa00ff00000000000401020304", "hex");
    const signed = Buffer.concat([header(1, 0, 0, 2), question, opt, tsig]);
    expect((await answersTo(signed)).map(rcodeOf)).to.deep.equal([0]);
  });

  it("cuts a TCP connection that speaks something else", async () => {
    expect(await rig.overTcp(Buffer.from("GET / HTTP/1.1\r\n\r\n"))).to.deep.equal([]);
    expect(await rig.overTcp(framed(Buffer.alloc(5)))).to.deep.equal([]);
    expect(await rig.overTcp(framed(queryFor({ type: "response" })))).to.deep.equal([]);
    const [bad] = await rig.overTcp(framed(header(0)));
    expect(rcodeOf(bad!)).to.equal(FORMERR);
    await answersTo();
  });
});
