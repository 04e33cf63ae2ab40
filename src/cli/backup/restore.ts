import path from "node:path";
import { restoreBackup } from "../../node/backup.ts";
import { localCommand } from "../framework/command.ts";
import { state } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { anyText } from "../framework/values.ts";

/** `blockcloud backup restore` */
export const backupRestore = localCommand({
  flags: { state },
  args: { file: text("<file>", "backup to read", anyText, { required: true }) },
  examples: ["blockcloud backup restore auditor.backup --state restored"],
  notes: `Stop the worker on the other host for good before this one starts. An auditor that finds a round on chain
which the backup does not hold refuses to start.`,
  run({ flags, args, io, output }) {
    const file = path.resolve(io.cwd, args.file);
    const { files, createdAt } = restoreBackup(file, flags.state);
    output.print(
      { state: flags.state, createdAt, files },
      [`${flags.state} is as of ${createdAt}:`, ...files.map(({ name }) => `  ${name}`)].join("\n"),
    );
    return Promise.resolve(undefined);
  },
});
