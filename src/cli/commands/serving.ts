import type { Entry } from "../framework/entry.ts";

/** Commands of those who have a service, and of its providers. */
export const serving = {
  service: {
    about: "Register services and change them.",
    commands: {
      register: {
        about: "Register a service by a contract call: burns the class's fee and stakes BLOC.",
        load: async () => (await import("../service/register.ts")).serviceRegister,
      },
      show: {
        about: "Show a service, its grades by epoch, and the reasons for poor grades.",
        load: async () => (await import("../service/show.ts")).serviceShow,
      },
      list: {
        about: "List services, by number.",
        load: async () => (await import("../service/list.ts")).serviceList,
      },
      label: {
        about: "Take a label for a service: commits to it, waits, takes it, and burns its price.",
        load: async () => (await import("../service/label.ts")).serviceLabel,
      },
      "set-key": {
        about: "Replace the service key: at once for records, two epochs later for receipts.",
        load: async () => (await import("../service/setKey.ts")).serviceSetKey,
      },
      "set-probe": {
        about: "Replace the probe specification of a service; counts two epochs later.",
        load: async () => (await import("../service/setProbe.ts")).serviceSetProbe,
      },
      "set-payout": {
        about:
          "Set the receiver of a service's pay, at once, for all epochs that are not settled yet.",
        load: async () => (await import("../service/setPayout.ts")).serviceSetPayout,
      },
      "set-metadata": {
        about: "Replace the URI of a service's description, at once.",
        load: async () => (await import("../service/setMetadata.ts")).serviceSetMetadata,
      },
      transfer: {
        about:
          "Give a service to another owner: its stake unbonds, its key and payout are cleared.",
        load: async () => (await import("../service/transfer.ts")).serviceTransfer,
      },
      maintenance: {
        about: "Begin or end maintenance of a service; counts two epochs later.",
        load: async () => (await import("../service/maintenance.ts")).serviceMaintenance,
      },
      reinstate: {
        about: "End a service's suspension; counts two epochs later.",
        load: async () => (await import("../service/reinstate.ts")).serviceReinstate,
      },
      retire: {
        about: "Retire a service for ever; counts two epochs later. Its stake starts to unbond.",
        load: async () => (await import("../service/retire.ts")).serviceRetire,
      },
      "take-over": {
        about:
          "Take over a service from the contracts' earlier version, with its number and label.",
        load: async () => (await import("../service/takeOver.ts")).serviceTakeOver,
      },
    },
  },
  provider: {
    about: "Run a service.",
    commands: {
      run: {
        about:
          "Serve an HTTP upstream with receipts, publish its endpoint, answer challenges and collect the pay.",
        load: async () => (await import("../provider/run.ts")).providerRun,
      },
      move: {
        about: "Tell the running agent a new address: it publishes the next record, without gas.",
        load: async () => (await import("../provider/move.ts")).providerMove,
      },
      handoff: {
        about:
          "Show the agents of a state folder: the one that serves, and those that it has replaced.",
        load: async () => (await import("../provider/handoff.ts")).providerHandoff,
      },
      status: {
        about: "Show the last grades and pay of a service, with remedies.",
        load: async () => (await import("../provider/status.ts")).providerStatus,
      },
    },
  },
  subservice: {
    about: "Delegate sub-services to devices.",
    commands: {
      add: {
        about: "Delegate a sub-service to a device's own key, and name it; no transaction, no gas.",
        load: async () => (await import("../subservice/add.ts")).subserviceAdd,
      },
      list: {
        about: "List the sub-services that were added from this state folder, the newest first.",
        load: async () => (await import("../subservice/list.ts")).subserviceList,
      },
      revoke: {
        about: "Revoke a sub-service's delegation and its name; no transaction, no gas.",
        load: async () => (await import("../subservice/revoke.ts")).subserviceRevoke,
      },
      run: {
        about:
          "Serve an HTTP upstream as a sub-service; the device's own key signs receipts and record.",
        load: async () => (await import("../subservice/run.ts")).subserviceRun,
      },
    },
  },
  expose: {
    about: "Make a local port a service that anyone can reach, through relays if need be.",
    load: async () => (await import("../expose/expose.ts")).expose,
  },
} satisfies Readonly<Record<string, Entry>>;
