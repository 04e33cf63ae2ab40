import { expect } from "chai";
import type { IndexClient } from "../../console/src/index/client.ts";
import type * as Services from "../../console/src/index/services.ts";
import { bundleForBrowser } from "./support/bundle.ts";

const { signal } = new AbortController();

describe("the services of an index", () => {
  it("end when an index has a next page without end, and no rows", async () => {
    const script = Buffer.from(await bundleForBrowser("console/src/index/services.ts"));
    const url = `data:text/javascript;base64,${script.toString("base64")}`;
    const { indexedServices } = (await import(url)) as typeof Services;
    let asked = 0;
    const index = {
      query: () => {
        asked += 1;
        if (asked > 10) return Promise.reject(new Error("It is asked without end."));
        const pageInfo = { hasNextPage: true, endCursor: "next" };
        return Promise.resolve({ services: { items: [], totalCount: 5, pageInfo } });
      },
    } as unknown as IndexClient;
    const { rows, leftOut } = await indexedServices(index, 100, 1_000, signal);
    expect([rows.length, asked]).to.deep.equal([0, 1]);
    expect(leftOut).to.equal("the oldest 5 of 5 services");
  });
});
