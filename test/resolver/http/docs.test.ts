import { expect } from "chai";
import { readFileSync } from "node:fs";
import path from "node:path";
import { httpProblems } from "../../../src/resolver/http/problem.ts";

describe("docs/resolver.md", () => {
  const page = readFileSync(path.join(import.meta.dirname, "../../../docs/resolver.md"), "utf8");

  it("lists every code of the HTTP front below its status, and no other", () => {
    const listed = [...page.matchAll(/^\| (\d{3}) +\|(.*)\|$/gm)].flatMap(
      ([, status, codes = ""]) =>
        [...codes.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => `${status} ${code}`),
    );
    const declared = Object.entries(httpProblems).map(([code, { status }]) => `${status} ${code}`);
    expect(listed.sort()).to.deep.equal(declared.sort());
  });
});
