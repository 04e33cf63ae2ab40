import type { Worker } from "../resolve/worker.ts";

/** How the moves are measured. */
export interface MoveSettings {
  /** Of each kind. */
  moves: number;
  /** Of each kind, of an application over plain TCP. */
  tcpMoves: number;
  /** Stalls of each kind, and how long they last. */
  stalls: number;
  stallMs: number;
  /** Between two moves: half to one and a half of it. */
  pauseMs: number;
  /** How long the locator takes to find the newest record. */
  lookupMs: number;
}

/** The processes of a situation. */
export interface Stage {
  provider: Worker;
  relay: Worker;
  client: Worker;
}

/** Ports by the client's network and the provider's place; and how long a lookup of a new place takes. */
export interface Paths {
  ports: readonly (readonly number[])[];
  lookupMs: number;
}

/** What changes: the client's network, the provider's place, or both. */
export interface Change {
  network?: number | undefined;
  place?: number | undefined;
}

export interface Counts {
  moves: number;
  falseAlarms: number;
  wrong: number;
  received: number;
}
