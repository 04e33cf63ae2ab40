import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy in front of a node that counts calls by method. */
export class CountingProxy {
  /** Number of calls; each call of a batch counts, as in providers' bills. */
  calls = new Map<string, number>();
  /** HTTP requests. */
  requests = 0;
  readonly #node: string;
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString();
      this.#count(body);
      fetch(this.#node, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      }).then(
        async (answer) => response.end(Buffer.from(await answer.arrayBuffer())),
        () => response.destroy(),
      );
    });
  });

  constructor(node: string) {
    this.#node = node;
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resets the counters. */
  reset(): void {
    this.calls = new Map();
    this.requests = 0;
  }

  #count(body: string): void {
    const calls = [JSON.parse(body) as { method: string } | { method: string }[]].flat();
    this.requests += 1;
    for (const { method } of calls) this.calls.set(method, (this.calls.get(method) ?? 0) + 1);
  }
}
