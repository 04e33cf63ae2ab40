import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Outcome } from "./installed.ts";

const root = path.join(import.meta.dirname, "../..");

/** A fenced block of a page. */
export interface Example {
  /** The heading above it. */
  heading: string;
  code: string;
  /** What it prints, line by line, by the comments behind its `console.log`. */
  prints: string[];
}

/** The TypeScript blocks of a page, in order. */
export function examplesOf(page: string): Example[] {
  return blocksOf(page, "ts").map(({ heading, code }) => ({
    heading,
    code,
    prints: [...code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map((match) => match[1] ?? ""),
  }));
}

/** The fenced blocks of a page in one language, in order, each with the heading above it. */
export function blocksOf(page: string, language: string): { heading: string; code: string }[] {
  const text = readFileSync(path.join(root, page), "utf8");
  const outside = text.replaceAll(/^```[^]*?^```$/gm, (block) => block.replaceAll("#", " "));
  const fence = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm");
  return [...text.matchAll(fence)].map(({ index, 1: code = "" }) => ({
    // A comment in a block begins as a heading does.
    heading: [...outside.slice(0, index).matchAll(/^#+ (.*)$/gm)].at(-1)?.[1] ?? "",
    code,
  }));
}

/**
 * Runs commands of a page as a person does in this folder; the first that fails ends them. The files that they write
 * are in a folder that looks like this one, and is deleted.
 */
export async function runShell(commands: string, env: Record<string, string>): Promise<Outcome> {
  const folder = mkdtempSync(path.join(tmpdir(), "page-"));
  try {
    for (const name of readdirSync(root))
      symlinkSync(path.join(root, name), path.join(folder, name));
    const flags = ["-e", "-o", "pipefail"];
    return await run("bash", flags, commands, { ...env, PATH: process.env.PATH ?? "" }, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs a program in a process of its own, which imports the package's sources by the package's name. */
export function runExample(code: string): Promise<Outcome> {
  const flags = ["--conditions=blockcloud-source", "--input-type=module-typescript", "-"];
  return run(process.execPath, flags, code, {});
}

async function run(
  command: string,
  args: readonly string[],
  input: string,
  env: Record<string, string>,
  cwd = root,
): Promise<Outcome> {
  const child = spawn(command, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
  const outcome = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (outcome.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (outcome.stderr += text));
  child.stdin.end(input);
  await new Promise((resolve) => child.once("close", resolve));
  return { ...outcome, code: child.exitCode };
}
