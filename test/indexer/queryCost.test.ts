import { expect } from "chai";
import fc from "fast-check";
import { queryFault } from "../../src/indexer/queryCost.ts";

const nested = (depth: number): string =>
  depth === 0 ? "number" : `service { ${nested(depth - 1)} }`;

describe("the bounds of a query", () => {
  it("lets a console's pages pass", () => {
    for (const query of [
      "{ services(limit: 200) { items { number rounds(limit: 10) { items { epoch } } } totalCount } }",
      "query ($after: String, $n: Int = 100) { epochs(limit: $n, after: $after) { items { epoch } } }",
      'query Page($o: String!) { a: auditor(auditor: $o) { stake } tabs(where: { payer: "}{" }) { items { limit } } }',
      "{ _meta { status } } # ...",
    ]) {
      expect(queryFault(query), query).to.equal(undefined);
    }
  });

  it("multiplies the limits of nested pages, whatever they are called", () => {
    for (const query of [
      "{ services(limit: 1000) { items { rounds(limit: 100) { items { epoch } } } } }",
      "{ services(limit: 1000) { items { rounds(limit: 100) { pageInfo { endCursor } } } } }",
      "{ a: services(limit: 1000) { x: items { y: rounds(limit: 100) { z: items { epoch } } } } }",
      "{ services(limit: 500) { items { rounds { items { epoch } } } } }",
      `{ ${Array.from({ length: 11 }, (_, n) => `a${n}: rounds(limit: 1000) { items { epoch } }`).join(" ")} }`,
    ]) {
      expect(queryFault(query), query).to.equal("it asks for too many rows");
    }
  });

  it("reads a limit from a variable, from its default, and from what was given", () => {
    const query =
      "query ($n: Int = 1000) { services(limit: $n) { items { rounds(limit: $n) { items { epoch } } } } }";
    expect(queryFault(query)).to.equal("it asks for too many rows");
    expect(queryFault(query, { n: 10 })).to.equal(undefined);
    expect(queryFault(query, { n: "1e9" })).to.equal("it asks for too many rows");
    expect(queryFault(query, { n: {} })).to.equal("it cannot be read");
  });

  it("finds what stands between two strings of several lines", () => {
    const many = "services(limit: 1000) { items { rounds(limit: 1000) { items { epoch } } } }";
    // For GraphQL, the first string ends before `many`: a backslash keeps its three quotes from ending it.
    const hidden = String.raw`{ a: service(number: """\""") { number } b: service(number: """) { number }
      ${many} c: service(number: "1") { number } #""") { number }
    }`;
    expect(queryFault(hidden)).to.equal("it asks for too many rows");
    expect(queryFault(String.raw`{ a(b: """ \""" " { """, c: """""") { d } }`)).to.equal(undefined);
    expect(queryFault(String.raw`{ a(b: """ \""") { d } }`)).to.equal("it cannot be read");
  });

  it("counts a page as Ponder does if its limit is null, whatever the default", () => {
    const query =
      "query ($n: Int = 0) { services(limit: $n) { items { rounds(limit: $n) { items { reports(limit: $n) { items { shard } } } } } } }";
    expect(queryFault(query, { n: null })).to.equal("it asks for too many rows");
    expect(queryFault(query)).to.equal(undefined);
  });

  it("counts pages that are read although nothing of them is wanted", () => {
    const inEach = (fields: string) => `{ services(limit: 1000) { items { ${fields} } } }`;
    for (const query of [
      inEach("rounds { __typename }"),
      inEach("x: rounds { y: __typename }"),
      inEach("rounds(limit: 0) { totalCount }"),
      inEach(Array.from({ length: 10 }, (_, n) => `a${n}: rounds(limit: 0) { __typename }`).join()),
    ]) {
      expect(queryFault(query), query).to.equal("it asks for too many rows");
    }
    expect(queryFault(inEach("__typename kind { name }"))).to.equal(undefined);
    expect(queryFault(inEach("__typename"))).to.equal(undefined);
  });

  it("lets the schema be read once, not thirty times", () => {
    const schema = "__schema { types { fields { args { type { inputFields { name } } } } } }";
    expect(queryFault(`{ ${schema} }`)).to.equal(undefined);
    expect(queryFault(`{ a: ${schema} b: ${schema} c: ${schema} }`)).to.equal(
      "it asks for too many rows",
    );
  });

  it("refuses what it cannot bound", () => {
    expect(queryFault("mutation { a }")).to.equal("it is no query");
    expect(queryFault("{ ...F } fragment F on Query { a { b } }")).to.equal(
      "it has a fragment or a directive",
    );
    expect(queryFault("{ services @skip(if: false) { items { number } } }")).to.equal(
      "it has a fragment or a directive",
    );
    expect(queryFault("{ a } { b }")).to.equal("it cannot be read");
    expect(queryFault('{ a(b: "')).to.equal("it cannot be read");
    expect(queryFault("{ services(limit: -1) { items { number } } }")).to.equal(
      "it cannot be read",
    );
    expect(queryFault(`{ ${nested(9)} }`)).to.equal("it is nested too deeply");
    expect(queryFault(`{ ${"a ".repeat(1_000)} }`)).to.equal("it has too many words");
  });

  it("ends for any text", () => {
    const pieces = [
      "{",
      "}",
      "(",
      ")",
      ":",
      "$a",
      "limit",
      "items",
      "services",
      "9",
      '"x"',
      "query",
      " ",
    ];
    const texts = fc
      .array(fc.constantFrom(...pieces), { maxLength: 60 })
      .map((each) => each.join(" "));
    fc.assert(
      fc.property(fc.oneof(texts, fc.string()), (text) => {
        const fault = queryFault(text);
        expect(fault === undefined || fault.startsWith("it ")).to.equal(true);
      }),
    );
  });
});
