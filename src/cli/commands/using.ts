import type { Entry } from "../framework/entry.ts";

/** Commands of users. */
export const using = {
  resolve: {
    about: "Look up a service, directly or by a resolver whose answer it can check.",
    load: async () => (await import("../resolve/resolve.ts")).resolve,
  },
  console: {
    about: "The web page of a deployment.",
    commands: {
      run: {
        about: "Serve the page on this host, with what it reads from chain, index and services.",
        load: async () => (await import("../console/run.ts")).consoleRun,
      },
    },
  },
  proxy: {
    about: "Reach services from programs as they are, through a local proxy.",
    otherwise: "run",
    commands: {
      run: {
        about: "Run a local proxy through which programs reach services by their names.",
        load: async () => (await import("../user/proxy.ts")).proxy,
      },
      map: {
        about: "List the services that have a mapped address, and their addresses.",
        load: async () => (await import("../user/proxyMap.ts")).proxyMap,
      },
      hosts: {
        about:
          "Print hosts lines with the mapped addresses of services, or write them into the file.",
        load: async () => (await import("../user/proxyHosts.ts")).proxyHosts,
      },
      ca: {
        about: "Show, install or remove the certificate authority of proxy --https.",
        load: async () => (await import("../user/proxyCa.ts")).proxyCa,
      },
    },
  },
  connect: {
    about: "Join standard input and output with a port of a service.",
    load: async () => (await import("../user/connect.ts")).connect,
  },
  fetch: {
    about: "Request a URL of a service, and check the receipt of its response.",
    load: async () => (await import("../user/fetch.ts")).fetch,
  },
  receipt: {
    about: "Check what services signed.",
    commands: {
      verify: {
        about: "Check that a receipt proves a response: service, nonce, exchange, date and key.",
        load: async () => (await import("../receipt/verify.ts")).receiptVerify,
      },
    },
  },
  table: {
    about: "Configure how a resolver on this host looks up services.",
    commands: {
      list: {
        about: "List the rules of the service table, with their counters.",
        load: async () => (await import("../table/list.ts")).tableList,
      },
      add: {
        about: "Add a rule to the service table, or change the weight of an existing rule.",
        load: async () => (await import("../table/add.ts")).tableAdd,
      },
      remove: {
        about: "Remove a rule of the service table, or all rules at a prefix.",
        load: async () => (await import("../table/remove.ts")).tableRemove,
      },
    },
  },
  cashier: {
    about: "Pay for services: deposit, look at what was paid, withdraw.",
    commands: {
      deposit: {
        about: "Deposit BLOC at the Cashier, to pay services with it.",
        load: async () => (await import("../cashier/deposit.ts")).cashierDeposit,
      },
      withdraw: {
        about: "Withdraw BLOC from the Cashier, at once.",
        load: async () => (await import("../cashier/withdraw.ts")).cashierWithdraw,
      },
      balance: {
        about: "Show what an account has at the Cashier, and what of it is free.",
        load: async () => (await import("../cashier/balance.ts")).cashierBalance,
      },
      tabs: {
        about: "List the tabs of an account: what each service may take, and has taken.",
        load: async () => (await import("../cashier/tabs.ts")).cashierTabs,
      },
      statement: {
        about: "Show what an account paid, by day and service; as text, CSV or JSON.",
        load: async () => (await import("../cashier/statement.ts")).cashierStatement,
      },
      close: {
        about: "Close tabs: announce it, and a day later take back what was not paid.",
        load: async () => (await import("../cashier/close.ts")).cashierClose,
      },
      authorize: {
        about: "Let a session key pay from the account, up to a limit.",
        load: async () => (await import("../cashier/authorize.ts")).cashierAuthorize,
      },
      revoke: {
        about: "Take the right to open tabs from a session key.",
        load: async () => (await import("../cashier/revoke.ts")).cashierRevoke,
      },
    },
  },
} satisfies Readonly<Record<string, Entry>>;
