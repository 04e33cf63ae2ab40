import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** How the index answers: as it should, not at all, with what it should not, or with a failure. */
export type IndexMood = "well" | "silent" | "not JSON" | "other schema" | "failing";

/** A page of rows as Ponder answers. */
export const rows = (items: readonly unknown[]) => ({
  items,
  totalCount: items.length,
  pageInfo: { hasNextPage: false, endCursor: null },
});

/** An index that answers by the fields of a query, from what the test put there. */
export class FakeIndex {
  mood: IndexMood = "well";
  /** What it says of itself. */
  status: object = {};
  /** Answers by the name of the query's field. */
  answers: Record<string, unknown> = {};
  readonly #server = createServer((request, response) => {
    request.resume();
    if (this.mood === "silent") return;
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      response.statusCode = this.mood === "failing" ? 500 : 200;
      response.setHeader("content-type", "application/json");
      response.end(this.#answer(request.url ?? "", text));
    });
  });

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get url(): URL {
    const { port } = this.#server.address() as AddressInfo;
    return new URL(`http://127.0.0.1:${port}/`);
  }

  #answer(path: string, text: string): string {
    if (this.mood === "not JSON") return "<html>gateway timeout</html>";
    if (this.mood === "other schema") return JSON.stringify({ data: { services: { rows: [] } } });
    if (path === "/v1/status") return JSON.stringify(this.status);
    const { query } = JSON.parse(text) as { query: string };
    const asked = Object.entries(this.answers).filter(([field]) =>
      new RegExp(`(^|[{}\\s])${field}\\s*[({]`).test(query),
    );
    return JSON.stringify({ data: Object.fromEntries(asked) });
  }
}
