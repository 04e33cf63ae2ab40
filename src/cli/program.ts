import { Command } from "commander";
import { auditorInit } from "./auditor/init.ts";
import { auditorRun } from "./auditor/run.ts";
import { auditorStatus } from "./auditor/status.ts";
import { challengeAnswer } from "./challenge/answer.ts";
import { challengeOpen } from "./challenge/open.ts";
import { challengeResolve } from "./challenge/resolve.ts";
import { challengeShow } from "./challenge/show.ts";
import { backupCreate } from "./backup/create.ts";
import { backupRestore } from "./backup/restore.ts";
import { completionOf } from "./completion.ts";
import { demo } from "./demo.ts";
import { doctor } from "./doctor/doctor.ts";
import { coralRun } from "./coral/run.ts";
import type { CommandFactory, Shared } from "./framework/command.ts";
import { exitCodeOf } from "./framework/exitCodes.ts";
import type { CliIo } from "./framework/io.ts";
import { describeError, explain } from "./framework/output.ts";
import { keeperRun } from "./keeper/run.ts";
import { keyAddress } from "./key/address.ts";
import { keyImport } from "./key/import.ts";
import { keyNew } from "./key/new.ts";
import { providerMove } from "./provider/move.ts";
import { providerRun } from "./provider/run.ts";
import { providerStatus } from "./provider/status.ts";
import { resolve } from "./resolve/resolve.ts";
import { resolverRun } from "./resolver/run.ts";
import { serviceLabel } from "./service/label.ts";
import { serviceList } from "./service/list.ts";
import { serviceMaintenance } from "./service/maintenance.ts";
import { serviceRegister } from "./service/register.ts";
import { serviceReinstate } from "./service/reinstate.ts";
import { serviceRetire } from "./service/retire.ts";
import { serviceSetKey } from "./service/setKey.ts";
import { serviceSetMetadata } from "./service/setMetadata.ts";
import { serviceSetPayout } from "./service/setPayout.ts";
import { serviceSetProbe } from "./service/setProbe.ts";
import { serviceShow } from "./service/show.ts";
import { serviceTakeOver } from "./service/takeOver.ts";
import { serviceTransfer } from "./service/transfer.ts";
import { auditorExit, exit } from "./stake/exit.ts";
import { stake } from "./stake/stake.ts";
import { unstake } from "./stake/unstake.ts";
import { withdraw } from "./stake/withdraw.ts";
import { subserviceAdd } from "./subservice/add.ts";
import { subserviceList } from "./subservice/list.ts";
import { subserviceRevoke } from "./subservice/revoke.ts";
import { subserviceRun } from "./subservice/run.ts";
import { tableAdd } from "./table/add.ts";
import { tableList } from "./table/list.ts";
import { tableRemove } from "./table/remove.ts";

/** A group of commands, or a command of its own. */
type Entry = CommandFactory | Group;

interface Group {
  about: string;
  commands: readonly CommandFactory[];
  /** The command that is meant where none of them is named. */
  otherwise?: CommandFactory;
}

/** All commands, in the order of the help. */
const entries: Readonly<Record<string, Entry>> = {
  service: {
    about: "Register services and change them.",
    commands: [
      serviceRegister,
      serviceShow,
      serviceList,
      serviceLabel,
      serviceSetKey,
      serviceSetProbe,
      serviceSetPayout,
      serviceSetMetadata,
      serviceTransfer,
      serviceMaintenance,
      serviceReinstate,
      serviceRetire,
      serviceTakeOver,
    ],
  },
  provider: { about: "Run a service.", commands: [providerRun, providerMove, providerStatus] },
  subservice: {
    about: "Let devices sign for sub-services of a service.",
    commands: [subserviceAdd, subserviceList, subserviceRevoke, subserviceRun],
  },
  auditor: {
    about: "Inspect services and earn BLOC.",
    commands: [auditorInit, auditorRun, auditorStatus, auditorExit],
  },
  coral: { about: "Take part in the record network.", commands: [coralRun] },
  keeper: { about: "Do what is due on chain.", commands: [keeperRun] },
  resolver: { about: "Say where services are.", commands: [resolverRun] },
  resolve,
  table: {
    about: "Say how a resolver on this host looks services up.",
    commands: [tableList, tableAdd, tableRemove],
  },
  challenge: {
    about: "Ask a service on chain whether it is there.",
    commands: [challengeOpen, challengeShow, challengeAnswer, challengeResolve],
    otherwise: challengeOpen,
  },
  stake,
  unstake,
  withdraw,
  exit,
  key: { about: "Make encrypted key files.", commands: [keyNew, keyImport, keyAddress] },
  backup: {
    about: "Copy the workers' state, and bring it back.",
    commands: [backupCreate, backupRestore],
  },
  doctor,
  demo,
};

/** The program with all its commands; it prints and reads through what it is given only. */
export function createProgram(io: CliIo): { program: Command; shared: Shared } {
  const shared: Shared = { io, places: new Map(), exitCode: 0 };
  const program = new Command("blockcloud")
    .description("Talk to a service ID instead of an address.")
    .showHelpAfterError("(add --help for help)")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    });
  const all: typeof entries = { ...entries, completion: completionOf(() => program) };
  for (const [name, entry] of Object.entries(all)) {
    if (typeof entry === "function") {
      program.addCommand(entry(shared).copyInheritedSettings(program));
      continue;
    }
    const group = program.command(name).description(entry.about);
    for (const factory of entry.commands) {
      group.addCommand(factory(shared).copyInheritedSettings(group), {
        isDefault: factory === entry.otherwise,
      });
    }
  }
  return { program, shared };
}

/**
 * Runs one command line.
 *
 * @param args Without the names of the interpreter and the script.
 * @returns The exit code (docs/cli.md); every error has been printed.
 */
export async function runProgram(args: readonly string[], io: CliIo): Promise<number> {
  const { program, shared } = createProgram(io);
  try {
    await program.parseAsync(args, { from: "user" });
    return shared.exitCode;
  } catch (thrown) {
    const error = explain(thrown);
    const code = exitCodeOf(error);
    if (code === 0) return code;
    const { text, json } = describeError(error);
    if (text !== "") io.stderr.write(`${text}\n`);
    if (args.includes("--json")) io.stdout.write(`${json}\n`);
    return code;
  }
}
