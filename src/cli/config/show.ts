import { table } from "../show/format.ts";
import { settingsCommand } from "./settings.ts";

/** `blockcloud config show` */
export const configShow = settingsCommand({
  examples: ["blockcloud config show", "blockcloud config show --json"],
  notes: `It shows what commands take unless a flag says otherwise, and where each value comes from. Keys are shown by
their addresses, endpoints of the chain are not shown: their URLs may hold a secret.`,
  run({ file, settings }, output) {
    const rows = settings.map(({ place, value, source }) => [
      place,
      [value].flat().join(" "),
      source,
    ]);
    const head = ["setting", "value", "source"];
    output.print(
      { file: file ?? null, settings },
      `configuration file: ${file ?? "none"}\n\n${table(head, rows, [])}`,
    );
  },
});
