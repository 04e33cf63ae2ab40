import { spawn } from "node:child_process";
import path from "node:path";

const bin = path.join(import.meta.dirname, "../../bin/blockcloud");

/** Runs the command as a process of its own, to its end, in an environment that holds nothing. */
export async function blockcloud(
  args: readonly string[],
  options: { env?: Record<string, string>; cwd?: string; nodeFlags?: readonly string[] } = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { env = {}, cwd, nodeFlags = [] } = options;
  const child = spawn(process.execPath, [...nodeFlags, bin, ...args], {
    env,
    ...(cwd !== undefined && { cwd }),
    stdio: ["ignore", "pipe", "pipe"],
  });
  const outcome = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (outcome.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (outcome.stderr += text));
  await new Promise((resolve) => child.once("close", resolve));
  return { ...outcome, code: child.exitCode };
}
