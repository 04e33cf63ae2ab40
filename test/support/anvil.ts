import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { atExit } from "./atExit.ts";

/** An Ethereum node of another make than the embedded chain, on loopback. */
export interface Anvil {
  rpcUrl: string;
  /** Any request of its JSON-RPC; throws with the node's message. */
  request<T>(method: string, params?: readonly unknown[]): Promise<T>;
  stop(): Promise<void>;
}

export interface AnvilOptions {
  chainId?: number;
  /** Further flags, as on the command line. */
  args?: readonly string[];
}

/** Starts Anvil on a free port; it ends with `stop`, or with this process. */
export async function startAnvil({
  chainId = 31_337,
  args = [],
}: AnvilOptions = {}): Promise<Anvil> {
  const flags = ["--host", "127.0.0.1", "--port", "0", "--chain-id", String(chainId)];
  const many = ["--accounts", "40", "--enable-tx-gas-limit"];
  const child = spawn(executable(), [...flags, ...many, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(child, "exit");
  const kill = () => child.kill("SIGKILL");
  const forget = atExit(kill);
  const stop = async () => {
    kill();
    await exited;
    forget();
  };

  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const rpcUrl = await new Promise<string>((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    lines.on("line", (line) => {
      const [, address] = /^Listening on (\S+)$/.exec(line) ?? [];
      if (address !== undefined) resolve(`http://${address}`);
    });
    child.once("error", reject);
    child.once("exit", (code) => {
      reject(new Error(`Anvil ended with ${code}: ${said}`));
    });
  });

  return {
    rpcUrl,
    request: async (method, params = []) => {
      const response = await fetch(rpcUrl, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
      });
      const { result, error } = (await response.json()) as {
        result: never;
        error?: { message: string };
      };
      if (error) throw new Error(`${method}: ${error.message}`);
      return result;
    },
    stop,
  };
}

/**
 * The program itself: the package's launcher would leave it behind when it is killed. On platforms without
 * the package it is taken from the path.
 */
function executable(): string {
  const name = "@foundry-rs/anvil-linux-amd64/bin/anvil";
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch {
    return "anvil";
  }
}
