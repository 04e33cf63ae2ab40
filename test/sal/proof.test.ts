import { expect } from "chai";
import { BlockcloudError } from "../../src/protocol/errors.ts";
import { addressOfKey } from "../../src/protocol/signature.ts";
import type { FlowPeer } from "../../src/sal/provider/service.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import { failureOf } from "../support/failure.ts";
import { rejection } from "../support/rejection.ts";
import { RawClient } from "./rig/rawClient.ts";
import { signClientProof } from "../../src/sal/handshake/clientProof.ts";
import {
  collect,
  DOMAIN,
  ECHO,
  echo,
  KEY,
  OTHER_KEY,
  SalRig,
  SERVICE,
  START_MS,
  type SalRigOptions,
} from "./rig/salRig.ts";

const LEASE_MS = 200_000;

describe("the right of a session", () => {
  let rig: SalRig;

  function start(options: SalRigOptions = {}): void {
    rig = new SalRig(options);
  }
  afterEach(() => {
    rig.stop();
  });

  /** Waits until a flow ends with an error. */
  async function ends(flow: Flow): Promise<string> {
    const failure = await rig.clock.play(failureOf(collect(flow)));
    return (failure as BlockcloudError).code;
  }

  it("a service under another key is refused before the client says anything", async () => {
    start({ service: { keys: [OTHER_KEY] } });
    await rejection("SAL_PROOF", rig.clock.play(rig.client.connect("weather", ECHO)));
  });

  it("while the keys of users and auditors differ, both accept the same endpoint", async () => {
    start({ service: { keys: [KEY, OTHER_KEY] } });
    await rig.open();
    rig.locator.publish({ key: addressOfKey(OTHER_KEY) });
    const auditor = rig.createClient();
    await rig.open(ECHO, auditor);
    auditor.close();
  });

  it("is proved again every ten minutes", async () => {
    start();
    const flow = await rig.open();
    await rig.clock.play(rig.client.session("weather", new AbortController().signal));
    const first = rig.client.sessions[0]?.receipt;
    await rig.clock.advance(11 * 60_000);
    const second = rig.client.sessions[0]?.receipt;
    expect(second?.nonce).not.to.equal(first?.nonce);
    expect(second?.channel).to.equal(first?.channel);
    expect(flow.destroyed).to.equal(false);
  });

  it("ends with KEY_CHANGED when the key was replaced and the provider has the old one", async () => {
    start();
    const flow = await rig.open();
    rig.locator.publish({ key: addressOfKey(OTHER_KEY) });
    rig.locator.tell();
    const began = rig.clock.monotonic();
    expect(await ends(flow)).to.equal("KEY_CHANGED");
    expect(rig.clock.monotonic() - began).to.be.below(60_000);
    expect(rig.locator.watching).to.equal(0);
  });

  it("goes on when the provider has the new key, too", async () => {
    start({ service: { keys: [KEY, OTHER_KEY] } });
    const flow = await rig.open();
    rig.locator.publish({ key: addressOfKey(OTHER_KEY) });
    rig.locator.tell();
    await rig.clock.advance(60_000);
    expect(flow.destroyed).to.equal(false);
    expect(rig.client.sessions[0]?.receipt).to.have.property("nonce");
  });

  it("ends with SERVICE_REVOKED when the chain says so", async () => {
    start();
    const flow = await rig.open();
    const error = new BlockcloudError("SERVICE_INACTIVE", "The service was retired.");
    const over = ends(flow);
    rig.locator.tell({ error });
    expect(await over).to.equal("SERVICE_REVOKED");
  });

  it("outlives lookups that fail for want of a network", async () => {
    start();
    const flow = await rig.open();
    rig.locator.tell({ error: new BlockcloudError("RPC_UNAVAILABLE", "No answer.") });
    await rig.clock.advance(1_000);
    expect(flow.destroyed).to.equal(false);
  });

  it("ends when its delegation ends, unless a newer record prolongs it", async () => {
    start();
    rig.locator.publish({ delegatedUntil: START_MS + LEASE_MS });
    const flow = await rig.open();
    const over = ends(flow);
    await rig.clock.advance(LEASE_MS / 2);
    rig.locator.publish({ delegatedUntil: START_MS + 2 * LEASE_MS });
    await rig.clock.advance(LEASE_MS);
    expect(flow.destroyed).to.equal(false);
    expect(await over).to.equal("SERVICE_REVOKED");
    expect(rig.clock.monotonic()).to.be.within(2 * LEASE_MS, 2 * LEASE_MS + 60_000);
  });

  it("a question that crosses a move is answered by the new link's receipt", async () => {
    start({ service: { keys: [KEY, OTHER_KEY] } });
    const flow = await rig.open();
    rig.locator.publish({ key: addressOfKey(OTHER_KEY) });
    const { far } = rig.net.last;
    // The provider's answer stays on the way until the session has moved.
    far.isStalled = true;
    rig.locator.tell();
    await rig.clock.until(() => rig.moves.length === 1);
    await rig.clock.advance(60_000);
    expect(flow.destroyed).to.equal(false);
  });

  it("an outage while the question is on its way is no refusal", async () => {
    start();
    const flow = await rig.open();
    await rig.clock.advance(599_900);
    const place = "198.51.100.1:443";
    rig.net.silent.add(place);
    const { near, far } = rig.net.last;
    near.isStalled = true;
    far.isStalled = true;
    await rig.clock.advance(120_000);
    expect(flow.destroyed).to.equal(false);
    rig.net.silent.delete(place);
    await rig.clock.until(() => rig.moves.length === 1);
    const got = collect(flow);
    flow.end("still here");
    expect((await rig.clock.play(got)).toString()).to.equal("still here");
  });

  it("a key that is replaced while the path is lost is demanded of the next link", async () => {
    start();
    const flow = await rig.open();
    const over = ends(flow);
    rig.locator.publish({ key: addressOfKey(OTHER_KEY) });
    rig.cut();
    // The endpoint still proves the old key, which the known location allows; the question then asks for the new one.
    expect(await over).to.equal("KEY_CHANGED");
  });
});

