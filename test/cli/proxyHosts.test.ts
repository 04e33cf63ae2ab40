import { expect } from "chai";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { hexToBytes, type Hex } from "viem";
import { serviceRegistryAbi } from "../../src/protocol/abi/serviceRegistry.ts";
import { rawName } from "../../src/protocol/name.ts";
import { signRecord } from "../../src/protocol/record.ts";
import { rootServiceId } from "../../src/protocol/serviceId.ts";
import { blockcloudDomain } from "../../src/protocol/typedData.ts";
import { CliRig, parts, PROBE } from "../support/cliRig.ts";

const ONE = rootServiceId(1n);
const NAME = rawName(ONE);
const LINE = `127.99.0.2 ${NAME} ${rawName(ONE, "bloc.internal")}`;
const HOSTS = "127.0.0.1 localhost\n";

describe("blockcloud proxy hosts and proxy map", () => {
  let rig: CliRig;
  let hosts: string;

  before(async () => {
    rig = await CliRig.start();
    const register = `service register --probe '${PROBE}' --wallet-key-file wallet.key
      --service-key-file service.key --yes`;
    expect((await rig.cli(register)).code).to.equal(0);
    await rig.epochs(1);
    const { contracts, chainId } = rig.devnet.deployment;
    const { timestamp } = await rig.client.getBlock();
    const record = {
      ...{ serviceId: ONE, issuedAt: timestamp * 1000n, delegation: "0x" as Hex },
      expiresAt: (timestamp + 80_000n) * 1000n,
      endpoints: [{ uri: "https://a.example/", priority: 0, weight: 1 }],
    };
    const domain = blockcloudDomain(BigInt(chainId), contracts.registry);
    const signed = signRecord(record, domain, hexToBytes(parts.service.key));
    const { wallet } = parts;
    await rig.send(wallet.key, contracts.registry, serviceRegistryAbi, "announce", [1n, signed]);
  });
  after(() => rig.stop());
  beforeEach(() => {
    hosts = path.join(rig.folder, "hosts");
    writeFileSync(hosts, HOSTS);
  });

  const run = (line: string) =>
    rig.cli(`proxy hosts ${line} --map 127.99.0.0/16 --hosts-file ${hosts}`);

  it("prints the line of a name in both zones; the hosts file stays as it is", async () => {
    const outcome = await run(NAME);
    expect(outcome.stdout, outcome.stderr).to.equal(`${LINE}\n`);
    expect((await run(rawName(ONE, "bloc.internal").toUpperCase())).stdout).to.equal(`${LINE}\n`);
    expect((await run("1")).stdout).to.equal(`${LINE}\n`);
    expect(readFileSync(hosts, "utf8")).to.equal(HOSTS);
  });

  it("writes it once, says what it did, and takes it out again", async () => {
    expect((await run(`${NAME} --check`)).code).to.equal(1);
    const wrote = await run(`${NAME} --write --json`);
    expect(wrote.json(), wrote.stderr).to.include({ changed: true });
    const { mtimeNs } = statSync(hosts, { bigint: true });
    expect(readFileSync(hosts, "utf8").split("\n")).to.include(LINE);
    expect(readFileSync(`${hosts}.before-blockcloud`, "utf8")).to.equal(HOSTS);
    expect((await run(`${NAME} --write --json`)).json()).to.include({ changed: false });
    expect((await run(`${NAME} --check`)).code).to.equal(0);
    expect(statSync(hosts, { bigint: true }).mtimeNs).to.equal(mtimeNs);
    expect((await run(`${NAME} --remove`)).code).to.equal(0);
    expect(readFileSync(hosts, "utf8")).to.equal(HOSTS);
  });

  it("a name that another line defines is refused, and one that no service has", async () => {
    writeFileSync(hosts, `10.0.0.1 ${NAME}\n`);
    const refused = await run(`${NAME} --write --json`);
    expect(refused.json().error).to.include({ code: "HOSTS_CONFLICT" });
    const unknown = await run("nowhere.bloc.alt --write --json");
    expect(unknown.json().error).to.include({ code: "SERVICE_UNKNOWN" });
    expect((await run("example.org --json")).json().error).to.include({ code: "NAME_INVALID" });
  });

  it("proxy map lists who has which address, and whether a hosts file names it", async () => {
    await run(`${NAME} --write`);
    const line = "proxy map --map 127.99.0.0/16";
    const { mappings } = (await rig.cli(`${line} --json`)).json() as { mappings: object[] };
    expect(mappings).to.have.length(1);
    expect(mappings[0]).to.include({ address: "127.99.0.2", serviceId: ONE, pinned: true });
    expect((await rig.cli(line)).stdout)
      .to.contain("127.99.0.2")
      .and.to.contain(ONE);
    await run(`${NAME} --remove`);
    expect((await rig.cli(`${line} --json`)).json().mappings).to.have.nested.property(
      "[0].pinned",
      false,
    );
  });
});
