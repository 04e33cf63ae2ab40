import { expect } from "chai";
import fc from "fast-check";
import type { FlowHandler } from "../../src/sal/provider/service.ts";
import type { Flow } from "../../src/sal/session/flow.ts";
import "../support/arbitraries.ts";
import { runs } from "../support/runs.ts";
import { disturb, disturbance, type Disturbance } from "./rig/disturbance.ts";
import type { FakeClock } from "./rig/fakeClock.ts";
import { Side, sidePlan, type SidePlan } from "./rig/flowPlan.ts";
import { random } from "./rig/random.ts";
import { POOL_BYTES, SalRig } from "./rig/salRig.ts";

interface Story {
  seed: number;
  latencyMs: number;
  chunk: number;
  flows: { opensAfterMs: number; client: SidePlan; service: SidePlan }[];
  disturbances: Disturbance[];
}

const story: fc.Arbitrary<Story> = fc.record({
  seed: fc.nat(2 ** 31),
  latencyMs: fc.constantFrom(1, 8, 25, 60),
  chunk: fc.constantFrom(20, 300, 1_500, 16_384, 65_536),
  flows: fc.array(fc.record({ opensAfterMs: fc.nat(150), client: sidePlan, service: sidePlan }), {
    minLength: 1,
    maxLength: 5,
  }),
  disturbances: fc.array(disturbance, { minLength: 1, maxLength: 10, size: "max" }),
});

/** First of the ports; each flow has its own, by which the service knows its part. */
const FIRST_PORT = 1_000;

describe("a session under all that networks do", () => {
  it("delivers what was sent, in order, nothing twice, and ends clean only what ended complete", async () => {
    await fc.assert(
      fc.asyncProperty(story, async (told) => {
        await play(told);
      }),
      { numRuns: runs(150, 2_000) },
    );
  });
});

async function play({ seed, latencyMs, chunk, flows, disturbances }: Story): Promise<void> {
  const next = random(seed);
  const wire = { latencyMs, chunk: () => 1 + Math.floor(next() * chunk) };
  const stage = new Stage(seed, flows);
  const rig = new SalRig({ ports: stage.ports, wire });
  stage.clock = rig.clock;
  // The session begins before the trouble does: a client that nobody knows yet cannot resume.
  await rig.clock.play(rig.client.session("weather", new AbortController().signal));
  await rig.clock.until(() => rig.provider.sessions === 1);
  let at = 0;
  for (const each of disturbances) {
    at += each.afterMs;
    rig.clock.after(at, () => {
      disturb(rig, each);
    });
  }
  await rig.clock.play(Promise.all(flows.map((_, index) => stage.open(rig, index))));
  await rig.clock.until(() => stage.isOver);
  stage.check();
  // What began has ended, and nothing is left of it.
  expect(rig.provider.flows, "counted flows").to.equal(0);
  expect(rig.log.said("error")).to.deep.equal([]);
  rig.stop();
  await rig.clock.advance(70_000);
  expect(rig.provider.sessions).to.equal(0);
  expect(rig.net.open, "open connections").to.deep.equal([]);
  expect(rig.clock.waiting, "timers").to.equal(0);
  expect(rig.credit.take(POOL_BYTES), "credit is given back").to.equal(true);
}

/** Flows with a part for each side. */
class Stage {
  readonly clients: Side[];
  readonly services: Side[];
  readonly ports: Record<number, FlowHandler>;
  /** How often the service was asked to open each flow. */
  readonly served: number[];
  clock: FakeClock | undefined;
  readonly #flows: Story["flows"];

  constructor(seed: number, flows: Story["flows"]) {
    this.#flows = flows;
    this.clients = flows.map(({ client }, index) => new Side(client, seed + 2 * index));
    this.services = flows.map(({ service }, index) => new Side(service, seed + 2 * index + 1));
    this.served = flows.map(() => 0);
    this.ports = Object.fromEntries(
      flows.map((_, index) => [FIRST_PORT + index, (flow: Flow) => this.#serve(flow, index)]),
    );
  }

  get isOver(): boolean {
    return [...this.clients, ...this.services].every(({ isClosed }) => isClosed);
  }

  async open(rig: SalRig, index: number): Promise<void> {
    const wait = this.#flows[index]?.opensAfterMs ?? 0;
    await new Promise<void>((resolve) => rig.clock.after(wait, resolve));
    const client = this.clients[index];
    try {
      const flow = await rig.client.connect("weather", FIRST_PORT + index);
      client?.play(flow, rig.clock);
    } catch (error) {
      client?.missed(error as Error);
    }
  }

  check(): void {
    this.clients.forEach((client, index) => {
      const service = this.services[index]!;
      expect(this.served[index], "how often the flow was served").to.equal(1);
      checkDirection(client, service);
      checkDirection(service, client);
      if (client.closes || service.closes) return;
      expect([client.code, service.code]).to.deep.equal([undefined, undefined]);
      expect([client.hasEnd, service.hasEnd]).to.deep.equal([true, true]);
    });
  }

  #serve(flow: Flow, index: number): Promise<void> {
    this.served[index] = (this.served[index] ?? 0) + 1;
    if (this.clock !== undefined) this.services[index]?.play(flow, this.clock);
    return Promise.resolve();
  }
}

function checkDirection(from: Side, to: Side): void {
  const { received } = to;
  expect(from.sent.subarray(0, received.length).equals(received), "the same bytes").to.equal(true);
  if (to.hasEnd) {
    expect(from.hasEnded).to.equal(true);
    expect(received.length).to.equal(from.sent.length);
  }
  // A part never looks like the whole.
  if (from.closes && !to.closes) {
    expect(to.hasEnd).to.equal(false);
    expect(to.code).to.equal("FLOW_CANCELLED");
  }
}
