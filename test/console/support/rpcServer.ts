import { text } from "node:stream/consumers";
import type { Rpc } from "../../../console/src/verify/rpc.ts";
import { serveLoopback } from "./loopback.ts";

interface Call {
  id: number;
  method: string;
  params: unknown[];
}

/** Serves JSON-RPC to a page of any origin on loopback. */
export async function serveRpc(rpc: Rpc): Promise<{ url: string; stop(): Promise<void> }> {
  const one = async ({ id, method, params }: Call): Promise<object> => {
    try {
      return { jsonrpc: "2.0", id, result: await rpc(method, params) };
    } catch (error) {
      return { jsonrpc: "2.0", id, error: { code: -32_000, message: (error as Error).message } };
    }
  };
  const answer = async (body: string): Promise<object> => {
    const calls = JSON.parse(body) as Call | Call[];
    return Array.isArray(calls) ? Promise.all(calls.map(one)) : one(calls);
  };
  return serveLoopback((request, response) => {
    const headers = {
      "access-control-allow-origin": "*",
      "access-control-allow-headers": "content-type",
    };
    if (request.method === "OPTIONS") {
      response.writeHead(204, headers).end();
      return;
    }
    text(request)
      .then(answer)
      .then(
        (result) => response.writeHead(200, headers).end(JSON.stringify(result)),
        () => response.writeHead(400, headers).end(),
      );
  });
}
