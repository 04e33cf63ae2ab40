import type { Entry } from "../framework/entry.ts";

/** Commands for what is on this host. */
export const host = {
  key: {
    about: "Make encrypted key files.",
    commands: {
      new: {
        about: "Generate a private key, and write it encrypted to a new file of mode 600.",
        load: async () => (await import("../key/new.ts")).keyNew,
      },
      import: {
        about: "Encrypt a key from a file or the environment into a new file.",
        load: async () => (await import("../key/import.ts")).keyImport,
      },
      address: {
        about: "Show the address of a key file; an encrypted file usually needs no password.",
        load: async () => (await import("../key/address.ts")).keyAddress,
      },
    },
  },
  backup: {
    about: "Back up the workers' state and restore it.",
    commands: {
      create: {
        about: "Copy the workers' state into one file, also while they run.",
        load: async () => (await import("../backup/create.ts")).backupCreate,
      },
      restore: {
        about: "Write a backup into a state folder that holds no state.",
        load: async () => (await import("../backup/restore.ts")).backupRestore,
      },
    },
  },
  config: {
    about: "Look at the settings of the configuration file and the environment.",
    commands: {
      show: {
        about: "Show every setting in force, and where it comes from; no secret among them.",
        load: async () => (await import("../config/show.ts")).configShow,
      },
      check: {
        about: "Check every setting, key files and deployment among them, and list all faults.",
        load: async () => (await import("../config/check.ts")).configCheck,
      },
    },
  },
  doctor: {
    about:
      "Check endpoints, clock, keys, balances, versions, ports, names, NAT and paths; nothing is changed.",
    load: async () => (await import("../doctor/doctor.ts")).doctor,
  },
  completion: {
    about: "Print the script that completes commands and flags in a shell.",
    load: async () => (await import("../completion.ts")).completion,
  },
} satisfies Readonly<Record<string, Entry>>;
