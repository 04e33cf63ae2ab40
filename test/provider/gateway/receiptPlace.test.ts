import { expect } from "chai";
import { receiptPlace } from "../../../src/provider/gateway/receiptPlace.ts";

describe("receiptPlace", () => {
  const place = (headers: object, method = "GET", status = 200) =>
    receiptPlace({ method, status, headers: { ...headers } }, true, 100);

  it("is nowhere without a nonce", () => {
    const answer = { method: "HEAD", status: 204, headers: { "content-length": "1" } };
    expect(receiptPlace(answer, false, 100)).to.equal("none");
  });

  it("is the header where there is no body, whatever the header fields say", () => {
    const events = { "content-type": "text/event-stream" };
    for (const headers of [{}, { "content-length": "101" }, events]) {
      expect(place(headers, "HEAD")).to.equal("empty");
      expect(place(headers, "GET", 204)).to.equal("empty");
      expect(place(headers, "GET", 304)).to.equal("empty");
      expect(place(headers, "GET", 101)).to.equal("empty");
    }
  });

  it("is the header for a known length up to the limit, else the trailer", () => {
    expect(place({ "content-length": "0" })).to.equal("buffered");
    expect(place({ "content-length": "100" })).to.equal("buffered");
    expect(place({ "content-length": "101" })).to.equal("trailer");
    expect(place({})).to.equal("trailer");
    expect(place({}, "POST", 500)).to.equal("trailer");
  });

  it("is the trailer for event streams", () => {
    for (const type of ["text/event-stream", "Text/Event-Stream;charset=utf-8"]) {
      expect(place({ "content-type": type, "content-length": "1" })).to.equal("trailer");
    }
    const other = { "content-type": "text/event-streams", "content-length": "1" };
    expect(place(other)).to.equal("buffered");
  });
});
