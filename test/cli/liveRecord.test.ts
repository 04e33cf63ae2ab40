import { expect } from "chai";
import { AgentRig } from "../support/agentRig.ts";
import { ask } from "../support/httpClient.ts";
import { until } from "../support/until.ts";

interface Report {
  service: { record: { source: string } };
  announced: { source: string };
  probe?: { requests: { endpoint: string; reason?: string }[] };
  diagnosis: { code: string; remedy: string }[];
}

/** A service that has moved since its announcement. */
describe("commands that show a service that has moved", function () {
  this.timeout(120_000);

  let rig: AgentRig;
  let bootstrap = "";
  const ports = { before: 0, now: 0 };

  before(async () => {
    rig = await AgentRig.start();
    const agent = rig.provider(["--listen", "127.0.0.1:0"]);
    const { addresses } = await agent.logged("coral listens");
    [bootstrap = ""] = addresses as string[];
    ports.before = Number((await agent.logged("Gateway listens")).port);
    await agent.logged("provider started");
    await agent.logged("endpoint announced");
    const move = "provider move --service 1 --listen 127.0.0.1:0 --drain 1s --state state --json";
    const { code, stderr, json } = await rig.cli.cli(move);
    expect(code, stderr).to.equal(0);
    const { uris } = json() as { uris: string[] };
    ports.now = Number(new URL(uris[0] ?? "").port);
    expect(ports.now).not.to.equal(ports.before);
    await until("the old address is closed", () =>
      ask({ port: ports.before }).then(
        () => false,
        () => true,
      ),
    );
  });
  after(() => rig?.stop());

  const shown = async (line: string) => {
    const { code, stderr, json } = await rig.cli.cli(`${line} --allow-loopback --json`);
    expect(code, stderr).to.equal(0);
    const report = json() as unknown as Report;
    const { service, announced, probe, diagnosis } = report;
    expect(announced.source).to.equal("chain");
    const [first] = probe?.requests ?? [];
    const failure = diagnosis.find(({ code: each }) => each === "PROBE_FAILED");
    return {
      source: service.record.source,
      port: Number(new URL(first?.endpoint ?? "").port),
      hint: failure?.remedy.includes("--resolver") ?? false,
    };
  };

  it("take the agent's record, if it runs on this host with the state folder", async () => {
    const expected = { source: "agent", port: ports.now, hint: false };
    expect(await shown("provider status --service 1 --state state")).to.deep.equal(expected);
    expect(await shown("service show 1 --state state")).to.deep.equal(expected);
    const { stdout } = await rig.cli.cli("provider status --service 1 --state state --skip-probe");
    expect(stdout).to.match(
      new RegExp(`endpoints now +http://127.0.0.1:${ports.now}, .*, from the agent on this host`),
    );
    expect(stdout).to.match(new RegExp(`announced on chain +http://127.0.0.1:${ports.before}, `));
    expect(stdout).not.to.contain("RECORD_ENDS_SOON");
  });

  it("ask the record network, if they know a node of it", async () => {
    const flags = `--state elsewhere --coral-bootstrap ${bootstrap}`;
    const expected = { source: "network", port: ports.now, hint: false };
    expect(await shown(`provider status --service 1 ${flags}`)).to.deep.equal(expected);
    const { stdout } = await rig.cli.cli(`service show 1 ${flags} --allow-loopback --skip-probe`);
    expect(stdout).to.match(
      new RegExp(`endpoints now +http://127.0.0.1:${ports.now}, .*, from the record network`),
    );
  });

  it("say of an announcement that it is one, and may be older than a move", async () => {
    const { source, port, hint } = await shown("provider status --service 1 --state elsewhere");
    expect({ source, port }).to.deep.equal({ source: "chain", port: ports.before });
    expect(hint).to.equal(true);
    const { stdout } = await rig.cli.cli(
      "provider status --service 1 --state elsewhere --skip-probe",
    );
    expect(stdout).to.match(new RegExp(`announced on chain +http://127.0.0.1:${ports.before}, `));
    expect(stdout).not.to.contain("endpoints now");
  });
});
