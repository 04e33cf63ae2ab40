import { expect } from "chai";
import { readTarget } from "../../src/client/target.ts";
import { rawName } from "../../src/protocol/name.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { expectCode } from "../support/expectCode.ts";

const ID = rootServiceId(7n);
const RAW = rawName(ID);

describe("what a client is asked for", () => {
  for (const [input, service, path] of [
    ["bloc://weather", "weather.bloc.alt", "/"],
    ["bloc://weather/", "weather.bloc.alt", "/"],
    ["bloc://weather/a/b?c=d#e", "weather.bloc.alt", "/a/b?c=d"],
    ["BLOC://Weather?q", "weather.bloc.alt", "/?q"],
    ["bloc://roof.weather/a", "roof.weather.bloc.alt", "/a"],
    ["bloc://weather.bloc.alt./a", "weather.bloc.alt", "/a"],
    ["bloc://Weather.bloc.internal/a", "weather.bloc.alt", "/a"],
    [`bloc://${RAW}/a`, RAW, "/a"],
    [`bloc://${ID}/a`, ID, "/a"],
    [ID, ID, "/"],
    [`${ID}/a?b`, ID, "/a?b"],
    ["weather.bloc.alt/a//b", "weather.bloc.alt", "/a//b"],
    ["weather.bloc.alt//evil.example/a", "weather.bloc.alt", "//evil.example/a"],
    ["weather.bloc.alt/a/../../b/%2e%2e/c", "weather.bloc.alt", "/c"],
    ["weather.bloc.alt/gr\u00fcn \u2603", "weather.bloc.alt", "/gr%C3%BCn%20%E2%98%83"],
    ["weather.bloc.alt/a?next=http://b.example/", "weather.bloc.alt", "/a?next=http://b.example/"],
  ] as const) {
    it(`reads ${input}`, () => {
      expect(readTarget(input)).to.deep.equal({ service, path });
    });
  }

  it("takes a URL object as it takes its text", () => {
    const target = { service: "weather.bloc.alt", path: "/a?b" };
    expect(readTarget(new URL("bloc://weather/a?b"))).to.deep.equal(target);
  });

  for (const [code, input] of [
    ["SERVICE_URL_INVALID", "https://weather.bloc.alt/"],
    ["SERVICE_URL_INVALID", "file:///etc/passwd"],
    ["SERVICE_URL_INVALID", ""],
    ["SERVICE_URL_INVALID", "/a"],
    ["SERVICE_URL_INVALID", "bloc:///a"],
    ["NAME_INVALID", "weather"],
    ["NAME_INVALID", "weather.example/a"],
    ["NAME_INVALID", "bloc://weather:80/a"],
    ["NAME_INVALID", "bloc://user@weather/a"],
    ["NAME_INVALID", "bloc://0x12/a"],
    ["NAME_INVALID", `${"a".repeat(300)}.bloc.alt`],
  ] as const) {
    it(`refuses ${input.slice(0, 40)} with ${code}`, () => {
      expectCode(code, () => readTarget(input));
    });
  }
});
