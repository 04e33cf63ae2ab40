import type { ChainTime } from "../../chain/clock.ts";
import type { HttpProbe, RpcProbe } from "../../protocol/probe.ts";
import { chainView, rpcFault, writeCall } from "./jsonRpc.ts";
import { httpFault, type Fault, type ProbeResponse } from "./responseCheck.ts";

/** The bytes to send for a probe's request by HTTP, and the check of the response. */
export interface Question {
  path: string;
  method: string;
  headers: Record<string, string>;
  body: Buffer;
  fault(answer: ProbeResponse): Fault | undefined;
}

/** @param time The auditor's own view of the chain. */
export function ask(
  request: HttpProbe | RpcProbe,
  time: Pick<ChainTime, "head" | "now">,
): Question {
  const { path } = request;
  if (!("rpc" in request)) {
    const { method, headers, body = "" } = request;
    return {
      ...{ path, method, headers },
      body: Buffer.from(body),
      fault: (answer) => httpFault(request, answer),
    };
  }
  const { id, body } = writeCall(request);
  const before = chainView(time);
  return {
    path,
    method: "POST",
    headers: { ...request.headers, "content-type": "application/json" },
    body,
    fault: (answer) => rpcFault(request, id, answer, { before, after: chainView(time) }),
  };
}
