import { expect } from "chai";
import type { Flags, Values } from "../../src/cli/framework/flag.ts";
import { gatewayFlags, gatewayLimits } from "../../src/cli/provider/gatewayFlags.ts";
import { frontLimits, limitFlags } from "../../src/cli/resolver/limitFlags.ts";
import { salFlags, salLimitsOf } from "../../src/cli/provider/salFlags.ts";
import { proxyFlags, proxyLimits } from "../../src/cli/user/proxyFlags.ts";
import { salLimits } from "../../src/sal/provider/limits.ts";
import { proxySettings } from "../../src/sal/proxy/options.ts";
import { gatewaySettings } from "../../src/provider/gateway/options.ts";
import { KEY, SERVICE } from "../support/providerRig.ts";

/** The values of flags that are not given, and of some that are. */
function valuesOf<F extends Flags>(flags: F, given: Record<string, string | string[]> = {}) {
  const entries = Object.entries(flags).map(([name, { schema, options }]) => {
    const text = given[name] ?? options.default;
    return [name, text === undefined ? undefined : schema.parse(text)];
  });
  return Object.fromEntries(entries) as Values<F>;
}

describe("flags of limits", () => {
  it("have the gateway's own defaults", () => {
    const options = {
      ...{ serviceId: SERVICE.serviceId, domain: SERVICE.domain, key: KEY },
      ...{ upstream: new URL("http://127.0.0.1:3000"), listen: { host: "127.0.0.1", port: 0 } },
    };
    const { upstream: own, ...ownLimits } = gatewaySettings(options);
    const given = { ...options, ...gatewayLimits(valuesOf(gatewayFlags)) };
    const { upstream: flagged, ...flaggedLimits } = gatewaySettings(given);
    expect(flaggedLimits).to.deep.equal(ownLimits);
    expect(flagged.host).to.equal(own.host);
  });

  it("set the gateway's limits and the proxies that it trusts", () => {
    const given = {
      receiptRate: "7",
      keepAlive: "11m",
      peerStreams: "0",
      trustProxy: ["10.0.0.0/8"],
    };
    expect(gatewayLimits(valuesOf(gatewayFlags, given))).to.deep.include({
      ...{ receiptsPerSecond: 7, receiptBurst: 14, keepAliveMs: 660_000, maxStreamsPerPeer: 0 },
      trustedProxies: [{ address: "10.0.0.0", prefix: 8, family: "ipv4" }],
    });
  });

  it("have the SAL's own defaults", () => {
    expect(salLimitsOf(valuesOf(salFlags))).to.deep.equal(salLimits({}));
  });

  it("set each limit of the SAL", () => {
    const given = Object.fromEntries(
      Object.keys(salFlags).map((name) => [name, name.endsWith("Time") ? "7s" : "7"]),
    );
    const own = salLimits({});
    for (const [name, value] of Object.entries(salLimitsOf(valuesOf(salFlags, given)))) {
      expect(value, name).not.to.equal(own[name as keyof typeof own]);
    }
  });

  it("have the proxy's own defaults", () => {
    const listen = { host: "127.0.0.1", port: 0 };
    const flagged = { listen, ...proxyLimits(valuesOf(proxyFlags)) };
    expect(proxySettings(flagged, true)).to.deep.equal(proxySettings({ listen }, true));
  });

  it("set the limits of the resolver's fronts", () => {
    const given = {
      peerWatches: "5",
      dnsPeerConnections: "6",
      peerUnread: "7",
      trustProxy: ["::1"],
    };
    expect(frontLimits(valuesOf(limitFlags, given))).to.deep.equal({
      httpLimits: {
        ...{ maxConnections: 2_000, maxConnectionsPerPeer: 128, keepAliveMs: 120_000 },
        ...{ maxUnread: 64 << 20, maxUnreadPerPeer: 7 << 20 },
        trustedProxies: [{ address: "::1", prefix: 128, family: "ipv6" }],
        watches: { maxWatches: 1_000, maxPerPeer: 5 },
      },
      dnsLimits: { maxConnections: 512, maxPerPeer: 6 },
    });
  });
});
