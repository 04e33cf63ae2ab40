import { expect } from "chai";
import { parsePromql } from "../support/promql.ts";

describe("the PromQL reader of these tests", () => {
  it("finds metrics, their matchers and the labels that group them", () => {
    const { errors, metrics } = parsePromql(
      'sum by (job, le) (rate(a_bucket{code=~"X|Y",job="j"}[5m])) / on (job) b > 0.1',
    );
    expect(errors).to.deep.equal([]);
    expect(metrics).to.deep.equal([
      {
        name: "a_bucket",
        labels: ["code", "job", "job", "le"],
        matchers: [
          { label: "code", value: "X|Y" },
          { label: "job", value: "j" },
        ],
      },
      { name: "b", labels: [], matchers: [] },
    ]);
  });

  for (const wrong of ["sum(", "a{b=}", "rate(a[5x])", "a >", 'a{b="c"', "sum by (x", "1 +* 2"]) {
    it(`refuses ${wrong}`, () => {
      expect(parsePromql(wrong).errors).not.to.deep.equal([]);
    });
  }
});
