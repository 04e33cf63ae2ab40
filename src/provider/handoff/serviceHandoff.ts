import type { Hex } from "viem";
import type { SalProvider } from "../../sal/provider/salProvider.ts";
import type { RelayStatus } from "../../sal/relay/relayLine.ts";
import type { GivenService } from "./messages.ts";
import type { KeyedService } from "./proofs.ts";

/** A service as it is handed over. */
export interface ServiceHandoff extends KeyedService {
  readonly serviceId: Hex;
  readonly sal: SalProvider;
  /** How the lines to its relays stand; none without relays. */
  readonly relays: readonly RelayStatus[];
  /** The record that was published last; undefined if this process publishes none. */
  readonly record?: Hex | undefined;
  /** Another process goes on with the duties, which end here next. */
  succeeded(): void;
  /** Gives the books of its payments up: from here on another process keeps them. */
  giveBooks(): Promise<void>;
  /**
   * What the process that takes over goes on with.
   *
   * @param send Tells that process what concerns the books.
   */
  given(send: (message: object) => void): GivenService;
  /** What that process tells of the books. */
  books(message: unknown): void;
  /** That process is gone. */
  forsaken(): void;
  /**
   * Takes no further connection, and opens no flow. Resolves when all that is served has ended; it never rejects.
   */
  leave(): Promise<void>;
  /** Ends the flows that are left. */
  expire(): void;
}

/** What a process has taken over of a service. */
export interface InheritedService {
  /** The sessions of the processes before are found under this ID. */
  readonly instance: Buffer;
  /** Where another process listens still; undefined if none does. */
  readonly listen: { readonly host: string; readonly port: number } | undefined;
  /** The move that was followed; 0: none. */
  readonly move: number;
}
