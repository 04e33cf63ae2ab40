import { wallSeconds, type Timers } from "../src/node/timers.ts";
import { serviceRegistryAbi } from "../src/protocol/abi/serviceRegistry.ts";
import { BlockcloudError } from "../src/protocol/errors.ts";
import { rootServiceId } from "../src/protocol/serviceId.ts";
import { ProviderStore, providerStoreFile } from "../src/provider/store.ts";
import { waitForOutcome } from "../src/provider/publish/waitForOutcome.ts";
import { changeJsonSchema } from "../src/resolver/answerSchema.ts";
import type { Stage } from "./stage.ts";
import { stateFolder } from "./processes.ts";

/** The result of the move of a service during the run. */
export interface DemoMove {
  service: number;
  from: string;
  to: string;
  /** From the command to the resolver's answer with the new address, milliseconds. */
  milliseconds: number;
  /** Peers that the new record was pushed to. */
  peers: number;
  /** Transactions that announced it on chain: 0, it costs no gas. */
  announcements: number;
}

/** Time limit of a move, milliseconds; far above the time that a busy machine needs. */
const PATIENCE_MS = 60_000;

/**
 * Tells a running provider to move, as `blockcloud provider move` does, and watches a resolver until it
 * answers with the new address.
 *
 * @throws BlockcloudError `MOVE_FAILED`.
 */
export async function moveService(
  stage: Stage,
  number: bigint,
  resolverUrl: string,
  timers: Timers,
): Promise<DemoMove> {
  const stopping = AbortSignal.timeout(PATIENCE_MS);
  const { deployment } = stage.devnet;
  const before = await stage.client.getBlockNumber();
  const store = new ProviderStore(providerStoreFile(stateFolder(stage), deployment, number));
  try {
    const changes = watchEndpoint(resolverUrl, number, stopping);
    const from = await nextEndpoint(changes, undefined);
    const began = timers.monotonic();
    const id = store.requestMove(
      { uri: undefined, listen: { host: "127.0.0.1", port: 0 } },
      wallSeconds() * 1000 + PATIENCE_MS,
    );
    const to = await nextEndpoint(changes, from);
    const milliseconds = Math.round(timers.monotonic() - began);
    const outcome = await waitForOutcome(store, id, {
      waitMs: PATIENCE_MS,
      timers,
      signal: stopping,
    });
    if ("code" in outcome) throw new BlockcloudError(outcome.code, outcome.message);
    const events = await stage.client.getContractEvents({
      address: deployment.contracts.registry,
      abi: serviceRegistryAbi,
      eventName: "Announced",
      args: { number },
      fromBlock: before + 1n,
    });
    const { peers } = outcome;
    const announcements = events.length;
    return { service: Number(number), from, to, milliseconds, peers, announcements };
  } catch (cause) {
    if (cause instanceof BlockcloudError) throw cause;
    throw new BlockcloudError("MOVE_FAILED", `Service ${number} was not seen to move.`, { cause });
  } finally {
    store.close();
  }
}

/** The endpoints of a service in a resolver's server-sent events. */
async function* watchEndpoint(
  resolverUrl: string,
  number: bigint,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const url = `${resolverUrl}/v1/watch?name=${rootServiceId(number)}`;
  const { body } = await fetch(url, { signal });
  if (body === null) return;
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    const lines = text.split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data: ")) continue;
      const change = changeJsonSchema.parse(JSON.parse(line.slice("data: ".length)));
      if ("answer" in change) yield change.answer.endpoints[0]?.uri ?? "";
    }
  }
}

async function nextEndpoint(
  changes: AsyncGenerator<string>,
  other: string | undefined,
): Promise<string> {
  for (;;) {
    const next = await changes.next();
    if (next.done) throw new BlockcloudError("MOVE_FAILED", "The resolver ended its watch.");
    if (next.value !== other) return next.value;
  }
}
