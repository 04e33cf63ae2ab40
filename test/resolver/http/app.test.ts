import { expect } from "chai";
import { createMetrics } from "../../../src/node/metrics.ts";
import { rawName } from "../../../src/protocol/name.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { resolveErrors } from "../../../src/resolver/answer.ts";
import { answerFromJson, problemJsonSchema } from "../../../src/resolver/answerSchema.ts";
import { httpProblems } from "../../../src/resolver/http/problem.ts";
import { batchResultSchema } from "../../../src/resolver/http/schemas.ts";
import { answerOf } from "../../support/fakeResolver.ts";
import { HttpRig } from "../../support/httpRig.ts";

const NAME = "weather.bloc.alt";

describe("The resolver's HTTP answers", () => {
  let rig: HttpRig;

  beforeEach(() => {
    rig = new HttpRig();
    rig.resolver.set(NAME, answerOf(7n));
  });

  const problemOf = async (response: Response) => {
    expect(response.headers.get("content-type")).to.equal("application/problem+json");
    expect(response.headers.get("cache-control")).to.equal("no-store");
    const problem = problemJsonSchema.parse(await response.json());
    expect(problem.status).to.equal(response.status);
    return problem;
  };
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    rig.request("/v1/resolve", {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });

  it("say where a service is, by name, raw name and ID", async () => {
    const id = rootServiceId(7n);
    for (const name of [NAME, rawName(id), id]) {
      const response = await rig.request(`/v1/resolve/${name}`);
      expect([response.status, response.headers.get("content-type")]).to.deep.equal([
        200,
        "application/json",
      ]);
      const answer = answerFromJson(await response.json());
      expect(answer).to.deep.equal(answerOf(7n, { name: name === NAME ? NAME : undefined }));
    }
  });

  it("may be kept as long as the lease runs, half a minute at most", async () => {
    const maxAge = async () =>
      (await rig.request(`/v1/resolve/${NAME}`)).headers.get("cache-control");
    expect(await maxAge()).to.equal("public, max-age=30");
    await rig.timers.advance(50_500);
    expect(await maxAge()).to.equal("public, max-age=9");
    await rig.timers.advance(9_400);
    expect(await maxAge()).to.equal("public, max-age=0");
  });

  it("are not sent again to a client that has them", async () => {
    const etag = async (answer = answerOf(7n)) => {
      rig.resolver.set(NAME, answer);
      return (await rig.request(`/v1/resolve/${NAME}`)).headers.get("etag")!;
    };
    const first = await etag();
    expect(first).to.match(/^W\/"[\w-]{22}"$/);
    for (const tags of [first, first.slice(2), `"x", ${first}`, "*"]) {
      const response = await rig.request(`/v1/resolve/${NAME}`, {
        headers: { "if-none-match": tags },
      });
      expect([response.status, await response.text()], tags).to.deep.equal([304, ""]);
      expect(response.headers.get("etag")).to.equal(first);
      expect(response.headers.get("cache-control")).to.equal("public, max-age=30");
    }
    const headers = { "if-none-match": '"x"' };
    expect((await rig.request(`/v1/resolve/${NAME}`, { headers })).status).to.equal(200);
    const { service } = answerOf(7n);
    expect(await etag(answerOf(7n, { service: { ...service!, block: 101n } }))).to.equal(first);
    expect(await etag(answerOf(7n, { service: { ...service!, stake: 0n } }))).not.to.equal(first);
    expect(await etag(answerOf(7n, { record: "0xbeef" }))).not.to.equal(first);
    expect(await etag(answerOf(7n, { superseded: true }))).not.to.equal(first);
  });

  it("have one order of endpoints or another under one validator", async () => {
    const endpoints = [1, 2].map((n) => ({ uri: `https://${n}.example/`, priority: 0, weight: 1 }));
    const etags = new Set<string | null>();
    for (const order of [endpoints, endpoints.toReversed()]) {
      rig.resolver.set(NAME, answerOf(7n, { endpoints: order }));
      etags.add((await rig.request(`/v1/resolve/${NAME}`)).headers.get("etag"));
    }
    expect(etags.size).to.equal(1);
  });

  it("say why there is none, each code with its status", async () => {
    const statuses: Record<string, number> = {
      [resolveErrors.invalid]: 400,
      [resolveErrors.dropped]: 403,
      [resolveErrors.unknown]: 404,
      [resolveErrors.noRecord]: 404,
      [resolveErrors.inactive]: 409,
      [resolveErrors.delegation]: 410,
      [resolveErrors.stale]: 503,
      [resolveErrors.unreachable]: 503,
      [resolveErrors.busy]: 503,
      [resolveErrors.loop]: 508,
    };
    expect(Object.keys(statuses)).to.have.members(Object.values(resolveErrors));
    for (const [code, status] of Object.entries(statuses)) {
      rig.resolver.fail(NAME, code);
      const response = await rig.request(`/v1/resolve/${NAME}`);
      expect(response.status, code).to.equal(status);
      expect(response.headers.has("retry-after"), code).to.equal(status === 503);
      const problem = await problemOf(response);
      expect(problem.code).to.equal(code);
      expect(problem.title).to.equal(httpProblems[code]?.title);
    }
  });

  it("take no number of a service for a name", async () => {
    for (const name of ["7", "weather", "weather.example", "0x07", "%00", "..%2f"]) {
      const problem = await problemOf(await rig.request(`/v1/resolve/${name}`));
      expect([problem.code, problem.status], name).to.deep.equal(["NAME_INVALID", 400]);
    }
    const long = await problemOf(await rig.request(`/v1/resolve/${"a".repeat(256)}`));
    expect(long.code).to.equal("REQUEST_INVALID");
  });

  it("do not tell the client about internal faults", async () => {
    rig.resolver.gate = Promise.reject(new Error("https://rpc.example/v2/secret"));
    const problem = await problemOf(await rig.request(`/v1/resolve/${NAME}`));
    expect([problem.code, problem.detail]).to.deep.equal(["RESOLVER_FAILED", undefined]);
    expect(rig.log.said("error")).to.deep.equal(["a request failed"]);
  });

  it("end a lookup that takes too long", async () => {
    rig.resolver.gate = new Promise(() => {});
    const response = await rig.timers.play(Promise.resolve(rig.request(`/v1/resolve/${NAME}`)));
    expect((await problemOf(response)).code).to.equal("RESOLVER_UNREACHABLE");
  });

  it("hand on the resolvers that a lookup came through", async () => {
    const headers = { "resolver-path": "a1, b2 ,c3" };
    await rig.request(`/v1/resolve/${NAME}`, { headers });
    await post({ names: [NAME] }, headers);
    await rig.request(`/v1/resolve/${NAME}`);
    expect(rig.resolver.asked.map(({ hops }) => hops)).to.deep.equal([
      ["a1", "b2", "c3"],
      ["a1", "b2", "c3"],
      [],
    ]);
    for (const path of ["x".repeat(200), "a b", Array(17).fill("a").join(",")]) {
      const bad = await rig.request(`/v1/resolve/${NAME}`, { headers: { "resolver-path": path } });
      expect((await problemOf(bad)).code).to.equal("REQUEST_INVALID");
    }
  });

  it("answer many names at once, each by itself and in order", async () => {
    rig.resolver.fail("idle.bloc.alt", resolveErrors.inactive);
    const names = ["idle.bloc.alt", NAME, "7", NAME];
    const response = await post({ names });
    expect([response.status, response.headers.get("cache-control")]).to.deep.equal([
      200,
      "no-store",
    ]);
    const { results } = batchResultSchema.parse(await response.json());
    expect(results.map((each) => each.name)).to.deep.equal(names);
    expect(results.map((each) => ("answer" in each ? "answer" : each.problem.code))).to.deep.equal([
      "SERVICE_INACTIVE",
      "answer",
      "NAME_INVALID",
      "answer",
    ]);
  });

  it("refuse a batch that is none", async () => {
    const bad: unknown[] = ["{", "", "[]", {}, { names: [] }, { names: [7] }, { names: [""] }];
    bad.push({ names: Array(101).fill(NAME) }, { names: [NAME], more: 1 }, { names: "x" });
    for (const body of bad) {
      const problem = await problemOf(await post(body));
      expect([problem.code, problem.status], JSON.stringify(body)).to.deep.equal([
        "REQUEST_INVALID",
        400,
      ]);
    }
    const large = await problemOf(await post({ names: ["x".repeat(70_000)] }));
    expect([large.code, large.status]).to.deep.equal(["BODY_TOO_LARGE", 413]);
  });

  it("come at a rate for each address; a batch costs as many as it has names", async () => {
    const from = (address: string) => rig.request(`/v1/resolve/${NAME}`, {}, address);
    rig.peer = { address: "a", isLocal: false };
    for (let left = 40; left > 0; left--) expect((await from("a")).status).to.equal(200);
    expect((await post({ names: Array(60).fill(NAME) })).status).to.equal(200);
    const refused = await from("a");
    expect([refused.status, refused.headers.get("retry-after")]).to.deep.equal([429, "1"]);
    expect((await problemOf(refused)).code).to.equal("RATE_EXCEEDED");
    expect((await problemOf(await post({ names: Array(100).fill(NAME) }))).code).to.equal(
      "RATE_EXCEEDED",
    );
    expect((await from("b")).status).to.equal(200);
    rig.timers.pass(20);
    expect((await from("a")).status).to.equal(200);
  });

  it("may be asked for by any page", async () => {
    const headers = { origin: "https://app.example" };
    const plain = await rig.request(`/v1/resolve/${NAME}`, { headers });
    expect(plain.headers.get("access-control-allow-origin")).to.equal("*");
    expect(plain.headers.get("access-control-expose-headers")).to.equal("ETag");
    expect(plain.headers.get("access-control-allow-credentials")).to.equal(null);
    const failed = await rig.request("/v1/resolve/7", { headers });
    expect(failed.headers.get("access-control-allow-origin")).to.equal("*");
    const preflight = await rig.request("/v1/resolve", {
      method: "OPTIONS",
      headers: { ...headers, "access-control-request-method": "POST" },
    });
    expect(preflight.status).to.equal(204);
    expect(preflight.headers.get("access-control-allow-methods")).to.contain("POST");
  });

  it("are found nowhere else", async () => {
    for (const [method, path] of [
      ["GET", "/"],
      ["GET", "/v1/resolve/"],
      ["PUT", "/"],
      ["GET", `/v1/resolve/${NAME}/x`],
      ["GET", "/v2/resolve/x"],
    ] as const) {
      const response = await rig.request(path, { method });
      expect((await problemOf(response)).code, `${method} ${path}`).to.equal("PATH_UNKNOWN");
    }
  });

  it("refuse another method than a path has, and say which it has", async () => {
    for (const [method, path, allow] of [
      ["DELETE", `/v1/resolve/${NAME}`, "GET, HEAD, OPTIONS"],
      ["POST", `/v1/resolve/${NAME}`, "GET, HEAD, OPTIONS"],
      ["PUT", "/v1/watch", "GET, HEAD, OPTIONS"],
      ["GET", "/v1/resolve", "POST, OPTIONS"],
      ["HEAD", "/v1/resolve", "POST, OPTIONS"],
      ["POST", "/healthz", "GET, HEAD, OPTIONS"],
      ["PATCH", "/openapi.json", "GET, HEAD, OPTIONS"],
    ] as const) {
      const response = await rig.request(path, { method });
      const what = `${method} ${path}`;
      expect(response.status, what).to.equal(405);
      expect(response.headers.get("allow"), what).to.equal(allow);
      if (method === "HEAD") continue;
      expect((await problemOf(response)).code, what).to.equal("METHOD_REFUSED");
    }
  });

  it("show metrics to clients on the same host only, and health to all", async () => {
    rig.metrics = createMetrics("resolver");
    rig = new HttpRig({ metrics: rig.metrics });
    rig.peer = { address: "192.0.2.7", isLocal: false };
    expect((await problemOf(await rig.request("/metrics"))).code).to.equal("METRICS_REMOTE");
    expect((await rig.request("/healthz")).status).to.equal(200);
    rig.metrics.health.register("chain_head", () => "no new block");
    const unwell = await rig.request("/healthz");
    expect([unwell.status, await unwell.json()]).to.deep.equal([
      503,
      { ok: false, checks: [{ name: "chain_head", ok: false, reason: "no new block" }] },
    ]);
    rig.peer = { address: "127.0.0.1", isLocal: true };
    const shown = await rig.request("/metrics");
    expect(shown.headers.get("content-type")).to.contain("text/plain");
    expect(await shown.text()).to.contain("blockcloud_worker_info");
  });

  it("are counted by status", async () => {
    await rig.request(`/v1/resolve/${NAME}`);
    await rig.request("/v1/resolve/7");
    expect(rig.counted).to.deep.equal(["200", "400"]);
  });
});
