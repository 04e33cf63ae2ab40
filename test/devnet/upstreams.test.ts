import { expect } from "chai";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import {
  FileSet,
  startUpstream,
  withFaults,
  type Fault,
  type Upstream,
} from "../../devnet/upstreams.ts";
import { encodeProbe } from "../../src/protocol/probe.ts";
import { ask, failureOf } from "../support/httpClient.ts";

describe("upstreams of the demo", () => {
  let folder: string;
  let files: FileSet;
  let fault: Fault;
  let upstream: Upstream;

  beforeEach(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "files-"));
    writeFileSync(path.join(folder, "a.txt"), "first");
    writeFileSync(path.join(folder, "b.txt"), "second\u00e9");
    files = await FileSet.read(pathToFileURL(`${folder}/`), ["a.txt", "b.txt"]);
    fault = { kind: "none" };
    upstream = await startUpstream(withFaults(files.listener, () => fault));
  });
  afterEach(async () => {
    await upstream.stop();
    rmSync(folder, { recursive: true });
  });

  const get = (target: string) => ask({ port: Number(new URL(upstream.url).port), path: target });

  it("serve files as they are, and nothing else", async () => {
    const answer = await get("/b.txt");
    expect(answer.status).to.equal(200);
    expect(answer.body.toString()).to.equal("second\u00e9");
    expect(answer.headers["content-length"]).to.equal("8");
    for (const target of ["/", "/c.txt", "/../a.txt", "/a.txt/", "//a.txt"]) {
      expect((await get(target)).status, target).to.equal(404);
    }
  });

  it("come with probes that their files pass", async () => {
    const probes = files.probes();
    expect(() => encodeProbe({ v: 1, requests: probes })).not.to.throw();
    for (const probe of probes) {
      const { body } = await get(probe.path);
      expect(createHash("sha256").update(body).digest("hex")).to.equal(probe.sha256);
    }
    expect(probes.map((probe) => probe.path)).to.deep.equal(["/a.txt", "/b.txt"]);
  });

  it("fail to read a file that is not there", async () => {
    const read = FileSet.read(pathToFileURL(`${folder}/`), ["missing.txt"]);
    expect((await failureOf(read)).code).to.equal("ENOENT");
  });

  it("answer 503 while they are down, and are asked anew each time", async () => {
    fault = { kind: "down" };
    expect((await get("/a.txt")).status).to.equal(503);
    fault = { kind: "none" };
    expect((await get("/a.txt")).status).to.equal(200);
  });

  it("answer in full while they are slow, but later", async () => {
    fault = { kind: "slow", milliseconds: 20 };
    const started = performance.now();
    expect((await get("/a.txt")).body.toString()).to.equal("first");
    expect(performance.now() - started).to.be.at.least(19);
  });

  it("close the connections of waiting clients when they stop", async () => {
    const asked = Promise.withResolvers<unknown>();
    const silent = await startUpstream(asked.resolve);
    const answer = failureOf(ask({ port: Number(new URL(silent.url).port) }));
    await asked.promise;
    await silent.stop();
    expect((await answer).code).to.equal("ECONNRESET");
  });
});
