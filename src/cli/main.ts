import { Command } from "commander";
import { BlockcloudError } from "../protocol/errors.ts";
import { auditorInitCommand } from "./auditorInit.ts";
import { auditorRunCommand } from "./auditorRun.ts";
import { demoCommand } from "./demo.ts";
import { providerRunCommand } from "./providerRun.ts";
import { serviceRegisterCommand } from "./serviceRegister.ts";

const program = new Command("blockcloud")
  .description("Talk to a service ID instead of an address.")
  .showHelpAfterError("(add --help for help)");
const service = program.command("service").description("Register services.");
const provider = program.command("provider").description("Run a service.");
const auditor = program.command("auditor").description("Inspect services and earn BLOC.");
for (const [parent, command] of [
  [service, serviceRegisterCommand()],
  [provider, providerRunCommand()],
  [auditor, auditorInitCommand()],
  [auditor, auditorRunCommand()],
  [program, demoCommand()],
] as const) {
  parent.addCommand(command.copyInheritedSettings(parent));
}

try {
  await program.parseAsync();
} catch (error) {
  // What we throw on purpose explains itself; anything else is a bug and shows its stack.
  const known = error instanceof BlockcloudError;
  process.stderr.write(`${known ? `${error.code}: ${error.message}` : formatBug(error)}\n`);
  process.exitCode = 1;
}

function formatBug(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
