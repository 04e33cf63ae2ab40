import { expect } from "chai";
import { createClient, type ClientOptions } from "../../src/client/createClient.ts";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { ClientRig, SEVEN, WEATHER } from "../support/clientRig.ts";
import { expectCode } from "../support/expectCode.ts";
import { DEPLOYMENT } from "../support/fakeChain.ts";
import { rejection } from "../support/rejection.ts";

const RPC = "http://127.0.0.1:1";

describe("a client", () => {
  describe("refuses at once", () => {
    const cases: [code: string, why: string, options: object][] = [
      ["CLIENT_OPTIONS_INVALID", "no deployment", { rpc: RPC }],
      ["CLIENT_OPTIONS_INVALID", "two", { rpc: RPC, network: "a", deployment: DEPLOYMENT }],
      ["NETWORK_UNKNOWN", "a network that it does not know", { rpc: RPC, network: "../package" }],
      ["DEPLOYMENT_INVALID", "a file that is none", { rpc: RPC, deployment: "nowhere.json" }],
      ["RPC_URL_INVALID", "no RPC endpoint", { rpc: [], deployment: DEPLOYMENT }],
      ["RPC_URL_INVALID", "a wrong one", { rpc: "ftp://a.example", deployment: DEPLOYMENT }],
      [
        "CLIENT_OPTIONS_INVALID",
        "a resolver beside one of its own",
        { rpc: RPC, deployment: DEPLOYMENT, resolver: RPC, bootstrap: [] },
      ],
      [
        "CLIENT_OPTIONS_INVALID",
        "a resolver that is no URL",
        { rpc: RPC, deployment: DEPLOYMENT, resolver: "a.example" },
      ],
      [
        "CLIENT_OPTIONS_INVALID",
        "no time",
        { rpc: RPC, deployment: DEPLOYMENT, resolver: RPC, timeMs: 0 },
      ],
    ];
    for (const [code, why, options] of cases) {
      it(`${why}, with ${code}`, () => {
        expectCode(code, () => createClient(options as ClientOptions));
      });
    }
  });

  it("refuses an address of a node that is none when it starts", async () => {
    await using client = createClient({
      rpc: RPC,
      deployment: DEPLOYMENT,
      bootstrap: ["a.example"],
    });
    await rejection("CORAL_ADDRESS_INVALID", client.resolve(SEVEN));
  });

  it("starts at its first use, once for all who wait, and stops when it is closed", async () => {
    const rig = new ClientRig();
    rig.at("http://127.0.0.1:1/");
    expect(rig.events).to.deep.equal(["created"]);
    const [one, other] = await Promise.all([
      rig.client.resolve(WEATHER),
      rig.client.resolve(SEVEN),
    ]);
    expect([one.serviceId, other.serviceId]).to.deep.equal([SEVEN, SEVEN]);
    expect(rig.events).to.deep.equal(["created", "started"]);
    await Promise.all([rig.client.close(), rig.client.close()]);
    expect(rig.events).to.deep.equal(["created", "started", "stopped"]);
  });

  it("starts anew after a start that failed", async () => {
    const rig = new ClientRig();
    rig.at("http://127.0.0.1:1/");
    rig.failures.push(new BlockcloudError("CHAIN_UNREACHABLE", "No endpoint answers."));
    await rejection("CHAIN_UNREACHABLE", rig.client.resolve(SEVEN));
    expect(rig.events).to.deep.equal(["created", "started", "stopped"]);
    expect((await rig.client.resolve(SEVEN)).serviceId).to.equal(SEVEN);
    await rig.client.close();
    expect(rig.events.slice(3)).to.deep.equal(["created", "started", "stopped"]);
  });

  it("is closed by the end of the block that uses it, and never started if it was not", async () => {
    const rig = new ClientRig();
    {
      await using client = rig.client;
      expect(client).to.equal(rig.client);
    }
    expect(rig.events).to.deep.equal(["created"]);
    await rejection("CLIENT_CLOSED", rig.client.resolve(SEVEN));
    await rejection("CLIENT_CLOSED", rig.client.fetch(SEVEN));
    await rejection("CLIENT_CLOSED", rig.client.watch(SEVEN).next());
  });

  it("ends what is open when it is closed, and waits for what is starting", async () => {
    const rig = new ClientRig();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    rig.gate = promise;
    rig.at("http://127.0.0.1:1/");
    const open = rejection("CLIENT_CLOSED", rig.client.resolve(SEVEN));
    const closed = rig.client.close();
    await open;
    resolve(undefined);
    await closed;
    expect(rig.events).to.deep.equal(["created", "started", "stopped"]);
  });

  it("lets one caller give up without the others", async () => {
    const rig = new ClientRig();
    const { promise, resolve } = Promise.withResolvers<undefined>();
    rig.gate = promise;
    rig.at("http://127.0.0.1:1/");
    const abort = new AbortController();
    const one = rig.client.resolve(SEVEN, { signal: abort.signal }).catch((e: unknown) => e);
    const other = rig.client.resolve(SEVEN);
    const reason = new Error("enough");
    abort.abort(reason);
    expect(await one).to.equal(reason);
    resolve(undefined);
    expect((await other).serviceId).to.equal(SEVEN);
    await rig.client.close();
  });

  it("looks up no name that there cannot be", async () => {
    const rig = new ClientRig();
    await rejection("NAME_INVALID", rig.client.resolve("weather"));
    await rejection("NAME_INVALID", rig.client.watch("weather").next());
    expect(rig.events).to.deep.equal(["created"]);
  });
});
