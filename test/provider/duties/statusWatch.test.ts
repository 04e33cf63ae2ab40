import { expect } from "chai";
import { readFileSync } from "node:fs";
import { Services } from "../../../src/chain/services.ts";
import { StatusWatch } from "../../../src/provider/duties/statusWatch.ts";
import { DEPLOYMENT, FakeChain } from "../../support/fakeChain.ts";
import { failureOf } from "../../support/httpClient.ts";
import { MemoryLog } from "../../support/memoryLog.ts";
import { serviceStatuses, type ServiceStatus } from "../../../src/protocol/serviceStatus.ts";

describe("StatusWatch", () => {
  let chain: FakeChain;
  let log: MemoryLog;
  let watch: StatusWatch;
  let status: ServiceStatus;
  let told: ServiceStatus[];

  beforeEach(() => {
    chain = new FakeChain();
    chain.answers.statusNow = () => serviceStatuses.indexOf(status);
    log = new MemoryLog();
    told = [];
    const metrics = { serviceStatus: (now: ServiceStatus) => told.push(now) };
    const services = new Services(chain.client, DEPLOYMENT);
    watch = new StatusWatch({ number: 7n }, { services, log, metrics });
    status = "Active";
  });

  it("says nothing of an active service", async () => {
    await watch.look();
    await watch.look();
    expect(log.lines).to.deep.equal([]);
    expect(told, "but the observer is notified each time").to.deep.equal(["Active", "Active"]);
  });

  it("warns once a change, also of one from before the start, and says when it is over", async () => {
    for (const next of serviceStatuses.filter((each) => each !== "Active")) {
      status = next;
      await watch.look();
      await watch.look();
    }
    const said = log.lines.map(({ level, fields }) => [level, fields.number, fields.status]);
    const others = serviceStatuses.filter((each) => each !== "Active");
    expect(said).to.deep.equal(others.map((each) => ["warn", 7n, each]));
    expect(log.lines.every(({ fields }) => typeof fields.remedy === "string")).to.equal(true);
    status = "Active";
    await watch.look();
    await watch.look();
    expect(log.said("info")).to.deep.equal(["the service is active"]);
  });

  it("warns after a failure to read all the same", async () => {
    chain.answers.statusNow = () => {
      throw new Error("no endpoint");
    };
    await failureOf(watch.look());
    chain.answers.statusNow = () => serviceStatuses.indexOf("Suspended");
    await watch.look();
    expect(log.said("warn")).to.have.length(1);
  });

  it("knows the statuses by the contract's numbers", () => {
    const source = readFileSync("contracts/registry/IServiceRegistry.sol", "utf8");
    const names = /enum Status \{([^}]*)\}/
      .exec(source)?.[1]
      ?.split(",")
      .map((name) => name.trim());
    expect(serviceStatuses).to.deep.equal(names);
  });
});
