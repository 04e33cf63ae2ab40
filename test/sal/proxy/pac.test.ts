import { expect } from "chai";
import { createContext, runInContext } from "node:vm";
import { pacFile } from "../../../src/sal/proxy/pac.ts";
import { ProxyRig } from "../../support/proxyRig.ts";

/** Evaluates a file as browsers do: with functions of their own beside it, none of which it may need. */
function evaluate(file: string): (url: string) => string {
  const unused = (name: string) => () => {
    throw new Error(`${name} asks DNS or the clock`);
  };
  const names = ["dnsResolve", "isInNet", "isResolvable", "myIpAddress", "timeRange", "alert"];
  const context = createContext(Object.fromEntries(names.map((name) => [name, unused(name)])));
  runInContext(file, context);
  return (url) => {
    const call = `FindProxyForURL(${JSON.stringify(url)}, ${JSON.stringify(hostOf(url))})`;
    return runInContext(call, context) as string;
  };
}

/** The host as browsers give it: as in the URL, without the port. */
const hostOf = (url: string) => /^\w+:\/\/([^/:]+)/.exec(url)?.[1] ?? "";

describe("proxy.pac", () => {
  let rig: ProxyRig;

  beforeEach(async () => {
    rig = new ProxyRig();
    await rig.start();
  });
  afterEach(() => rig.stop());

  const ask = async (host: string, line = "GET /proxy.pac") => {
    const { text } = await rig.exchange(
      `${line} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    );
    const at = text.indexOf("\r\n\r\n");
    return {
      status: Number(text.split(" ", 2)[1]),
      head: text.slice(0, at),
      body: text.slice(at + 4),
    };
  };

  it("sends services to the proxy alone, and everything else past it", async () => {
    const { status, head, body } = await ask("127.0.0.1");
    expect(status).to.equal(200);
    expect(head).to.include("Content-Type: application/x-ns-proxy-autoconfig");
    const find = evaluate(body);
    for (const url of [
      "http://weather.bloc.alt/",
      "https://weather.bloc.alt:8443/path",
      "ws://Roof.Weather.BLOC.alt./",
      "wss://weather.bloc.internal/",
      "http://bloc.alt/",
    ]) {
      expect(find(url), url).to.equal(`PROXY 127.0.0.1:${rig.port}`);
    }
    for (const url of [
      "http://example.org/weather.bloc.alt",
      "http://notbloc.alt/",
      "http://bloc.alt.example.org/",
      "http://weather.blocxalt/",
      "http://localhost/",
    ]) {
      expect(find(url), url).to.equal("DIRECT");
    }
  });

  it("names an IPv6 address in brackets", () => {
    expect(evaluate(pacFile("::1", 1080))("http://weather.bloc.alt/")).to.equal("PROXY [::1]:1080");
  });

  it("is for loopback names only: a page could give its own name this host's address", async () => {
    for (const host of ["localhost", "LOCALHOST:1080", "127.0.0.1:80", "[::1]", "127.1.2.3"]) {
      expect((await ask(host)).status, host).to.equal(200);
    }
    for (const host of [
      "rebind.example",
      "192.0.2.1",
      "127.0.0.1.example",
      "weather.bloc.alt",
      "",
    ]) {
      expect((await ask(host)).status, host).to.equal(421);
      expect((await ask(host, "GET /")).status, host).to.equal(421);
    }
  });

  it("no page may read it, and there is nothing beside it", async () => {
    const { head } = await ask("localhost");
    expect(head).to.include("Cross-Origin-Resource-Policy: same-origin");
    expect(head).to.include("X-Content-Type-Options: nosniff");
    expect(head).not.to.match(/access-control/i);
    expect((await ask("localhost", "HEAD /proxy.pac")).body).to.equal("");
    expect((await ask("localhost", "POST /proxy.pac")).status).to.equal(405);
    expect((await ask("localhost", "OPTIONS /proxy.pac")).status).to.equal(405);
    for (const path of [
      "/",
      "/proxy.pac/",
      "//proxy.pac",
      "/wpad.dat",
      "/http://weather.bloc.alt/",
    ]) {
      expect((await ask("localhost", `GET ${path}`)).status, path).to.equal(404);
    }
    expect(rig.dialled).to.deep.equal([]);
  });
});
