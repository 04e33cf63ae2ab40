import type { Entry } from "./framework/entry.ts";

/**
 * All commands of `blockcloud` in the order of the help: names, descriptions and modules. This file loads no
 * command, so the help of the program and of its groups loads none either.
 */
export const commands = {
  service: {
    about: "Register services and change them.",
    commands: {
      register: {
        about: "Register a service by a contract call: burns the class's fee and stakes BLOC.",
        load: async () => (await import("./service/register.ts")).serviceRegister,
      },
      show: {
        about: "Show a service, its grades by epoch, and the reasons for poor grades.",
        load: async () => (await import("./service/show.ts")).serviceShow,
      },
      list: {
        about: "List services, by number.",
        load: async () => (await import("./service/list.ts")).serviceList,
      },
      label: {
        about: "Take a label for a service: commits to it, waits, takes it, and burns its price.",
        load: async () => (await import("./service/label.ts")).serviceLabel,
      },
      "set-key": {
        about: "Replace the service key: at once for records, two epochs later for receipts.",
        load: async () => (await import("./service/setKey.ts")).serviceSetKey,
      },
      "set-probe": {
        about: "Replace the probe specification of a service; counts two epochs later.",
        load: async () => (await import("./service/setProbe.ts")).serviceSetProbe,
      },
      "set-payout": {
        about:
          "Set the receiver of a service's pay, at once, for all epochs that are not settled yet.",
        load: async () => (await import("./service/setPayout.ts")).serviceSetPayout,
      },
      "set-metadata": {
        about: "Replace the URI of a service's description, at once.",
        load: async () => (await import("./service/setMetadata.ts")).serviceSetMetadata,
      },
      transfer: {
        about:
          "Give a service to another owner: its stake unbonds, its key and payout are cleared.",
        load: async () => (await import("./service/transfer.ts")).serviceTransfer,
      },
      maintenance: {
        about: "Begin or end maintenance of a service; counts two epochs later.",
        load: async () => (await import("./service/maintenance.ts")).serviceMaintenance,
      },
      reinstate: {
        about: "End a service's suspension; counts two epochs later.",
        load: async () => (await import("./service/reinstate.ts")).serviceReinstate,
      },
      retire: {
        about: "Retire a service for ever; counts two epochs later. Its stake starts to unbond.",
        load: async () => (await import("./service/retire.ts")).serviceRetire,
      },
      "take-over": {
        about:
          "Take over a service from the contracts' earlier version, with its number and label.",
        load: async () => (await import("./service/takeOver.ts")).serviceTakeOver,
      },
    },
  },
  provider: {
    about: "Run a service.",
    commands: {
      run: {
        about:
          "Serve an HTTP upstream with receipts, publish its endpoint, answer challenges and collect the pay.",
        load: async () => (await import("./provider/run.ts")).providerRun,
      },
      move: {
        about: "Tell the running agent a new address: it publishes the next record, without gas.",
        load: async () => (await import("./provider/move.ts")).providerMove,
      },
      handoff: {
        about:
          "Show the agents of a state folder: the one that serves, and those that it has replaced.",
        load: async () => (await import("./provider/handoff.ts")).providerHandoff,
      },
      status: {
        about: "Show the last grades and pay of a service, with remedies.",
        load: async () => (await import("./provider/status.ts")).providerStatus,
      },
    },
  },
  subservice: {
    about: "Delegate sub-services to devices.",
    commands: {
      add: {
        about: "Delegate a sub-service to a device's own key, and name it; no transaction, no gas.",
        load: async () => (await import("./subservice/add.ts")).subserviceAdd,
      },
      list: {
        about: "List the sub-services that were added from this state folder, the newest first.",
        load: async () => (await import("./subservice/list.ts")).subserviceList,
      },
      revoke: {
        about: "Revoke a sub-service's delegation and its name; no transaction, no gas.",
        load: async () => (await import("./subservice/revoke.ts")).subserviceRevoke,
      },
      run: {
        about:
          "Serve an HTTP upstream as a sub-service; the device's own key signs receipts and record.",
        load: async () => (await import("./subservice/run.ts")).subserviceRun,
      },
    },
  },
  expose: {
    about: "Make a local port a service that anyone can reach, through relays if need be.",
    load: async () => (await import("./expose/expose.ts")).expose,
  },
  auditor: {
    about: "Inspect services and earn BLOC.",
    commands: {
      init: {
        about: "Stake BLOC and enrol as an auditor; counts two epochs later.",
        load: async () => (await import("./auditor/init.ts")).auditorInit,
      },
      run: {
        about: "Inspect services that the draw assigns, report on them and collect the pay.",
        load: async () => (await import("./auditor/run.ts")).auditorRun,
      },
      status: {
        about: "Show an auditor's rounds, their pay and gas, and the time when it lapses.",
        load: async () => (await import("./auditor/status.ts")).auditorStatus,
      },
      exit: {
        about: "Leave: claim the remaining pay, unbond, wait, withdraw.",
        load: async () => (await import("./stake/exit.ts")).auditorExit,
      },
    },
  },
  coral: {
    about: "Take part in the record network.",
    commands: {
      run: {
        about: "Run a node of the record network: it checks, stores and forwards signed records.",
        load: async () => (await import("./coral/run.ts")).coralRun,
      },
    },
  },
  keeper: {
    about: "Send transactions that are due on chain.",
    commands: {
      run: {
        about:
          "Send profitable transactions that are due: tick, report, resolve, suspend, lapse, release, settle, forward fees.",
        load: async () => (await import("./keeper/run.ts")).keeperRun,
      },
    },
  },
  indexer: {
    about: "Keep an index of a deployment's history, and answer queries.",
    commands: {
      run: {
        about: "Index a deployment, and answer GraphQL for consoles. Needs Ponder.",
        load: async () => (await import("./indexer/run.ts")).indexerRun,
      },
    },
  },
  faucet: {
    about: "Give BLOC and ether of a test network.",
    commands: {
      run: {
        about: "Give BLOC and ether of a test network over HTTP, within limits.",
        load: async () => (await import("./faucet/run.ts")).faucetRun,
      },
    },
  },
  relay: {
    about: "Lead clients to providers behind NAT.",
    commands: {
      run: {
        about: "Lead clients to providers that cannot be reached from outside, without reading.",
        load: async () => (await import("./relay/run.ts")).relayRun,
      },
    },
  },
  resolver: {
    about: "Resolve services for others.",
    commands: {
      run: {
        about: "Resolve services over HTTP and DNS; each HTTP answer contains the signed record.",
        load: async () => (await import("./resolver/run.ts")).resolverRun,
      },
    },
  },
  resolve: {
    about: "Look up a service, directly or by a resolver whose answer it can check.",
    load: async () => (await import("./resolve/resolve.ts")).resolve,
  },
  console: {
    about: "The web page of a deployment.",
    commands: {
      run: {
        about: "Serve the page on this host, with what it reads from chain, index and services.",
        load: async () => (await import("./console/run.ts")).consoleRun,
      },
    },
  },
  proxy: {
    about: "Reach services from programs as they are, through a local proxy.",
    otherwise: "run",
    commands: {
      run: {
        about: "Run a local proxy through which programs reach services by their names.",
        load: async () => (await import("./user/proxy.ts")).proxy,
      },
      map: {
        about: "List the services that have a mapped address, and their addresses.",
        load: async () => (await import("./user/proxyMap.ts")).proxyMap,
      },
      hosts: {
        about:
          "Print hosts lines with the mapped addresses of services, or write them into the file.",
        load: async () => (await import("./user/proxyHosts.ts")).proxyHosts,
      },
      ca: {
        about: "Show, install or remove the certificate authority of proxy --https.",
        load: async () => (await import("./user/proxyCa.ts")).proxyCa,
      },
    },
  },
  connect: {
    about: "Join standard input and output with a port of a service.",
    load: async () => (await import("./user/connect.ts")).connect,
  },
  fetch: {
    about: "Request a URL of a service, and check the receipt of its response.",
    load: async () => (await import("./user/fetch.ts")).fetch,
  },
  receipt: {
    about: "Check what services signed.",
    commands: {
      verify: {
        about: "Check that a receipt proves a response: service, nonce, exchange, date and key.",
        load: async () => (await import("./receipt/verify.ts")).receiptVerify,
      },
    },
  },
  table: {
    about: "Configure how a resolver on this host looks up services.",
    commands: {
      list: {
        about: "List the rules of the service table, with their counters.",
        load: async () => (await import("./table/list.ts")).tableList,
      },
      add: {
        about: "Add a rule to the service table, or change the weight of an existing rule.",
        load: async () => (await import("./table/add.ts")).tableAdd,
      },
      remove: {
        about: "Remove a rule of the service table, or all rules at a prefix.",
        load: async () => (await import("./table/remove.ts")).tableRemove,
      },
    },
  },
  cashier: {
    about: "Pay for services: deposit, look at what was paid, withdraw.",
    commands: {
      deposit: {
        about: "Deposit BLOC at the Cashier, to pay services with it.",
        load: async () => (await import("./cashier/deposit.ts")).cashierDeposit,
      },
      withdraw: {
        about: "Withdraw BLOC from the Cashier, at once.",
        load: async () => (await import("./cashier/withdraw.ts")).cashierWithdraw,
      },
      balance: {
        about: "Show what an account has at the Cashier, and what of it is free.",
        load: async () => (await import("./cashier/balance.ts")).cashierBalance,
      },
      tabs: {
        about: "List the tabs of an account: what each service may take, and has taken.",
        load: async () => (await import("./cashier/tabs.ts")).cashierTabs,
      },
      statement: {
        about: "Show what an account paid, by day and service; as text, CSV or JSON.",
        load: async () => (await import("./cashier/statement.ts")).cashierStatement,
      },
      close: {
        about: "Close tabs: announce it, and a day later take back what was not paid.",
        load: async () => (await import("./cashier/close.ts")).cashierClose,
      },
      authorize: {
        about: "Let a session key pay from the account, up to a limit.",
        load: async () => (await import("./cashier/authorize.ts")).cashierAuthorize,
      },
      revoke: {
        about: "Take the right to open tabs from a session key.",
        load: async () => (await import("./cashier/revoke.ts")).cashierRevoke,
      },
    },
  },
  challenge: {
    about: "Challenge a service on chain to prove that it is online.",
    otherwise: "open",
    commands: {
      open: {
        about: "Challenge a service on chain, for a bond, to prove that it is online.",
        load: async () => (await import("./challenge/open.ts")).challengeOpen,
      },
      show: {
        about: "Show a service's open challenge and its deadline.",
        load: async () => (await import("./challenge/show.ts")).challengeShow,
      },
      answer: {
        about: "Answer a service's open challenge by hand, with the frozen key.",
        load: async () => (await import("./challenge/answer.ts")).challengeAnswer,
      },
      resolve: {
        about: "Close a challenge that was not answered in time, or that never got a question.",
        load: async () => (await import("./challenge/resolve.ts")).challengeResolve,
      },
    },
  },
  send: {
    about: "Send BLOC to an address.",
    load: async () => (await import("./stake/send.ts")).send,
  },
  balance: {
    about: "Show the ether and the BLOC of an account.",
    load: async () => (await import("./stake/balance.ts")).balance,
  },
  stake: {
    about: "Add to the stake of a service or an auditor.",
    load: async () => (await import("./stake/stake.ts")).stake,
  },
  unstake: {
    about: "Start to unbond stake of a service or of an auditor.",
    load: async () => (await import("./stake/unstake.ts")).unstake,
  },
  withdraw: {
    about: "Pay out stake whose unbonding time is over.",
    load: async () => (await import("./stake/withdraw.ts")).withdraw,
  },
  exit: {
    about: "Leave: claim the remaining pay, unbond, wait, withdraw.",
    load: async () => (await import("./stake/exit.ts")).exit,
  },
  key: {
    about: "Make encrypted key files.",
    commands: {
      new: {
        about: "Generate a private key, and write it encrypted to a new file of mode 600.",
        load: async () => (await import("./key/new.ts")).keyNew,
      },
      import: {
        about: "Encrypt a key from a file or the environment into a new file.",
        load: async () => (await import("./key/import.ts")).keyImport,
      },
      address: {
        about: "Show the address of a key file; an encrypted file usually needs no password.",
        load: async () => (await import("./key/address.ts")).keyAddress,
      },
    },
  },
  backup: {
    about: "Back up the workers' state and restore it.",
    commands: {
      create: {
        about: "Copy the workers' state into one file, also while they run.",
        load: async () => (await import("./backup/create.ts")).backupCreate,
      },
      restore: {
        about: "Write a backup into a state folder that holds no state.",
        load: async () => (await import("./backup/restore.ts")).backupRestore,
      },
    },
  },
  config: {
    about: "Look at the settings of the configuration file and the environment.",
    commands: {
      show: {
        about: "Show every setting in force, and where it comes from; no secret among them.",
        load: async () => (await import("./config/show.ts")).configShow,
      },
      check: {
        about: "Check every setting, key files and deployment among them, and list all faults.",
        load: async () => (await import("./config/check.ts")).configCheck,
      },
    },
  },
  doctor: {
    about: "Check endpoints, clock, keys, balances, versions and ports before a worker runs.",
    load: async () => (await import("./doctor/doctor.ts")).doctor,
  },
  completion: {
    about: "Print the script that completes commands and flags in a shell.",
    load: async () => (await import("./completion.ts")).completion,
  },
} satisfies Readonly<Record<string, Entry>>;
