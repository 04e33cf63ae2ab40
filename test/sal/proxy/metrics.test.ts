import { expect } from "chai";
import { Metrics } from "../../../src/node/metrics.ts";
import { BlockcloudError } from "../../../src/protocol/errors.ts";
import { ProxyMetrics } from "../../../src/sal/proxy/metrics.ts";
import { ProxyRig } from "../../support/proxyRig.ts";
import { until } from "../../support/until.ts";

const NAME = "weather.bloc.alt";
const get = (name: string) =>
  `GET http://${name}/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;

describe("metrics of the proxy", () => {
  it("count connections, bytes and refusals", async () => {
    const metrics = new Metrics("proxy");
    const rig = new ProxyRig();
    await rig.http(NAME, (_request, response) => response.end("twelve bytes"));
    rig.fails("strange.bloc.alt", new BlockcloudError("A_CODE_OF_TOMORROW", "It failed."));
    await rig.start({}, { observer: new ProxyMetrics(metrics) });
    try {
      await rig.exchange(get(NAME));
      await rig.exchange(`CONNECT ${NAME}:80 HTTP/1.1\r\nHost: x\r\n\r\n${get(NAME)}`);
      await rig.exchange(get("example.org"));
      await rig.exchange(get("strange.bloc.alt"));
      const shown = async () => (await metrics.expose()).text;
      await until("all have ended", async () =>
        (await shown()).includes('blockcloud_proxy_connections_open{form="connect"} 0'),
      );
      const text = await shown();
      for (const line of [
        'blockcloud_proxy_connections_total{form="http"} 1',
        'blockcloud_proxy_connections_total{form="connect"} 1',
        'blockcloud_proxy_connections_total{form="socks5"} 0',
        'blockcloud_proxy_connections_open{form="http"} 0',
        'blockcloud_proxy_bytes_total{form="http",direction="down"} 12',
        'blockcloud_proxy_refused_total{code="PROXY_DESTINATION_REFUSED"} 1',
        'blockcloud_proxy_refused_total{code="other"} 1',
      ]) {
        expect(text).to.include(line);
      }
    } finally {
      await rig.stop();
    }
  });
});
