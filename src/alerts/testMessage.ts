import { randomUUID } from "node:crypto";
import type { AlertMessage } from "./store.ts";

/**
 * A message that has the form of an alert, and is about nothing.
 *
 * @param at Unix seconds.
 */
export function testMessage(at: number): Omit<AlertMessage, "kind"> & { kind: "test" } {
  return {
    ...{ v: 1, id: randomUUID(), event: "fired", key: "test", kind: "test", subject: "webhook" },
    ...{ text: "This is a test: alerts arrive here.", epoch: 0, at: Math.floor(at) },
  };
}
