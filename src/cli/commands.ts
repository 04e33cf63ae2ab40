import type { Entry } from "./framework/entry.ts";

/**
 * All commands of `blockcloud` in the order of the help: names, sentences, and where each is. Nothing here
 * loads a command, so that the help of the program and of its groups needs none.
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
        about: "Show a service, its grades by epoch, and why they are not better.",
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
        about:
          "Replace the key that signs: records at once, receipts from the next epoch but one on.",
        load: async () => (await import("./service/setKey.ts")).serviceSetKey,
      },
      "set-probe": {
        about: "Replace how auditors inspect a service, from the next epoch but one on.",
        load: async () => (await import("./service/setProbe.ts")).serviceSetProbe,
      },
      "set-payout": {
        about: "Name who receives a service's pay, at once, for all epochs not settled yet.",
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
        about: "Take a service out for a while, or back in, from the next epoch but one on.",
        load: async () => (await import("./service/maintenance.ts")).serviceMaintenance,
      },
      reinstate: {
        about: "End a service's suspension, from the next epoch but one on.",
        load: async () => (await import("./service/reinstate.ts")).serviceReinstate,
      },
      retire: {
        about:
          "Take a service out for ever, from the next epoch but one on; its stake starts to unbond.",
        load: async () => (await import("./service/retire.ts")).serviceRetire,
      },
      "take-over": {
        about:
          "Go on with a service of the contracts' earlier version, under its number and label.",
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
        about:
          "Tell the running agent where the service is now: it publishes the next record, without gas.",
        load: async () => (await import("./provider/move.ts")).providerMove,
      },
      status: {
        about: "Show how a service does: its last grades and pay, and what to do about them.",
        load: async () => (await import("./provider/status.ts")).providerStatus,
      },
    },
  },
  subservice: {
    about: "Let devices sign for sub-services of a service.",
    commands: {
      add: {
        about:
          "Let a device's own key sign for a sub-service, and name it; no transaction, no gas.",
        load: async () => (await import("./subservice/add.ts")).subserviceAdd,
      },
      list: {
        about: "List the sub-services that were added from this state folder, the newest first.",
        load: async () => (await import("./subservice/list.ts")).subserviceList,
      },
      revoke: {
        about: "Take a sub-service's delegation and name back; no transaction, no gas.",
        load: async () => (await import("./subservice/revoke.ts")).subserviceRevoke,
      },
      run: {
        about:
          "Serve an HTTP upstream as a sub-service: receipts and record by the device's own key.",
        load: async () => (await import("./subservice/run.ts")).subserviceRun,
      },
    },
  },
  auditor: {
    about: "Inspect services and earn BLOC.",
    commands: {
      init: {
        about: "Stake BLOC and enrol as an auditor; counts from the next epoch but one.",
        load: async () => (await import("./auditor/init.ts")).auditorInit,
      },
      run: {
        about: "Inspect services that the draw assigns, report on them and collect the pay.",
        load: async () => (await import("./auditor/run.ts")).auditorRun,
      },
      status: {
        about: "Show an auditor's rounds, what they earned against their gas, and when it lapses.",
        load: async () => (await import("./auditor/status.ts")).auditorStatus,
      },
      exit: {
        about: "Leave: claim what is left, unbond, count down, withdraw.",
        load: async () => (await import("./stake/exit.ts")).auditorExit,
      },
    },
  },
  coral: {
    about: "Take part in the record network.",
    commands: {
      run: {
        about:
          "Run a node of the record network: it checks, keeps and passes on where services are.",
        load: async () => (await import("./coral/run.ts")).coralRun,
      },
    },
  },
  keeper: {
    about: "Do what is due on chain.",
    commands: {
      run: {
        about:
          "Do what is due on chain and pays: tick, report, resolve, suspend, lapse, release, settle.",
        load: async () => (await import("./keeper/run.ts")).keeperRun,
      },
    },
  },
  resolver: {
    about: "Say where services are.",
    commands: {
      run: {
        about: "Answer over HTTP and DNS where services are, each answer with its signed record.",
        load: async () => (await import("./resolver/run.ts")).resolverRun,
      },
    },
  },
  resolve: {
    about: "Look up where a service is, by itself or through a resolver whose answer it can check.",
    load: async () => (await import("./resolve/resolve.ts")).resolve,
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
    about: "Say how a resolver on this host looks services up.",
    commands: {
      list: {
        about: "List the rules of the service table, with what resolvers counted of each.",
        load: async () => (await import("./table/list.ts")).tableList,
      },
      add: {
        about: "Add a rule to the service table, or give one that is there another weight.",
        load: async () => (await import("./table/add.ts")).tableAdd,
      },
      remove: {
        about: "Remove a rule of the service table, or all rules at a prefix.",
        load: async () => (await import("./table/remove.ts")).tableRemove,
      },
    },
  },
  challenge: {
    about: "Ask a service on chain whether it is there.",
    otherwise: "open",
    commands: {
      open: {
        about: "Ask a service on chain, for a bond, whether it is there.",
        load: async () => (await import("./challenge/open.ts")).challengeOpen,
      },
      show: {
        about: "Show a service's open challenge, and until when it must be answered.",
        load: async () => (await import("./challenge/show.ts")).challengeShow,
      },
      answer: {
        about: "Answer a service's open challenge by hand, with the key that it froze.",
        load: async () => (await import("./challenge/answer.ts")).challengeAnswer,
      },
      resolve: {
        about: "Close a challenge that was not answered in time, or that never got its question.",
        load: async () => (await import("./challenge/resolve.ts")).challengeResolve,
      },
    },
  },
  send: {
    about: "Send BLOC to an address.",
    load: async () => (await import("./stake/send.ts")).send,
  },
  stake: {
    about: "Add to the stake of a service or an auditor.",
    load: async () => (await import("./stake/stake.ts")).stake,
  },
  unstake: {
    about: "Start to take stake out of a service or of an auditor.",
    load: async () => (await import("./stake/unstake.ts")).unstake,
  },
  withdraw: {
    about: "Pay out stake whose unbonding time is over.",
    load: async () => (await import("./stake/withdraw.ts")).withdraw,
  },
  exit: {
    about: "Leave: claim what is left, unbond, count down, withdraw.",
    load: async () => (await import("./stake/exit.ts")).exit,
  },
  key: {
    about: "Make encrypted key files.",
    commands: {
      new: {
        about: "Make a private key, and write it encrypted to a new file of mode 600.",
        load: async () => (await import("./key/new.ts")).keyNew,
      },
      import: {
        about: "Write a key that stands in a file or in the environment, encrypted, to a new file.",
        load: async () => (await import("./key/import.ts")).keyImport,
      },
      address: {
        about: "Show the address of a key file; an encrypted one says it without its password.",
        load: async () => (await import("./key/address.ts")).keyAddress,
      },
    },
  },
  backup: {
    about: "Copy the workers' state, and bring it back.",
    commands: {
      create: {
        about: "Copy the workers' state into one file; also while they run.",
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
