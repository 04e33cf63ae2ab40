import fc from "fast-check";
import type { SalRig } from "./salRig.ts";

/** What happens to the network, and when. */
export interface Disturbance {
  afterMs: number;
  kind: (typeof kinds)[number];
  /** Bytes or milliseconds. */
  much: number;
}

const kinds = [
  "cut",
  "cutClientsWay",
  "stallUp",
  "stallDown",
  "stallBoth",
  "moveAndCut",
  "moveAndTell",
  "moveAndTell",
  "moveSilently",
  "otherInterface",
  "otherInterface",
  "bothMove",
  "cutNext",
  "forgery",
] as const;

export const disturbance: fc.Arbitrary<Disturbance> = fc.record({
  afterMs: fc.noBias(fc.nat(400)),
  kind: fc.constantFrom(...kinds),
  much: fc.oneof(fc.nat(60), fc.noBias(fc.nat(3_000)), fc.noBias(fc.nat(60_000))),
});

/** Lets it happen. */
export function disturb(rig: SalRig, { kind, much }: Disturbance): void {
  const { net, clock } = rig;
  const { near, far } = net.last;
  switch (kind) {
    case "cut":
      far.cut(much);
      break;
    case "cutClientsWay":
      near.cut(much);
      break;
    case "stallUp":
      stall([near], much);
      break;
    case "stallDown":
      stall([far], much);
      break;
    case "stallBoth":
      stall([near, far], much);
      break;
    case "moveAndCut":
      rig.move();
      far.cut(much);
      break;
    case "moveAndTell":
      rig.move();
      rig.provider.migrate(rig.locator.record);
      break;
    case "moveSilently":
      rig.move();
      stall([near, far], 60_000);
      break;
    case "otherInterface":
      for (const session of rig.client.sessions) session.reconsider("interfaces");
      break;
    case "bothMove":
      rig.move();
      net.address = `192.0.2.${1 + (much % 250)}`;
      rig.cut();
      break;
    case "cutNext":
      // Somewhere in the next handshake: before HELLO, RESUME, or RESUMED.
      rig.cut();
      net.onDial = ({ near: next }) => {
        net.onDial = undefined;
        clock.after(much % 60, () => {
          next.cut();
        });
      };
      break;
    case "forgery":
      // A record that is not signed changes nothing.
      rig.provider.migrate(Buffer.from("not a record"));
  }

  function stall(links: { isStalled: boolean; resume(): void }[], milliseconds: number): void {
    for (const link of links) link.isStalled = true;
    clock.after(milliseconds, () => {
      for (const link of links) link.resume();
    });
  }
}
