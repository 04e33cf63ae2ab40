import { expect } from "chai";
import { locateBy } from "../../../src/auditor/inspection/locator.ts";
import type { AuditedService } from "../../../src/chain/services.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import type { Endpoint } from "../../../src/protocol/record.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import type { Answer } from "../../../src/resolver/answer.ts";
import { failureOf } from "../../support/httpClient.ts";

const service = { number: 7n, key: `0x${"1".repeat(40)}` } as AuditedService;
const at = (uri: string, priority = 0): Endpoint => ({ uri, priority, weight: 1 });
const { signal } = new AbortController();

describe("locateBy", () => {
  let endpoints: Endpoint[] | Error;
  let announced: Endpoint[] | undefined;
  let asked: string[];

  const locate = locateBy(
    {
      resolve: async (name) => {
        asked.push(name);
        if (endpoints instanceof Error) throw endpoints;
        return { endpoints } as unknown as Answer;
      },
    },
    {
      refresh: async () => {
        asked.push("refresh");
      },
      record: (number, key) =>
        announced && number === 7n && key === service.key
          ? ({ endpoints: announced } as never)
          : undefined,
    },
  );

  beforeEach(() => {
    [endpoints, announced, asked] = [[], undefined, []];
  });

  it("asks the resolver, as any user does, and keeps its order", async () => {
    endpoints = [at("http://b"), at("http://a")];
    expect(await locate(service, signal)).to.deep.equal(endpoints);
    expect(asked).to.deep.equal([rootServiceId(7n)]);
  });

  for (const code of ["RECORD_MISSING", "RECORD_STALE", "SERVICE_UNKNOWN"]) {
    it(`finds nothing on ${code}: the service publishes nothing that holds`, async () => {
      endpoints = new BlockcloudError(code, "");
      announced = [at("http://old")];
      expect(await locate(service, signal)).to.deep.equal([]);
    });
  }

  it("follows the announcement of a service that is leaving, to the end of the epoch", async () => {
    endpoints = new BlockcloudError("SERVICE_INACTIVE", "Maintenance.");
    expect(await locate(service, signal)).to.deep.equal([]);
    announced = [at("http://b", 2), at("http://a", 1)];
    expect((await locate(service, signal)).map(({ uri }) => uri)).to.deep.equal([
      "http://a",
      "http://b",
    ]);
    expect(asked.at(-1), "what was announced until now").to.equal("refresh");
  });

  for (const code of ["RESOLVER_UNREACHABLE", "RESOLVER_BUSY"]) {
    it(`throws a retryable error on ${code}`, async () => {
      endpoints = new BlockcloudError(code, "");
      expect(await failureOf(locate(service, signal))).to.have.property("code", code);
    });
  }
});
