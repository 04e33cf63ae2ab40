/**
 * `npm run bench -- NAME [--json]`: runs one benchmark. Progress goes to stderr, the tables to stdout; with `--json`
 * the last line of stdout is one JSON object instead. The exit code shows whether it ran, not whether targets are met.
 */
import { toJson, toText, type Benchmark } from "./report.ts";

/** One line per benchmark. */
const benchmarks: Record<string, { about: string; load(): Promise<Benchmark> }> = {
  gas: {
    about: "gas of each function and of an audit, storage written (about a minute)",
    load: () => import("./gas.ts"),
  },
  "coral-scale": {
    about: "simulation of lookups, pushes and a hot key, 100 to 10,000 nodes (about a minute)",
    load: () => import("./coral-scale.ts"),
  },
  resolve: {
    about: "lookups, fronts beside unbound and dnsmasq, moves over 8 Coral nodes (some minutes)",
    load: () => import("./resolve.ts"),
  },
  gateway: {
    about:
      "the gateway beside nginx, haproxy and node:http: requests, bytes, memory (some minutes)",
    load: () => import("./gateway.ts"),
  },
  sal: {
    about:
      "flows by service ID beside TLS, HTTP/2, libp2p, ssh, socat, haproxy; moves (20 minutes)",
    load: () => import("./sal.ts"),
  },
  cashier: {
    about: "gas of deposits, tabs, redemptions; vouchers, statements; paid flows (two minutes)",
    load: () => import("./cashier.ts"),
  },
  "sal-flow": {
    about: "one flow beside bare TLS, with processor time of both sides (half a minute)",
    load: () => import("./sal-flow.ts"),
  },
  "sal-relay": {
    about:
      "flows through a relay beside direct ones, haproxy and ssh -R; lost relays (two minutes)",
    load: () => import("./sal-relay.ts"),
  },
  "sal-handoff": {
    about:
      "a process takes the place of another under a transfer, and under 1,000 sessions (a minute)",
    load: () => import("./sal/handoff.ts"),
  },
  "sal-upgrade": {
    about: "relayed flows that go on over direct paths, through NATs in namespaces (a minute)",
    load: () => import("./sal-upgrade.ts"),
  },
  indexer: {
    about: "the index: backfill, lag behind the head, memory with 10^5 services (some minutes)",
    load: () => import("./indexer.ts"),
  },
  rpc: {
    about: "JSON-RPC calls a minute and a day of each kind of worker (some minutes)",
    load: () => import("./rpc.ts"),
  },
  start: {
    about: "start of commands beside bare Node, memory of workers at rest (some minutes)",
    load: () => import("./start.ts"),
  },
};

const list = Object.entries(benchmarks)
  .map(([name, { about }]) => `  ${name.padEnd(12)}${about}`)
  .join("\n");
const usage = `Usage: npm run bench -- NAME [--json]

Runs one benchmark:
${list}

  --json      prints the result as the last line, as JSON
  --help      prints this

Examples:
  npm run bench -- gas
  npm run bench -- gas --json | tail -1
  npm run bench -- resolve
`;

const args = process.argv.slice(2);
const [name = "", ...others] = args.filter((arg) => arg !== "--json");
const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;

if (args.includes("--help")) {
  process.stdout.write(usage);
} else if (benchmark === undefined || others.length > 0) {
  const wrong = benchmark === undefined ? name : others.join(" ");
  process.stderr.write(`${wrong && `No such benchmark or option: ${wrong}\n\n`}${usage}`);
  process.exitCode = 2;
} else {
  const started = performance.now();
  const { run } = await benchmark.load();
  const say = (message: string) => {
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    process.stderr.write(`${seconds.padStart(4)} s  ${message}\n`);
  };
  const outcome = await run(say).catch((error: unknown) => {
    say(
      `${name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    // What it left open must not keep a failed measurement running without a word.
    process.exit(1);
  });
  process.stdout.write(`${args.includes("--json") ? toJson(name, outcome) : toText(outcome)}\n`);
}