describe("a service that asks who its client is", () => {
  let rig: SalRig;
  let peers: FlowPeer[];

  function start(client?: { identity: Uint8Array }): void {
    peers = [];
    const ports = {
      [ECHO]: (flow: Flow, peer: FlowPeer) => {
        peers.push(peer);
        return echo(flow, peer);
      },
    };
    rig = new SalRig({ ports, service: { asksClient: true }, ...(client && { client }) });
  }
  afterEach(async () => {
    rig.stop();
    await rig.clock.advance(20_000);
    expect(rig.net.open).to.deep.equal([]);
  });

  it("knows it by a key of this service", async () => {
    start({ identity: Buffer.alloc(32, 5) });
    await rig.open();
    const again = rig.createClient({ identity: Buffer.alloc(32, 5) });
    await rig.open(ECHO, again);
    again.close();
    expect(peers[0]?.client).to.match(/^0x[0-9a-fA-F]{40}$/);
    expect(peers[1]?.client).to.equal(peers[0]?.client);
  });

  it("is not told anything by a client without an identity, which gives the link up", async () => {
    start();
    const code = "CLIENT_PROOF_REQUIRED";
    await rejection(code, rig.clock.play(rig.client.connect("weather", ECHO)));
    expect(peers).to.deep.equal([]);
  });

  it("refuses a client without a proof, with another's, and with one of another connection", async () => {
    start();
    const without = await RawClient.greeted(rig);
    without.begin();
    expect(await without.ended()).to.equal("CLIENT_PROOF_REQUIRED");
    const { channel } = without;
    const claim = { serviceId: SERVICE, channel, issuedAt: 1n };
    const relayed = await RawClient.greeted(rig);
    relayed.begin(signClientProof(claim, DOMAIN, KEY));
    expect(await relayed.ended()).to.equal("CLIENT_PROOF_REQUIRED");
    const other = await RawClient.greeted(rig);
    const proof = signClientProof({ ...claim, channel: other.channel }, DOMAIN, KEY);
    other.begin({ ...proof, client: addressOfKey(OTHER_KEY) });
    expect(await other.ended()).to.equal("CLIENT_PROOF_REQUIRED");
    expect(rig.provider.sessions).to.equal(0);
  });
});
