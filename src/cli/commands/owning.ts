import type { Entry } from "../framework/entry.ts";

/** Commands with BLOC. */
export const owning = {
  challenge: {
    about: "Challenge a service on chain to prove that it is online.",
    otherwise: "open",
    commands: {
      open: {
        about: "Challenge a service on chain, for a bond, to prove that it is online.",
        load: async () => (await import("../challenge/open.ts")).challengeOpen,
      },
      show: {
        about: "Show a service's open challenge and its deadline.",
        load: async () => (await import("../challenge/show.ts")).challengeShow,
      },
      answer: {
        about: "Answer a service's open challenge by hand, with the frozen key.",
        load: async () => (await import("../challenge/answer.ts")).challengeAnswer,
      },
      resolve: {
        about: "Close a challenge that was not answered in time, or that never got a question.",
        load: async () => (await import("../challenge/resolve.ts")).challengeResolve,
      },
    },
  },
  send: {
    about: "Send BLOC to an address.",
    load: async () => (await import("../stake/send.ts")).send,
  },
  balance: {
    about: "Show the ether and the BLOC of an account.",
    load: async () => (await import("../stake/balance.ts")).balance,
  },
  stake: {
    about: "Add to the stake of a service or an auditor.",
    load: async () => (await import("../stake/stake.ts")).stake,
  },
  unstake: {
    about: "Start to unbond stake of a service or of an auditor.",
    load: async () => (await import("../stake/unstake.ts")).unstake,
  },
  withdraw: {
    about: "Pay out stake whose unbonding time is over.",
    load: async () => (await import("../stake/withdraw.ts")).withdraw,
  },
  exit: {
    about: "Leave: claim the remaining pay, unbond, wait, withdraw.",
    load: async () => (await import("../stake/exit.ts")).exit,
  },
} satisfies Readonly<Record<string, Entry>>;
