import { expect } from "chai";
import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { rawName } from "../../../src/protocol/name.ts";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { resolveErrors } from "../../../src/resolver/answer.ts";
import { DnsRig } from "../../support/dnsRig.ts";
import { answerOf } from "../../support/fakeResolver.ts";

const run = promisify(execFile);
const target = `ip-8-8-8-8.${rawName(rootServiceId(7n))}.`;

/** What both programs take alike. */
for (const program of ["dig", "kdig"]) {
  describe(`DNS as ${program} sees it`, () => {
    let rig: DnsRig;

    before(async function () {
      if (spawnSync(program, ["-v"]).error !== undefined) this.skip();
    });
    beforeEach(async () => {
      rig = new DnsRig();
      const endpoints = [
        { uri: "https://8.8.8.8:8443/", priority: 0, weight: 2 },
        { uri: "sal://s.example.com:700", priority: 1, weight: 3 },
      ];
      const record = `0x${"5a".repeat(1_500)}` as const;
      rig.resolver.set("weather.bloc.alt", answerOf(7n, { endpoints, record }));
      rig.resolver.fail("idle.bloc.alt", resolveErrors.inactive);
      rig.resolver.fail("away.bloc.alt", resolveErrors.unreachable);
      await rig.start();
    });
    afterEach(() => rig.stop());

    const ask = async (...args: string[]) => {
      const where = ["@127.0.0.1", "-p", String(rig.port), "+time=5", "+retry=0"];
      return (await run(program, [...where, ...args])).stdout;
    };
    const short = async (...args: string[]) => (await ask(...args, "+short")).trim();

    it("A, with and without EDNS, over UDP and TCP", async () => {
      for (const way of ["+noedns", "+edns", "+bufsize=512", "+tcp", "+dnssec", "+nsid"]) {
        expect(await short("weather.bloc.alt", "A", way), way).to.equal("8.8.8.8");
      }
    });

    it("SRV, HTTPS, SVCB, TXT, URI and SOA", async () => {
      expect(await short("_https._tcp.weather.bloc.alt", "SRV")).to.equal(`0 2 8443 ${target}`);
      expect(await short("_bloc._tcp.weather.bloc.alt", "SRV")).to.equal(
        `0 2 8443 ${target}\n1 3 700 s.example.com.`,
      );
      expect(await short(target, "A")).to.equal("8.8.8.8");
      expect(await short("weather.bloc.alt", "HTTPS")).to.equal(
        `1 ${target} port=8443 ipv4hint=8.8.8.8`,
      );
      expect(await short("_sal.weather.bloc.alt", "SVCB")).to.match(
        /^2 s\.example\.com\. alpn="?sal\/1"? port=700$/,
      );
      expect(await short("weather.bloc.alt", "TXT")).to.contain('"uri=https://8.8.8.8:8443/"');
      expect(await short("weather.bloc.alt", "URI")).to.contain('0 2 "https://8.8.8.8:8443/"');
      expect(await short("bloc.alt", "SOA")).to.contain("nobody.invalid.");
    });

    it("a record that is too long for UDP comes over TCP", async () => {
      const text = await ask("_record.weather.bloc.alt", "TXT", "+bufsize=512");
      expect(text).to.match(/TCP/);
      const base64 = [...text.matchAll(/"([\w-]+)"/g)].map(([, part]) => part).join("");
      expect(Buffer.from(base64, "base64url").toString("hex")).to.equal("5a".repeat(1_500));
      const cut = await ask("_record.weather.bloc.alt", "TXT", "+bufsize=512", "+ignore");
      expect(cut).to.match(/flags:.* tc/i);
    });

    it("the codes of what there is not", async () => {
      const status = async (...args: string[]) => /status: (\w+)/.exec(await ask(...args))?.[1];
      expect(await status("nobody.bloc.alt")).to.equal("NXDOMAIN");
      expect(await status("idle.bloc.alt")).to.equal("NOERROR");
      expect(await status("weather.bloc.alt", "MX")).to.equal("NOERROR");
      expect(await status("away.bloc.alt", "+edns")).to.equal("SERVFAIL");
      expect(await ask("away.bloc.alt", "+edns")).to.match(/EDE: 22/);
      expect(await status("example.com")).to.equal("REFUSED");
      expect(await status("version.bind", "CH", "TXT")).to.equal("REFUSED");
    });

    it("no zone is transferred", async () => {
      expect(await ask("bloc.alt", "AXFR").catch(String)).to.match(/Transfer failed|REFUSED/);
    });
  });
}
