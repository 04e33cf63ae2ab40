import { processIo } from "./framework/io.ts";
import { runProgram } from "./program.ts";

// Whoever reads our output may stop before its end, as `head` does: no reason to crash.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
process.exitCode = await runProgram(process.argv.slice(2), processIo());
