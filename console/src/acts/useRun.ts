import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useSources } from "../context.tsx";
import type { PageError } from "../failure.ts";
import { httpRpc } from "../verify/rpc.ts";
import type { Act, ActContext, Salts, Values } from "./act.ts";
import { Pendings } from "./pending.ts";
import { follow, type Ending } from "./follow.ts";
import { prepare, send, signPermit, type Prepared } from "./run.ts";
import { failureOf } from "./ui/failure.ts";
import type { Connected } from "./useWallet.ts";

/** Where an act is. */
export type Step =
  | { kind: "filling" }
  | { kind: "checking" }
  | { kind: "ready"; prepared: Prepared }
  /** The wallet is asked. */
  | { kind: "asking"; prepared: Prepared; what: "permit" | "transaction" }
  | { kind: "mining"; prepared: Prepared; hash: string }
  | { kind: "ended"; prepared: Prepared; ending: Ending };

export interface Run {
  step: Step;
  failure: PageError | undefined;
  /** The field that the failure is about. */
  field: string | undefined;
  check(values: Values): void;
  sign(): void;
  send(): void;
  back(): void;
}

/** Secrets in the browser's store, under names of their own. */
const salts: Salts = {
  read: (name) => localStorage.getItem(`blockcloud.salt/${name}`) ?? undefined,
  write: (name, value) => {
    localStorage.setItem(`blockcloud.salt/${name}`, value);
  },
  remove: (name) => {
    localStorage.removeItem(`blockcloud.salt/${name}`);
  },
};

const never = new AbortController().signal;

export function usePendings(): Pendings {
  return useMemo(() => new Pendings(localStorage), []);
}

/** Leads one act from its form to its end. A change of act or account begins anew. */
export function useRun(act: Act, connected: Connected | undefined, changed: () => void): Run {
  const { config, client } = useSources();
  const pendings = usePendings();
  const [step, setStep] = useState<Step>({ kind: "filling" });
  const [failure, setFailure] = useState<PageError>();
  const [field, setField] = useState<string>();
  /** What is under way; a later one makes the answers of an earlier one void. */
  const turn = useRef(0);
  const isBusy = useRef(false);
  const account = connected?.account;
  const begin = useCallback(() => {
    turn.current += 1;
    isBusy.current = false;
    setStep({ kind: "filling" });
    setFailure(undefined);
    setField(undefined);
  }, []);
  useEffect(begin, [begin, act, account]);

  const context = useMemo((): ActContext | undefined => {
    if (account === undefined) return undefined;
    const rpc = httpRpc(config.rpc, new AbortController().signal);
    return { client, rpc, deployment: config.deployment, account, salts };
  }, [client, config, account]);

  const during = (next: Step, run: (isCurrent: () => boolean) => Promise<void>, fallback: Step) => {
    // One thing at a time: a second click, or a key that is held, does nothing.
    if (isBusy.current) return;
    isBusy.current = true;
    const mine = ++turn.current;
    const isCurrent = () => turn.current === mine;
    setFailure(undefined);
    setField(undefined);
    setStep(next);
    run(isCurrent)
      .catch((error: unknown) => {
        if (!isCurrent()) return;
        setFailure(failureOf(error));
        setField(fieldOf(error));
        setStep(fallback);
      })
      .finally(() => {
        if (isCurrent()) isBusy.current = false;
        changed();
      });
  };

  return {
    step,
    failure,
    field,
    back: begin,
    check(values) {
      if (context === undefined) return;
      during(
        { kind: "checking" },
        async (isCurrent) => {
          const prepared = await prepare(act, values, context);
          if (isCurrent()) setStep({ kind: "ready", prepared });
        },
        { kind: "filling" },
      );
    },
    sign() {
      if (step.kind !== "ready" || context === undefined || connected === undefined) return;
      const { prepared } = step;
      during(
        { kind: "asking", prepared, what: "permit" },
        async (isCurrent) => {
          const signed = await signPermit(prepared, connected.wallet.provider, context);
          if (isCurrent()) setStep({ kind: "ready", prepared: signed });
        },
        step,
      );
    },
    send() {
      if (step.kind !== "ready" || context === undefined || connected === undefined) return;
      const { prepared } = step;
      during(
        { kind: "asking", prepared, what: "transaction" },
        async (isCurrent) => {
          const { provider } = connected.wallet;
          const { hash, key, nonce } = await send(prepared, provider, context, pendings);
          changed();
          if (isCurrent()) setStep({ kind: "mining", prepared, hash });
          const followed = { ...prepared, hash, nonce, account: context.account };
          // It is followed to its end even if the reader looks at something else meanwhile.
          const ending = await follow(client, followed, never);
          pendings.end(key);
          if (isCurrent()) setStep({ kind: "ended", prepared, ending });
        },
        { kind: "filling" },
      );
    },
  };
}

function fieldOf(error: unknown): string | undefined {
  const isNamed = error instanceof Error && "field" in error && typeof error.field === "string";
  return isNamed ? (error.field as string) : undefined;
}
