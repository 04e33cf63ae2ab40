import { restoreBackup } from "../../node/backup.ts";
import { localCommand } from "../framework/command.ts";
import { state } from "../framework/commonFlags.ts";
import { file } from "../framework/flag.ts";
import { anyText } from "../framework/values.ts";

/** `blockcloud backup restore` */
export const backupRestore = localCommand({
  flags: { state },
  args: { file: file("<file>", "backup to read", anyText, { required: true }) },
  examples: ["blockcloud backup restore auditor.backup --state restored"],
  notes: `Stop the worker on the other host for good before this one starts. An auditor that finds a round on chain
which the backup does not hold refuses to start.`,
  run({ flags, args, output }) {
    const { files, createdAt } = restoreBackup(args.file, flags.state);
    output.print(
      { state: flags.state, createdAt, files },
      [`${flags.state} is as of ${createdAt}:`, ...files.map(({ name }) => `  ${name}`)].join("\n"),
    );
    return Promise.resolve(undefined);
  },
});
