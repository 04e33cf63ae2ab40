import { expect } from "chai";
import { rowsOfPages, type Page } from "../../console/src/index/pages.ts";

/** Answers with the pages in turn, and then with the last one without end. */
function answering(pages: readonly Page<number>[]) {
  const asked: (string | null)[] = [];
  const ask = (after: string | null) => {
    const page = pages[Math.min(asked.length, pages.length - 1)]!;
    asked.push(after);
    if (asked.length > 10) return Promise.reject(new Error("It is asked without end."));
    return Promise.resolve(page);
  };
  return { ask, asked };
}

const pageInfo = { hasNextPage: true, endCursor: "next" };

describe("the pages of an index", () => {
  it("end when an index has a next page without end, and no rows", async () => {
    const { ask, asked } = answering([{ items: [], totalCount: 5, pageInfo }]);
    expect(await rowsOfPages(ask, 1_000)).to.deep.equal({ rows: [], total: 5 });
    expect(asked).to.deep.equal([null]);
  });

  it("are asked for until the last one, or until the most", async () => {
    const pages = [
      { items: [5, 4], totalCount: 3, pageInfo },
      { items: [3], totalCount: 3 },
    ];
    const few = answering(pages);
    expect(await rowsOfPages(few.ask, 1_000)).to.deep.equal({ rows: [5, 4, 3], total: 3 });
    expect(few.asked).to.deep.equal([null, "next"]);
    const many = answering([{ items: [5, 4], totalCount: 900, pageInfo }]);
    expect(await rowsOfPages(many.ask, 4)).to.deep.equal({ rows: [5, 4, 5, 4], total: 900 });
  });
});
