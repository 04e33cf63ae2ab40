import { connect, type Socket } from "node:net";
import { serve } from "./worker.ts";

/** Parameters of the load generator. */
export interface HttpLoad {
  port: number;
  /** Paths that all connections request in turn. */
  paths: readonly string[];
  /** Further fields of each request, each with its end of line. */
  headers?: string;
  connections: number;
  milliseconds: number;
  /** The end after so many requests. */
  requests?: number;
}

/** Results of the load generator. */
export interface HttpResult {
  perSecond: number;
  /** Latency of each response, milliseconds. */
  latencies: Float64Array;
}

const HEAD_END = Buffer.from("\r\n\r\n");

/** Uses keep-alive connections with one outstanding request each; only responses with status 200 count. */
async function run(load: HttpLoad): Promise<HttpResult> {
  const { port, paths, headers = "", connections, milliseconds, requests: most = Infinity } = load;
  const fields = `Host: 127.0.0.1:${port}\r\nAccept: application/json\r\n${headers}`;
  const requests = paths.map((path) => Buffer.from(`GET ${path} HTTP/1.1\r\n${fields}\r\n`));
  const latencies: number[] = [];
  const from = performance.now();
  const until = from + milliseconds;
  let next = 0;

  const client = async (): Promise<void> => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    try {
      // At least once, also where connecting took all the time.
      do {
        next = (next + 1) % requests.length;
        const sent = performance.now();
        const answered = answer(socket);
        socket.write(requests[next] ?? "");
        await answered;
        latencies.push(performance.now() - sent);
      } while (performance.now() < until && latencies.length < most);
    } finally {
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  const seconds = (performance.now() - from) / 1000;
  return { perSecond: latencies.length / seconds, latencies: Float64Array.from(latencies) };
}

/** Reads one response, by its Content-Length. */
function answer(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let got: Buffer = Buffer.alloc(0);
    let want = Infinity;
    const end = (error?: Error) => {
      socket.off("data", read).off("error", end).off("close", closed);
      if (error) reject(error);
      else resolve();
    };
    const closed = () => {
      end(new Error("The server closed the connection."));
    };
    const read = (chunk: Buffer) => {
      got = got.length === 0 ? chunk : Buffer.concat([got, chunk]);
      if (want === Infinity) {
        const headEnd = got.indexOf(HEAD_END);
        if (headEnd < 0) return;
        const head = got.toString("latin1", 0, headEnd);
        const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
        if (!head.startsWith("HTTP/1.1 200 ") || length === undefined) {
          end(new Error(`Unexpected answer: ${head.slice(0, 80)}`));
          return;
        }
        want = headEnd + HEAD_END.length + Number(length);
      }
      if (got.length >= want) end();
    };
    socket.on("data", read).on("error", end).on("close", closed);
  });
}

serve({ run });
