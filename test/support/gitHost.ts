import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";

/** Runs git with no settings of the user's own; throws with git's exit code. */
export function git(folder: string, ...args: string[]): string {
  return execFileSync("git", args, {
    cwd: folder,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env["PATH"],
      HOME: folder,
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_TERMINAL_PROMPT: "0",
      ...Object.fromEntries(
        ["AUTHOR", "COMMITTER"].flatMap((who) => [
          [`GIT_${who}_NAME`, "A"],
          [`GIT_${who}_EMAIL`, "a@b.invalid"],
        ]),
      ),
    },
  });
}

/** A repository that git's smart HTTP protocol serves (gitprotocol-http), with its pack as one buffer. */
export class GitHost {
  readonly folder = mkdtempSync(path.join(tmpdir(), "git-"));
  readonly #repository = path.join(this.folder, "origin");

  /** @param bytes Size of the file in the repository; it cannot be compressed. */
  constructor(bytes: number) {
    mkdirSync(this.#repository);
    git(this.#repository, "init", "--quiet", "--initial-branch", "main");
    writeFileSync(path.join(this.#repository, "data"), randomBytes(bytes));
    git(this.#repository, "add", "data");
    git(this.#repository, "commit", "--quiet", "--message", "Data");
  }

  /** The commit of the main branch. */
  get head(): string {
    return git(this.#repository, "rev-parse", "main").trim();
  }

  /** Answers a request of git; `send` sends the pack. */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    send: (body: Buffer) => Promise<void>,
  ): Promise<void> {
    const isList = request.method === "GET";
    const kind = isList ? "advertisement" : "result";
    response.setHeader("Content-Type", `application/x-git-upload-pack-${kind}`);
    const service = spawn(
      "git",
      ["upload-pack", "--stateless-rpc", ...(isList ? ["--advertise-refs"] : []), "."],
      {
        cwd: this.#repository,
        stdio: ["pipe", "pipe", "ignore"],
        env: { PATH: process.env["PATH"] },
      },
    );
    request.pipe(service.stdin);
    const body = await buffer(service.stdout);
    if (isList)
      response.end(Buffer.concat([Buffer.from("001e# service=git-upload-pack\n0000"), body]));
    else await send(body);
  }

  close(): void {
    rmSync(this.folder, { recursive: true });
  }
}
