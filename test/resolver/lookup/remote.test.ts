import { expect } from "chai";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { resolveErrors } from "../../../src/resolver/answer.ts";
import { answerToJson, type AnswerJson } from "../../../src/resolver/answerSchema.ts";
import { RemoteResolver } from "../../../src/resolver/lookup/remote.ts";
import { verifyAnswer } from "../../../src/resolver/verify/verifyAnswer.ts";
import {
  domain,
  nameRecord,
  rootRecord,
  START,
  subId,
  subRecord,
  testKey,
} from "../../support/coralKit.ts";
import { codeOf, failureOf } from "../../support/failure.ts";
import { ResolverRig } from "../../support/resolverRig.ts";

const KEY = testKey(1);
const THIEF = testKey(9);
const DEVICE = testKey(3);
const SEVEN = rootServiceId(7n);
const EIGHT = rootServiceId(8n);
const DEVICE_ID = subId(7n, DEVICE);
const LABEL = "weather.bloc.alt";
const SUB = "sensor.weather.bloc.alt";

describe("what another resolver answers", () => {
  let rig: ResolverRig;
  let server: Server;
  let url: string;
  let handle: (request: IncomingMessage, response: ServerResponse) => void;
  /** The truth, which lies are made of. */
  let honest: { root: AnswerJson; label: AnswerJson; sub: AnswerJson; device: AnswerJson };

  before(async () => {
    server = createServer((request, response) => {
      handle(request, response);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });

  beforeEach(async () => {
    rig = new ResolverRig();
    for (const number of [7n, 8n])
      rig.directory.set(number, KEY, { verdicts: [{ epoch: 5, verdict: 3 }] });
    rig.directory.label("weather", 7n);
    rig.network.put(rootRecord(7n, KEY, { issuedAt: START }), KEY);
    rig.network.put(rootRecord(8n, KEY, { issuedAt: START }, "https://eight.example"), KEY);
    rig.network.put(subRecord(7n, { root: KEY, self: DEVICE }, { issuedAt: START }), KEY);
    rig.network.putName(
      nameRecord(7n, KEY, { label: "sensor", serviceId: DEVICE_ID }, { issuedAt: START }),
    );
    await rig.resolver.start();
    const answer = async (name: string) => answerToJson(await rig.resolver.resolve(name));
    honest = {
      ...{ root: await answer(SEVEN), label: await answer(LABEL) },
      ...{ sub: await answer(SUB), device: await answer(DEVICE_ID) },
    };
  });
  afterEach(async () => {
    await rig.resolver.stop();
  });

  const serve = (status: number, body: unknown) => {
    handle = (_, response) => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    };
  };
  const ask = async (hops: readonly string[] = ["me"], serviceId = SEVEN) => {
    const { directory, now } = rig;
    const remote = new RemoteResolver({ domain }, { directory, now, revokedUpTo: () => undefined });
    return remote.resolve(url, serviceId, hops, new AbortController().signal);
  };
  const verify = (json: unknown, asked: string) => {
    return verifyAnswer(json, asked, { directory: rig.directory, domain, now: rig.now() });
  };

  it("is taken when it is true, with all that the record and the chain say", async () => {
    for (const [asked, json] of [
      [SEVEN, honest.root],
      [LABEL, honest.label],
      [SUB, honest.sub],
      [DEVICE_ID, honest.device],
    ] as const) {
      const { answer, unconfirmed } = await verify(json, asked);
      expect(answerToJson(answer)).to.deep.equal(json);
      expect(unconfirmed).to.deep.equal([]);
    }
  });

  it("is asked for by path, with the resolvers that it has passed", async () => {
    let asked: [string | undefined, string | undefined] | undefined;
    handle = (request, response) => {
      asked = [request.url, request.headers["resolver-path"] as string | undefined];
      response.end(JSON.stringify(honest.root));
    };
    const found = await ask(["a", "b"]);
    expect(asked).to.deep.equal([`/base/v1/resolve/${SEVEN}`, "a,b"]);
    expect(found).to.include({ source: "resolver", superseded: false });
    expect(found.checked.record.endpoints[0]?.uri).to.equal("https://a.example");
  });

  const foreign = () => rootRecord(7n, THIEF, { issuedAt: START }, "https://thief.example");
  const lies: [string, string, (truth: typeof honest) => [string, unknown]][] = [
    ["another service", "ANSWER_SERVICE", (t) => [EIGHT, t.root]],
    [
      "another service's record",
      "ANSWER_SERVICE",
      ({ root }) => {
        return [
          SEVEN,
          { ...root, record: rootRecord(8n, KEY, { issuedAt: START }, "https://a.example") },
        ];
      },
    ],
    [
      "another service behind a label",
      "ANSWER_SERVICE",
      ({ label }) => {
        return [
          LABEL,
          { ...label, serviceId: EIGHT, record: rootRecord(8n, KEY, { issuedAt: START }) },
        ];
      },
    ],
    ["a sub-service for its root", "ANSWER_SERVICE", (t) => [SEVEN, { ...t.device }]],
    [
      "an endpoint without a signature",
      "ANSWER_ENDPOINTS",
      ({ root }) => {
        return [
          SEVEN,
          { ...root, endpoints: [{ uri: "https://thief.example", priority: 0, weight: 1 }] },
        ];
      },
    ],
    [
      "one endpoint more",
      "ANSWER_ENDPOINTS",
      ({ root }) => {
        const more = { uri: "https://thief.example", priority: 1, weight: 1 };
        return [SEVEN, { ...root, endpoints: [...root.endpoints, more] }];
      },
    ],
    [
      "another weight",
      "ANSWER_ENDPOINTS",
      ({ root }) => {
        return [
          SEVEN,
          { ...root, endpoints: root.endpoints.map((each) => ({ ...each, weight: 9 })) },
        ];
      },
    ],
    [
      "a record of a stolen name's key",
      "RECORD_SIGNER",
      ({ root }) => [SEVEN, { ...root, record: foreign() }],
    ],
    [
      "a record whose bytes were changed",
      "RECORD_SIGNER",
      ({ root }) => {
        const record = root.record!.replace("612e6578616d706c65", "622e6578616d706c65");
        const endpoints = [{ uri: "https://b.example", priority: 0, weight: 1 }];
        return [SEVEN, { ...root, record, endpoints }];
      },
    ],
    [
      "a record that ran out",
      "RECORD_EXPIRED",
      ({ root }) => {
        return [SEVEN, { ...root, record: rootRecord(7n, KEY, { issuedAt: START - 60_000 }) }];
      },
    ],
    [
      "a longer lease",
      "ANSWER_TIMES",
      (t) => [SEVEN, { ...t.root, expiresAt: t.root.expiresAt + 1 }],
    ],
    [
      "a later version",
      "ANSWER_TIMES",
      (t) => [SEVEN, { ...t.root, issuedAt: t.root.issuedAt + 1 }],
    ],
    [
      "no record at all",
      "ANSWER_UNSIGNED",
      (t) => [SEVEN, { ...t.root, record: undefined, source: "table" }],
    ],
    ["a name that was not asked for", "ANSWER_NAME", (t) => [SEVEN, { ...t.root, name: LABEL }]],
    ["no name record", "ANSWER_NAME", (t) => [SUB, { ...t.sub, nameRecord: undefined }]],
    [
      "a name record of a thief",
      "NAME_RECORD_SIGNER",
      ({ sub }) => {
        const label = { label: "sensor", serviceId: DEVICE_ID };
        return [SUB, { ...sub, nameRecord: nameRecord(7n, THIEF, label, { issuedAt: START }) }];
      },
    ],
    [
      "another name's record",
      "NAME_RECORD_OTHER",
      (t) => ["other.weather.bloc.alt", { ...t.sub, name: "other.weather.bloc.alt" }],
    ],
    [
      "a delegation of a thief",
      "DELEGATION_SIGNER",
      ({ device }) => {
        return [
          DEVICE_ID,
          { ...device, record: subRecord(7n, { root: THIEF, self: DEVICE }, { issuedAt: START }) },
        ];
      },
    ],
    [
      "another key",
      "ANSWER_FACTS",
      ({ root }) => {
        return [SEVEN, { ...root, service: { ...root.service, key: SEVEN.slice(0, 42) } }];
      },
    ],
    [
      "a better verdict",
      "ANSWER_FACTS",
      ({ root }) => {
        return [
          SEVEN,
          { ...root, service: { ...root.service, verdicts: [{ epoch: 5, verdict: 2 }] } },
        ];
      },
    ],
    [
      "endless endpoints",
      "ANSWER_MALFORMED",
      ({ root }) => {
        return [SEVEN, { ...root, endpoints: Array.from({ length: 65 }, () => root.endpoints[0]) }];
      },
    ],
    ["nonsense", "ANSWER_MALFORMED", () => [SEVEN, [1, null]]],
  ];
  for (const [what, expected, tell] of lies) {
    it(`is refused with ${what}`, async () => {
      const [asked, json] = tell(honest);
      expect(codeOf(await failureOf(verify(JSON.parse(JSON.stringify(json)), asked)))).to.equal(
        expected,
      );
      if (!asked.startsWith("0x")) return;
      serve(200, json);
      const refused = await failureOf(ask(["me"], asked as typeof SEVEN));
      expect(codeOf(refused)).to.equal(resolveErrors.unreachable);
    });
  }

  it("is not believed of stake and old verdicts: that is told", async () => {
    const service = {
      ...honest.root.service!,
      stake: "999999",
      verdicts: [{ epoch: 1, verdict: 3 as const }],
    };
    const { answer, unconfirmed } = await verify({ ...honest.root, service }, SEVEN);
    expect(unconfirmed).to.deep.equal(["stake", "verdicts"]);
    expect(answer.service).to.deep.equal(rig.directory.services.get(7n));
  });

  it("is refused for what the chain calls inactive or does not know", async () => {
    rig.directory.set(7n, KEY, { status: "Suspended" });
    expect(codeOf(await failureOf(verify(honest.root, SEVEN)))).to.equal(resolveErrors.inactive);
    rig.directory.services.delete(7n);
    expect(codeOf(await failureOf(verify(honest.root, SEVEN)))).to.equal(resolveErrors.unknown);
  });

  describe("when it is none", () => {
    const problem = (code: string) => ({ type: "about:blank", title: "No.", status: 404, code });

    it("says so, where only it can know", async () => {
      for (const code of [resolveErrors.noRecord, resolveErrors.loop, resolveErrors.dropped]) {
        serve(404, problem(code));
        expect(codeOf(await failureOf(ask()))).to.equal(code);
      }
    });

    it("is not believed where the chain knows better", async () => {
      for (const code of [resolveErrors.unknown, resolveErrors.inactive, "MADE_UP"]) {
        serve(404, problem(code));
        expect(codeOf(await failureOf(ask()))).to.equal(resolveErrors.unreachable);
      }
    });

    it("is out of reach with anything else", async () => {
      for (const [status, body] of [
        ...[
          [200, "{"],
          [200, `"${"x".repeat(40_000)}"`],
          [500, "oops"],
        ],
        [302, ""],
      ] as [number, string][]) {
        serve(status, body);
        expect(codeOf(await failureOf(ask()))).to.equal(resolveErrors.unreachable);
      }
      handle = (_, response) => response.destroy();
      expect(codeOf(await failureOf(ask()))).to.equal(resolveErrors.unreachable);
    });
  });
});
