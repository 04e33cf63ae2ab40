import { expect } from "chai";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hexToBytes, type Hex } from "viem";
import { silentLogger } from "../../src/node/logger.ts";
import { createMetrics } from "../../src/node/metrics.ts";
import { systemTimers } from "../../src/node/timers.ts";
import { serviceRegistryAbi } from "../../src/protocol/abi/serviceRegistry.ts";
import { signRecord } from "../../src/protocol/record.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import type { AnswerJson } from "../../src/resolver/answerSchema.ts";
import { createFronts, type Fronts } from "../../src/resolver/createFronts.ts";
import { createResolver, type LocalResolver } from "../../src/resolver/createResolver.ts";
import { answerText } from "../../src/cli/resolve/answerText.ts";
import type { Seen } from "../../src/resolver/sources.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";

const ONE = rootServiceId(1n);

describe("blockcloud resolve", () => {
  let rig: CliRig;
  let resolver: LocalResolver;
  let fronts: Fronts;
  let url: string;
  /** Repeats what a test has it say. */
  let liar: Server;
  let lie: unknown;

  before(async () => {
    rig = await CliRig.start();
    const register = `service register --probe '${PROBE}' --wallet-key-file wallet.key
      --service-key-file service.key --yes`;
    expect((await rig.cli(register)).code).to.equal(0);
    await rig.epochs(1);
    await announce("https://a.example/");
    const { rpcUrl, deployment } = rig.devnet;
    resolver = createResolver({ rpcUrls: [rpcUrl], deployment });
    const environment = { timers: systemTimers, log: silentLogger, metrics: createMetrics("test") };
    const http = { host: "127.0.0.1", port: 0 };
    fronts = createFronts(
      { http, dns: undefined, httpRate: 0, dnsRate: 0, allowLoopback: true },
      { ...environment, resolver, now: () => resolver.now() },
    );
    await resolver.start();
    await fronts.start();
    url = `http://127.0.0.1:${fronts.http!.port}`;
    liar = createServer((_, response) => response.end(JSON.stringify(lie))).listen(0, "127.0.0.1");
    await once(liar, "listening");
  });
  after(async () => {
    liar.close();
    await fronts.stop();
    await resolver.stop();
    await rig.stop();
  });

  async function announce(uri: string): Promise<void> {
    const { contracts, chainId } = rig.devnet.deployment;
    const { timestamp } = await rig.client.getBlock();
    const record = {
      serviceId: ONE,
      issuedAt: timestamp * 1000n,
      expiresAt: (timestamp + 80_000n) * 1000n,
      endpoints: [{ uri, priority: 0, weight: 1 }],
      delegation: "0x" as Hex,
    };
    const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    const signed = signRecord(record, domain, hexToBytes(parts.service.key));
    await rig.send(parts.wallet.key, contracts.registry, serviceRegistryAbi, "announce", [
      1n,
      signed,
    ]);
  }

  it("says of a service that was not audited yet that it has no verdict", () => {
    const service = { number: 1n, status: "Active", block: 5n, stake: 0n, verdicts: [] };
    const answer = { serviceId: ONE, endpoints: [], expiresAt: 0, source: "coral", service };
    const seen = { answer, verified: true, unconfirmed: [] } as unknown as Seen;
    expect(answerText(seen)).to.match(/verdicts +none yet/);
  });

  interface Shown {
    answer: AnswerJson;
    verified: boolean;
    unconfirmed: string[];
  }
  async function shown(line: string): Promise<Shown> {
    const outcome = await rig.cli(`resolve ${line} --json`);
    expect(outcome.code, outcome.stderr).to.equal(0);
    return outcome.json() as unknown as Shown;
  }

  it("asks chain and network itself", async () => {
    const { answer, verified } = await shown(ONE);
    expect(answer.endpoints[0]?.uri).to.equal("https://a.example/");
    expect([answer.source, answer.service?.number, verified]).to.deep.equal([
      "announcement",
      "1",
      true,
    ]);
    const { stdout } = await rig.cli(`resolve ${ONE}`);
    expect(stdout).to.contain("https://a.example/").and.to.contain("1000 BLOC");
  });

  it("shows what a resolver says, without a chain", async () => {
    const env = { BLOCKCLOUD_DEPLOYMENT: "", BLOCKCLOUD_RPC: "" };
    const outcome = await rig.cli(`resolve ${ONE} --resolver ${url} --json`, { env });
    expect(outcome.code, outcome.stderr).to.equal(0);
    expect(outcome.json()).to.include({ verified: false });
    const none = await rig.cli(`resolve ${ONE} --resolver ${url} --verify`, { env });
    expect(none.stderr).to.contain("CONFIG_INVALID").and.to.contain("--rpc");
  });

  it("takes a number as the other commands do", async () => {
    const { answer } = await shown("1");
    expect(answer).to.deep.include({ serviceId: ONE });
    expect((await shown(`1 --resolver ${url} --verify`)).verified).to.equal(true);
  });

  it("checks what a resolver says", async () => {
    const { answer, verified, unconfirmed } = await shown(`${ONE} --resolver ${url} --verify`);
    expect(answer.endpoints[0]?.uri).to.equal("https://a.example/");
    expect([verified, unconfirmed]).to.deep.equal([true, []]);
  });

  it("refuses what a resolver made up", async () => {
    const { answer } = await shown(ONE);
    const there = `--resolver http://127.0.0.1:${(liar.address() as AddressInfo).port}`;
    lie = { ...answer, endpoints: [{ uri: "https://thief.example/", priority: 0, weight: 1 }] };
    expect((await shown(`${ONE} ${there}`)).answer.endpoints[0]?.uri).to.contain("thief");
    const refused = await rig.cli(`resolve ${ONE} ${there} --verify`);
    expect(refused.stderr).to.contain("ANSWER_ENDPOINTS");
    expect(refused.code).to.equal(1);
    lie = { ...answer, service: { ...answer.service, stake: "1" } };
    expect((await shown(`${ONE} ${there} --verify`)).unconfirmed).to.deep.equal(["stake"]);
  });

  it("says what is wrong", async () => {
    for (const [line, code] of [
      [rootServiceId(2n), "SERVICE_UNKNOWN"],
      ["nobody.bloc.alt", "SERVICE_UNKNOWN"],
      [`nobody.bloc.alt --resolver ${url} --verify`, "SERVICE_UNKNOWN"],
      ["nobody", "SERVICE_UNKNOWN"],
      ["2", "SERVICE_UNKNOWN"],
      ["no.body.example", "NAME_INVALID"],
      [`no.body.example --resolver ${url}`, "NAME_INVALID"],
      [`nobody --resolver ${url}`, "SERVICE_UNKNOWN"],
      [`${ONE} --resolver http://127.0.0.1:9/`, "RESOLVER_DOWN"],
    ] as const) {
      const { stderr, code: exit } = await rig.cli(`resolve ${line}`);
      expect(stderr).to.contain(code);
      expect(exit).to.equal(1);
    }
  });
});
