import { expect } from "chai";
import { fileFault } from "../../src/node/fileFault.ts";

describe("fileFault", () => {
  const thrown = (code: string, more: object = {}) =>
    Object.assign(new Error(`${code}: no`), { code, syscall: "open", ...more });

  it("names the file and what to do about it", () => {
    for (const [code, expected] of [
      ["ENOSPC", "DISK_FULL"],
      ["EDQUOT", "DISK_FULL"],
      ["EROFS", "DISK_READ_ONLY"],
      ["EIO", "DISK_FAILED"],
      ["EACCES", "FILE_REFUSED"],
      ["EISDIR", "FILE_REFUSED"],
      ["ENOENT", "FILE_MISSING"],
      ["EMFILE", "FILE_LIMIT"],
    ]) {
      const fault = fileFault(thrown(code ?? "", { path: "/srv/state" }));
      expect(fault).to.include({ code: expected });
      expect(fault?.message).to.contain("/srv/state");
      expect(fault?.remedy).to.match(/^[A-Z].*\.$/);
    }
  });

  it("names SQLite's own, and leaves alone what is of no file", () => {
    expect(fileFault(Object.assign(new Error("full"), { errcode: 13 }))).to.include({
      code: "STORE_FULL",
    });
    expect(fileFault(Object.assign(new Error("locked"), { errcode: 5 }))).to.include({
      code: "STORE_FAILED",
    });
    expect(fileFault(Object.assign(new Error("syntax"), { errcode: 1 }))).to.equal(undefined);
    expect(fileFault(thrown("EACCES", { syscall: "listen" }))).to.equal(undefined);
    expect(fileFault(thrown("ECONNREFUSED"))).to.equal(undefined);
    expect(fileFault("no error")).to.equal(undefined);
    expect(fileFault(new TypeError("a bug"))).to.equal(undefined);
  });
});
