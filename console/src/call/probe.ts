/** The request by which auditors inspect a service, from the chain. */
import { keccak256, parseEventLogs } from "viem";
import { hexToBytes } from "@protocol/bytes.ts";
import { BlockcloudError } from "@protocol/errors.ts";
import { parseProbe, type ProbeRequest } from "@protocol/probe.ts";
import type { Sources } from "../context.tsx";
import type { Question } from "./call.ts";

/** A probe's request, as far as a page can send it. */
export type AskedRequest = Pick<Question, "method" | "path" | "body" | "headers">;

/**
 * The first request of the probe that counts in an epoch.
 *
 * @throws BlockcloudError `PROBE_UNKNOWN` without a probe; `PROBE_NOT_HTTP` for an exchange of bytes; those of
 *   `parseProbe`.
 */
export async function probeRequest(
  { client, contracts }: Sources,
  number: bigint,
  epoch: number,
): Promise<AskedRequest> {
  const { registry } = contracts;
  const [hash, blockNumber] = await client.readContract({
    ...registry,
    functionName: "probeAt",
    args: [number, epoch],
  });
  const logs = await client.getContractEvents({
    ...{ ...registry, eventName: "ProbeSet", args: { number } },
    ...{ fromBlock: blockNumber, toBlock: blockNumber },
  });
  const events = parseEventLogs({ abi: registry.abi, eventName: "ProbeSet", logs });
  const probe = events.map(({ args }) => args.probe).find((each) => keccak256(each) === hash);
  if (probe === undefined) {
    throw new BlockcloudError("PROBE_UNKNOWN", `No probe of service ${number} counts now.`, {
      remedy: "A probe counts two epochs after it was set. An endpoint may also keep no old logs.",
    });
  }
  const [request] = parseProbe(hexToBytes(probe)).requests;
  if (request === undefined || "expect" in request) {
    throw new BlockcloudError("PROBE_NOT_HTTP", `Service ${number} is not asked over HTTP.`, {
      remedy: "Ask it with a client of its protocol: blockcloud proxy run.",
    });
  }
  return asked(request);
}

function asked(request: Exclude<ProbeRequest, { expect: unknown }>): AskedRequest {
  const { path, headers } = request;
  const encode = (text: string) => new TextEncoder().encode(text);
  if ("rpc" in request) {
    const call = { jsonrpc: "2.0", id: 1, ...request.rpc };
    const own = { "content-type": "application/json", ...headers };
    return { method: "POST", path, headers: own, body: encode(JSON.stringify(call)) };
  }
  return { method: request.method, path, headers, body: encode(request.body ?? "") };
}
