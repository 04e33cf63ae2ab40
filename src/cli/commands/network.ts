import type { Entry } from "../framework/entry.ts";

/** Workers that check services, and those that keep the network. */
export const network = {
  auditor: {
    about: "Inspect services and earn BLOC.",
    commands: {
      init: {
        about: "Stake BLOC and enrol as an auditor; counts two epochs later.",
        load: async () => (await import("../auditor/init.ts")).auditorInit,
      },
      run: {
        about: "Inspect services that the draw assigns, report on them and collect the pay.",
        load: async () => (await import("../auditor/run.ts")).auditorRun,
      },
      status: {
        about: "Show an auditor's rounds, their pay and gas, and the time when it lapses.",
        load: async () => (await import("../auditor/status.ts")).auditorStatus,
      },
      exit: {
        about: "Leave: claim the remaining pay, unbond, wait, withdraw.",
        load: async () => (await import("../stake/exit.ts")).auditorExit,
      },
    },
  },
  coral: {
    about: "Take part in the record network.",
    commands: {
      run: {
        about: "Run a node of the record network: it checks, stores and forwards signed records.",
        load: async () => (await import("../coral/run.ts")).coralRun,
      },
    },
  },
  keeper: {
    about: "Send transactions that are due on chain.",
    commands: {
      run: {
        about:
          "Send profitable transactions that are due: tick, report, resolve, suspend, lapse, release, settle, forward fees.",
        load: async () => (await import("../keeper/run.ts")).keeperRun,
      },
    },
  },
  alerts: {
    about: "Tell a webhook what needs the operator.",
    commands: {
      run: {
        about:
          "Watch services, auditors and accounts, and tell a webhook once what needs the operator.",
        load: async () => (await import("../alerts/run.ts")).alertsRun,
      },
      test: {
        about: "Send one signed test message to the webhook of alerts.",
        load: async () => (await import("../alerts/test.ts")).alertsTest,
      },
    },
  },
  indexer: {
    about: "Keep an index of a deployment's history, and answer queries.",
    commands: {
      run: {
        about: "Index a deployment, and answer GraphQL for consoles. Needs Ponder.",
        load: async () => (await import("../indexer/run.ts")).indexerRun,
      },
    },
  },
  faucet: {
    about: "Give BLOC and ether of a test network.",
    commands: {
      run: {
        about: "Give BLOC and ether of a test network over HTTP, within limits.",
        load: async () => (await import("../faucet/run.ts")).faucetRun,
      },
    },
  },
  relay: {
    about: "Lead clients to providers behind NAT.",
    commands: {
      run: {
        about: "Lead clients to providers that cannot be reached from outside, without reading.",
        load: async () => (await import("../relay/run.ts")).relayRun,
      },
    },
  },
  resolver: {
    about: "Resolve services for others.",
    commands: {
      run: {
        about: "Resolve services over HTTP and DNS; each HTTP answer contains the signed record.",
        load: async () => (await import("../resolver/run.ts")).resolverRun,
      },
    },
  },
} satisfies Readonly<Record<string, Entry>>;
