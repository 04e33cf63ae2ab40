import { processIo } from "./framework/io.ts";
import { runProgram } from "./program.ts";

// The reader of standard output may close it early, as `head` does; that must not crash the command.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
process.exitCode = await runProgram(process.argv.slice(2), processIo());
