import { expect } from "chai";
import type { Page } from "playwright-core";
import type { VerifyEvent, WorkerLike } from "../../console/src/verify/client.ts";
import { httpRpc } from "../../console/src/verify/rpc.ts";
import { verifyEpoch } from "../../console/src/verify/verify.ts";
import { FIRST, type AuditedChain } from "../support/auditedChain.ts";
import { inBrowser } from "../support/inBrowser.ts";
import { serveFiles } from "./support/files.ts";
import { bundleForBrowser } from "./support/bundle.ts";
import { serveRpc } from "./support/rpcServer.ts";
import { alteringVote } from "./support/lies.ts";
import { COUNTED, playEpochs } from "./support/verifiedChain.ts";

/** The policy of the page, without exceptions. */
const POLICY = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src http:";

/** src/protocol and the recount in a real Chromium's worker, on a chain of some epochs. */
describe("the console's recount in a browser", function () {
  this.timeout(300_000);
  let chain: AuditedChain;
  let page: Page;
  const { signal } = new AbortController();

  inBrowser(async ({ keep, open }) => {
    chain = keep(await playEpochs());
    const worker = await bundleForBrowser("console/src/verify/worker.ts");
    const site = keep(
      await serveFiles({ "": "<!doctype html><title>Verify</title>", "worker.js": worker }, POLICY),
    );
    ({ page } = await open());
    await page.goto(site.url);
  });

  const verify = (rpc: string, epoch: number): Promise<VerifyEvent[]> =>
    page.evaluate(
      (order) =>
        new Promise<VerifyEvent[]>((resolve, reject) => {
          const events: VerifyEvent[] = [];
          const { Worker } = globalThis as unknown as {
            Worker: new (url: string, options: object) => WorkerLike;
          };
          const worker = new Worker("worker.js", { type: "module" });
          worker.onerror = (event) => {
            reject(new Error(event.message));
          };
          worker.onmessage = ({ data }) => {
            events.push(data);
            if (data.kind !== "progress") resolve(events);
          };
          worker.postMessage(order);
        }),
      { rpc, epoch, deployment: chain.deployment },
    );

  it("gives what Node gives, with progress", async () => {
    const events = await verify(chain.stage.devnet.rpcUrl, COUNTED);
    const last = events.at(-1)!;
    if (last.kind !== "done") throw new Error(JSON.stringify(last));
    const rpc = httpRpc(chain.stage.devnet.rpcUrl, signal);
    const onNode = await verifyEpoch({ deployment: chain.deployment, epoch: COUNTED }, rpc, {
      signal,
      progress: () => undefined,
    });
    expect(last.result).to.deep.equal(onNode);
    expect(last.result.differences).to.deep.equal([]);
    const stages = events.flatMap((event) =>
      event.kind === "progress" ? [event.progress.stage] : [],
    );
    expect(new Set(stages)).to.include.members(["blocks", "stakes", "rounds", "claims", "pool"]);
  });

  it("names a vote that the node altered", async () => {
    const liar = await serveRpc(alteringVote(httpRpc(chain.stage.devnet.rpcUrl, signal), FIRST));
    try {
      const last = (await verify(liar.url, FIRST)).at(-1)!;
      if (last.kind !== "done") throw new Error(JSON.stringify(last));
      expect(last.result.differences[0]).to.include({ what: "commitment", epoch: FIRST });
    } finally {
      await liar.stop();
    }
  });

  it("tells the page why it cannot recount", async () => {
    const last = (await verify(chain.stage.devnet.rpcUrl, 1)).at(-1)!;
    expect(last).to.include({ kind: "failed", code: "EPOCH_WITHOUT_SEED" });
  });
});
