import path from "node:path";
import { createBackup } from "../../node/backup.ts";
import { localCommand } from "../framework/command.ts";
import { state } from "../framework/commonFlags.ts";
import { text } from "../framework/flag.ts";
import { anyText } from "../framework/values.ts";

/** `blockcloud backup create` */
export const backupCreate = localCommand({
  flags: { state },
  args: { file: text("<file>", "backup to write", anyText, { required: true }) },
  examples: ["blockcloud backup create auditor.backup --state .blockcloud"],
  notes: `The copy is consistent. To move to another host, stop the worker first: rounds that it commits to after the
copy are not in it. Keys are not in it either.`,
  run({ flags, args, io, output }) {
    const file = path.resolve(io.cwd, args.file);
    const { files, createdAt } = createBackup(flags.state, file, new Date(io.now()));
    output.print(
      { file, createdAt, files },
      [`${file} holds`, ...files.map(({ name, size }) => `  ${name}, ${size} bytes`)].join("\n"),
    );
    return Promise.resolve(undefined);
  },
});
