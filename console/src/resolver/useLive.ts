import { useEffect, useRef, useState } from "react";
import type { Address, Hex } from "viem";
import { chainTime } from "../chain/head.ts";
import { useHead, useSources } from "../context.tsx";
import { readChange, type LiveRecord, type LiveState } from "./answers.ts";

/** Moves that are remembered while the page is open. */
const MOST_MOVES = 20;

/** A change of endpoints that the page has seen. */
export interface Move {
  from: readonly string[];
  to: readonly string[];
  /** Unix seconds of the chain. */
  at: number;
}

/** Follows a service by the resolver's watch. `state` is undefined until the first answer, and without a resolver. */
export function useLive(service: { id: Hex; key: Address }): {
  state: LiveState | undefined;
  moves: readonly Move[];
} {
  const { config } = useSources();
  const head = useHead();
  const [seen, setSeen] = useState<{
    state: LiveState | undefined;
    moves: readonly Move[];
    last: LiveRecord | undefined;
  }>({
    state: undefined,
    moves: [],
    last: undefined,
  });
  const { id, key } = service;
  const { resolver, deployment } = config;
  // A newer block must not open the stream again.
  const newest = useRef(head);
  useEffect(() => {
    newest.current = head;
  }, [head]);
  useEffect(() => {
    if (resolver === undefined) return;
    const events = new EventSource(`${resolver}/v1/watch?name=${id}`);
    events.onmessage = ({ data }: MessageEvent<unknown>) => {
      const at = chainTime(newest.current, performance.now());
      const state = readChange(String(data), { deployment, key, id, now: at * 1000 });
      setSeen((before) => {
        if (state.kind !== "record") return { ...before, state };
        const { record } = state;
        const from = before.last?.endpoints;
        const hasMoved = from !== undefined && from.join(" ") !== record.endpoints.join(" ");
        const moves = hasMoved
          ? [{ from, to: record.endpoints, at }, ...before.moves].slice(0, MOST_MOVES)
          : before.moves;
        return { state, moves, last: record };
      });
    };
    events.onerror = () => {
      // The browser connects again by itself, unless the server refused.
      const message = "The resolver cannot be reached; the page tries again.";
      setSeen((before) => ({
        ...before,
        state: { kind: "problem", code: "RESOLVER_AWAY", message },
      }));
    };
    return () => {
      events.close();
    };
  }, [resolver, deployment, id, key]);
  return seen;
}
