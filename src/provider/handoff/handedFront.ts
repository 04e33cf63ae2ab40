import type { Startable } from "../../node/lifecycle.ts";
import type { AgentHandoff } from "./agentHandoff.ts";
import type { BooksKeeper } from "./booksKeeper.ts";
import type { KeyedService } from "./proofs.ts";
import type { ServiceHandoff } from "./serviceHandoff.ts";
import type { TakeOver } from "./takeOver.ts";

/** A service that its process serves. */
export interface ServedParts {
  /** Serves clients; it closes all that was opened. */
  readonly front: Startable;
  readonly handoff: ServiceHandoff & { readonly keeper: BooksKeeper | undefined };
}

/** The front of a process with one service. */
export interface HandedFront<Parts extends ServedParts> extends Startable {
  /** Undefined until the front starts. */
  readonly parts: Parts | undefined;
}

/**
 * The front of a process with one service, whose parts are made once the processes before it have given up what is
 * theirs. Then it serves in their place, and can be replaced itself.
 *
 * @param handoff Undefined for a process that replaces no other and is replaced by none.
 * @param make Opens the parts.
 */
export function handedFront<Parts extends ServedParts>(
  handoff: AgentHandoff | undefined,
  service: KeyedService,
  make: (before: TakeOver | undefined) => Parts,
): HandedFront<Parts> {
  const before = handoff?.before;
  let parts: Parts | undefined;
  return {
    get parts() {
      return parts;
    },
    async start() {
      await handoff?.take([service]);
      parts = make(before);
      const { keeper } = parts.handoff;
      if (keeper !== undefined) before?.keepBooks(service.serviceId, keeper);
      await parts.front.start();
      before?.serving(service.serviceId);
      await handoff?.host.start();
    },
    async stop() {
      await handoff?.host.stop();
      await parts?.front.stop();
    },
  };
}
