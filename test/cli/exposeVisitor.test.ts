import { expect } from "chai";
import { tellVisitorsNeeds } from "../../src/cli/expose/visitor.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";

describe("what expose says to visitors", () => {
  function said(allowLoopback: boolean, json: boolean) {
    const texts: string[] = [];
    const printed: { commands?: string[] }[] = [];
    tellVisitorsNeeds(
      {
        args: { port: 3000 },
        flags: { under: undefined, price: undefined, allowLoopback },
        output: { json, print: (value) => printed.push(value) },
        progress: { say: (text) => texts.push(text) },
      },
      rootServiceId(4n),
    );
    const lines = texts.flatMap((text) => text.split("\n"));
    const commands = printed.flatMap((each) => each.commands ?? []);
    return [...lines, ...commands].filter((line) => /^ *blockcloud /.test(line));
  }

  for (const json of [false, true]) {
    it(`names commands that work as they are printed${json ? ", as JSON" : ""}`, () => {
      const local = said(true, json);
      expect(local).to.have.lengthOf(3);
      for (const command of local) expect(command).to.contain(" --allow-loopback");
      const open = said(false, json);
      expect(open).to.have.lengthOf(3);
      for (const command of open) expect(command).not.to.contain("--allow-loopback");
    });
  }
});
