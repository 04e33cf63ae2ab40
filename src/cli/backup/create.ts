import { createBackup } from "../../node/backup.ts";
import { localCommand } from "../framework/command.ts";
import { state } from "../framework/commonFlags.ts";
import { file } from "../framework/flag.ts";
import { anyText } from "../framework/values.ts";

/** `blockcloud backup create` */
export const backupCreate = localCommand({
  flags: { state },
  args: { file: file("<file>", "backup to write", anyText, { required: true }) },
  examples: ["blockcloud backup create auditor.backup --state .blockcloud"],
  notes: `The copy is consistent. To move to another host, stop the worker first: rounds that it commits to after the
copy are not in it. Keys are not in it either.`,
  run({ flags, args, io, output }) {
    const { files, createdAt } = createBackup(flags.state, args.file, new Date(io.now()));
    output.print(
      { file: args.file, createdAt, files },
      [`${args.file} holds`, ...files.map(({ name, size }) => `  ${name}, ${size} bytes`)].join(
        "\n",
      ),
    );
    return Promise.resolve(undefined);
  },
});
