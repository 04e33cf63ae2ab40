import type { Hex } from "viem";
import { BlockcloudError } from "../../protocol/errors.ts";
import { MAX_RECORD_BYTES } from "../../protocol/record.ts";
import { LEASES_PATH } from "./leaseFront.ts";
import { isReplicaProblem, ReplicaProblem } from "./problem.ts";

const MAX_ANSWER_BYTES = 2 + 2 * MAX_RECORD_BYTES;

/**
 * Hands a lease to a publisher.
 *
 * @returns The record that the publisher has published last; undefined before the first one.
 * @throws BlockcloudError of the publisher, `PUBLISHER_UNREACHABLE`; or the signal's reason.
 */
export async function handIn(
  publisher: URL,
  lease: Hex,
  signal: AbortSignal,
): Promise<Hex | undefined> {
  let status: number;
  let text: string;
  try {
    const response = await fetch(new URL(LEASES_PATH, publisher), {
      ...{ method: "POST", body: lease, redirect: "error", signal },
      headers: { "content-type": "text/plain" },
    });
    status = response.status;
    text = await bounded(response);
  } catch (cause) {
    signal.throwIfAborted();
    throw unreachable(publisher, "it does not answer", cause);
  }
  if (status === 200 && text === "") return undefined;
  if (status === 200 && /^0x([0-9a-f]{2})+$/.test(text)) return text as Hex;
  const code = /"code":"([A-Z_]{1,64})"/.exec(text)?.[1];
  if (isReplicaProblem(code)) throw new ReplicaProblem(code);
  throw unreachable(publisher, `it answers with status ${status}`);
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (response.body === null) return "";
  const body: AsyncIterable<Uint8Array> = response.body;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new Error("the answer is too long");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("latin1");
}

function unreachable(publisher: URL, why: string, cause?: unknown): BlockcloudError {
  return new BlockcloudError(
    "PUBLISHER_UNREACHABLE",
    `The publisher at ${publisher.origin} cannot be used: ${why}.`,
    { cause, retryable: true, remedy: "Start it with --replicas-listen, or correct --join." },
  );
}
