import { median, quantiles, rounded, roundedQuantiles, type Quantiles } from "../quantiles.ts";
import type { HttpLoad, HttpResult } from "./httpLoad.ts";
import { alternately, medianRatio } from "../rounds.ts";
import { Worker } from "./worker.ts";

export interface HttpSettings {
  rounds: number;
  seconds: number;
  /** Number of connections, each with one outstanding request. */
  connections: number;
}

export interface HttpServer {
  name: string;
  perSecond: number;
  /** Latency with all connections active, milliseconds. */
  latencyMs: Quantiles;
}

export interface HttpComparison {
  settings: HttpSettings;
  servers: HttpServer[];
  /** Bytes of one answer's body. */
  bodyBytes: number;
  /**
   * Ratio of our front to the plain server with one answer, median of the rounds. It is the target's, because this
   * server has the least to do.
   */
  oursVsPlain: number;
  /** Ratio of our front to the plain server that holds the same answers in a `Map`. */
  oursVsHeld: number;
  /** Ratio of two processes of our front at one port to one process. */
  twoVsOne: number;
}

/**
 * Measures our HTTP front and two node:http servers under the same load: one with a fixed JSON response, and one with
 * all the front's answers. Each server and the load generator have their own processes.
 */
export async function measureHttp(
  front: { port: number; sharedPort: number; paths: readonly string[] },
  { plain, plainHeld }: { plain: Worker; plainHeld: Worker },
  settings: HttpSettings,
): Promise<HttpComparison> {
  const response = await fetch(`http://127.0.0.1:${front.port}${front.paths[0] ?? "/"}`);
  const body = await response.text();
  const plainPort = await plain.call<number>("http", body);
  const heldPort = await plainHeld.call<number>("held", { port: front.port, paths: front.paths });
  const load = new Worker("httpLoad.ts");
  const latencies: Record<string, number[]> = { front: [], two: [], plain: [], held: [] };
  const measure = (name: string, port: number) => async () => {
    const { connections, seconds } = settings;
    const { paths } = front;
    const options: HttpLoad = { port, paths, connections, milliseconds: 1000 * seconds };
    const result = await load.call<HttpResult>("run", options);
    for (const latency of result.latencies) latencies[name]?.push(latency);
    return result.perSecond;
  };
  try {
    const servers = {
      front: measure("front", front.port),
      two: measure("two", front.sharedPort),
      plain: measure("plain", plainPort),
      held: measure("held", heldPort),
    };
    // The first round is not counted, because code and connections warm up.
    await alternately(1, servers);
    for (const list of Object.values(latencies)) list.length = 0;
    const rates = await alternately(settings.rounds, servers);
    const row = (name: keyof typeof servers, title: string): HttpServer => ({
      name: title,
      perSecond: rounded(median(rates[name])),
      latencyMs: roundedQuantiles(quantiles(latencies[name] ?? []), 3),
    });
    return {
      settings,
      servers: [
        row("front", "HTTP front"),
        row("two", "two processes at one port"),
        row("plain", "plain node:http, one answer"),
        row("held", "plain node:http, the same answers"),
      ],
      bodyBytes: Buffer.byteLength(body),
      oursVsPlain: medianRatio(rates.front, rates.plain),
      oursVsHeld: medianRatio(rates.front, rates.held),
      twoVsOne: medianRatio(rates.two, rates.front),
    };
  } finally {
    await load.stop();
  }
}
