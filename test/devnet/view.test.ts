import { expect } from "chai";
import { parseEther } from "viem";
import { bloc, render, Screen, type Picture } from "../../devnet/view.ts";

const picture: Picture = {
  rpcUrl: "http://127.0.0.1:8545",
  epoch: 12,
  seconds: 3.4,
  epochSeconds: 12,
  phase: "inspecting",
  waitingFor: "the end of epoch 14",
  services: [
    {
      number: 1n,
      name: "docs",
      className: "http",
      stake: parseEther("4000"),
      verdicts: [0, 1, 2, 3, null],
      reward: parseEther("1234.567"),
    },
    { number: 10n, name: "chain rpc", className: "json-rpc", stake: 0n, verdicts: [], reward: 0n },
  ],
  auditors: [
    {
      address: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
      stake: parseEther("10000"),
      rounds: 3,
      paidVotes: 8,
      votes: 9,
      reward: 5n * 10n ** 15n,
    },
  ],
  settled: [],
  claimed: [],
  gasPerAudit: undefined,
  resolver: { http: "http://127.0.0.1:8053", dns: "127.0.0.1:5335" },
  environment: "/tmp/blockcloud-XXXXXX/env",
  console: undefined,
  move: undefined,
  download: undefined,
  relayLoss: undefined,
  paying: undefined,
  faulty: { number: 3n, does: "down now: it answers 503" },
};

const download = {
  ...{ service: 1, bytes: 66 * 2 ** 20, sha256: "5e".repeat(32), isWhole: true },
  ...{ from: "sal://127.0.0.1:39129", to: "sal://127.0.0.1:35199", gapMs: 1028, replacedMs: 1165 },
};

/** As the demo shows it after some epochs. */
const everything: Picture = {
  ...picture,
  console: "http://127.0.0.1:40070",
  services: [1n, 2n, 3n].map((number) => ({
    ...{ number, name: "docs, faulty", className: "json-rpc", stake: parseEther("4000") },
    ...{ verdicts: [0, 1, 2, 3, null, 0, 1, 2, 3, null], reward: parseEther("1234.567") },
  })),
  auditors: Array.from({ length: 5 }, () => picture.auditors[0]!),
  gasPerAudit: 61_000,
  move: {
    ...{ service: 1, from: "http://127.0.0.1:39129", to: "http://127.0.0.1:35199" },
    ...{ milliseconds: 1257, peers: 3, announcements: 0 },
  },
  download,
  relayLoss: { ...download, service: 3, killed: "127.0.0.1:46845" },
  paying: {
    payer: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    ...{ service: 1n, requests: 1280 },
    ...{ deposited: parseEther("1000"), paid: parseEther("13.48"), paidOut: parseEther("13.2") },
    ...{ contributed: parseEther("0.14"), burned: parseEther("0.14") },
  },
};

describe("bloc", () => {
  it("cuts to two decimals, and never rounds up", () => {
    expect(bloc(0n)).to.equal("0.00");
    expect(bloc(1n)).to.equal("0.00");
    expect(bloc(10n ** 16n)).to.equal("0.01");
    expect(bloc(parseEther("0.999999"))).to.equal("0.99");
    expect(bloc(parseEther("1"))).to.equal("1.00");
    expect(bloc(parseEther("1234.5678"))).to.equal("1234.56");
  });
});

describe("render", () => {
  const text = render(picture);

  it("names the console if it runs, below the chain", () => {
    const withPage = render({ ...picture, console: "http://127.0.0.1:8070" });
    expect(withPage[1]).to.contain("http://127.0.0.1:8070");
    expect(withPage.length).to.equal(text.length + 1);
  });

  it("shows the chain, the moment and what it waits for", () => {
    expect(text[0]).to.contain("http://127.0.0.1:8545");
    expect(text[1]).to.equal("epoch 12, second 3 of 12: inspecting");
    expect(text.at(-1)).to.equal("waiting for the end of epoch 14; Ctrl-C stops");
    expect(text).to.contain("service 3 is down now: it answers 503");
  });

  it("shows tables whose columns stand under each other", () => {
    expect(text.slice(3, 6)).to.deep.equal([
      "service  name       class     stake  last verdicts  BLOC earned",
      "      1  docs       http       4000  F P G E -          1234.56",
      "     10  chain rpc  json-rpc      0                        0.00",
    ]);
    expect(text.slice(7, 9)).to.deep.equal([
      "auditor       stake  rounds  paid votes  BLOC earned",
      "0x7099..79C8  10000       3         8/9         0.00",
    ]);
  });

  it("knows no gas before the first vote", () => {
    expect(text.join("\n")).to.contain("gas an audit: no vote yet");
    expect(render({ ...picture, gasPerAudit: 61_000 }).join("\n")).to.contain(
      "gas an audit: 61000",
    );
  });

  it("says where the resolver is, and how the move went", () => {
    expect(text).to.contain("resolver: http://127.0.0.1:8053, DNS on 127.0.0.1:5335");
    expect(text).to.contain("service 1 moves in the first audited epoch");
    expect(text).to.contain("a download through the local proxy goes on meanwhile");
    expect(text).to.contain("service 3 is behind two relays; one is killed under a download");
    const relayLoss = {
      ...{ service: 3, bytes: 3 * 2 ** 20, sha256: "5e".repeat(32), isWhole: true },
      ...{ from: "sal://a?relay", to: "sal://b?relay", gapMs: 40, killed: "a" },
    };
    expect(render({ ...picture, relayLoss })).to.contain(
      "relay killed: 40 ms gap, 3.0 MiB as sent, a to b",
    );
    const download = {
      ...{ service: 1, bytes: 3 * 2 ** 20, sha256: "5e".repeat(32), isWhole: true },
      ...{ from: "sal://a", to: "sal://b", gapMs: 12 },
    };
    expect(render({ ...picture, download })).to.contain(
      "download: 12 ms gap by the move, 3.0 MiB as sent",
    );
    expect(render({ ...picture, download: { ...download, isWhole: false } }).join("\n")).to.contain(
      "NOT as sent",
    );
    const move = {
      ...{ service: 1, from: "http://a", to: "http://b" },
      ...{ milliseconds: 80, peers: 3, announcements: 0 },
    };
    expect(render({ ...picture, move })).to.contain(
      "move of service 1: 80 ms, 0 transactions, a to b",
    );
  });

  it("shows a chain without services and auditors", () => {
    const empty = render({ ...picture, services: [], auditors: [] });
    expect(empty).to.contain("service  name  class  stake  last verdicts  BLOC earned");
  });
});

/** As much of a terminal as the view uses: it writes lines, goes up, and erases. */
class Terminal {
  columns = 200;
  /** How many rows it shows at once. */
  rowsShown: number | undefined;
  readonly lines: string[] = [""];
  #row = 0;
  #column = 0;

  write(text: string): boolean {
    for (const part of text.split(/(\x1b\[\d*[A-Z]|\n)/)) {
      const row = (this.lines[this.#row] ??= "");
      if (part === "\n") {
        this.#row += 1;
        this.#column = 0;
      } else if (part.startsWith("\x1b[")) {
        this.#control(part);
      } else {
        const rest = row.slice(this.#column + part.length);
        this.lines[this.#row] = row.slice(0, this.#column) + part + rest;
        this.#column += part.length;
      }
    }
    return true;
  }

  #control(code: string): void {
    if (code.endsWith("F")) {
      this.#row -= Number(code.slice(2, -1));
      this.#column = 0;
      return;
    }
    expect(code).to.match(/[JK]$/);
    this.lines[this.#row] = this.lines[this.#row]!.slice(0, this.#column);
    if (code.endsWith("J")) this.lines.splice(this.#row + 1);
  }

  get asStream(): NodeJS.WriteStream {
    const write = (text: string) => this.write(text);
    const { rowsShown: rows } = this;
    const columns = () => this.columns;
    return {
      write,
      rows,
      get columns() {
        return columns();
      },
    } as unknown as NodeJS.WriteStream;
  }

  /** What stands there, the empty rest left out. */
  get text(): string[] {
    return this.lines.slice(0, this.lines.findLastIndex((row) => row !== "") + 1);
  }
}

describe("Screen", () => {
  let terminal: Terminal;

  beforeEach(() => {
    terminal = new Terminal();
  });

  describe("on a terminal", () => {
    it("redraws in place, below the lines that stay", () => {
      const screen = new Screen(terminal.asStream, true);
      screen.say("starting");
      screen.show(picture);
      const moved = { ...picture, epoch: 13 };
      screen.show(moved);
      expect(terminal.text).to.deep.equal(["starting", ...render(moved)]);
    });

    it("leaves nothing of a taller picture", () => {
      const screen = new Screen(terminal.asStream, true);
      screen.show(picture);
      const smaller = { ...picture, services: [] };
      screen.show(smaller);
      expect(terminal.text).to.deep.equal(render(smaller));
    });

    it("keeps the last picture, and puts what is said last, and the result, below it", () => {
      const screen = new Screen(terminal.asStream, true);
      screen.show(picture);
      screen.say("stopping");
      terminal.write("3 audited epochs\n");
      expect(terminal.text).to.deep.equal([...render(picture), "stopping", "3 audited epochs"]);
    });

    it("puts what happens above the picture, and leaves no copy of it behind", () => {
      const screen = new Screen(terminal.asStream, true);
      screen.say("starting");
      screen.show(picture);
      screen.note("service 1 moved");
      expect(terminal.text).to.deep.equal(["starting", "service 1 moved", ...render(picture)]);
      const next = { ...picture, epoch: 13 };
      screen.show(next);
      expect(terminal.text).to.deep.equal(["starting", "service 1 moved", ...render(next)]);
    });

    it("fits a short terminal, where a taller picture would be drawn in halves", () => {
      for (const rows of [2, 5, 12, 16, 20]) {
        terminal = new Terminal();
        terminal.rowsShown = rows;
        const screen = new Screen(terminal.asStream, true);
        screen.show(picture);
        screen.show({ ...picture, epoch: 13 });
        expect(terminal.text.length, `${rows} rows`).to.be.below(rows);
        expect(terminal.text.at(-1)).to.contain("waiting for");
        expect(terminal.text.filter((line) => line.includes("epoch 12,"))).to.deep.equal([]);
      }
    });

    it("breaks lines between words, so that no figure is cut and none takes two rows", () => {
      for (const columns of [20, 40, 80]) {
        terminal = new Terminal();
        terminal.columns = columns;
        new Screen(terminal.asStream, true).show(everything);
        expect(Math.max(...terminal.text.map(({ length }) => length))).to.be.at.most(columns);
        const words = (lines: readonly string[]) => lines.join(" ").split(/\s+/);
        const long = ({ length }: string) => length > columns - 2;
        const shown = terminal.text.join("");
        for (const word of words(render(everything)).filter((each) => !long(each)))
          expect(shown).to.contain(word);
      }
    });

    it("has room for each figure in a terminal of 80 by 24", () => {
      terminal.columns = 80;
      terminal.rowsShown = 24;
      new Screen(terminal.asStream, true).show(everything);
      const dense = render(everything).filter((line) => line !== "");
      expect(terminal.text).to.deep.equal(dense);
    });

    it("cuts no line that stays", () => {
      terminal.columns = 20;
      const screen = new Screen(terminal.asStream, true);
      screen.show(picture);
      screen.note("a line of more than twenty columns");
      expect(terminal.text[0]).to.equal("a line of more than twenty columns");
    });
  });

  it("writes elsewhere a line whenever there is news, and no escape codes", () => {
    const lines: string[] = [];
    const stream = { write: (text: string) => lines.push(text) } as unknown as NodeJS.WriteStream;
    const screen = new Screen(stream, false);
    screen.say("starting");
    screen.show(picture);
    screen.show({ ...picture, seconds: 5 });
    screen.show({ ...picture, phase: "committing" });
    expect(lines).to.deep.equal([
      "starting\n",
      "epoch 12, inspecting; waiting for the end of epoch 14\n",
      "epoch 12, committing; waiting for the end of epoch 14\n",
    ]);
  });

  it("writes elsewhere, once, what each service and auditor got for an epoch", () => {
    const lines: string[] = [];
    const stream = { write: (text: string) => lines.push(text) } as unknown as NodeJS.WriteStream;
    const screen = new Screen(stream, false);
    const shown = (change: Partial<Picture>) => {
      lines.length = 0;
      screen.show({ ...picture, ...change });
      return [...lines];
    };
    const docs = { epoch: 10, number: 1n, name: "docs", verdict: 3, reward: parseEther("333.339") };
    const rpc = { epoch: 10, number: 10n, name: "chain rpc", verdict: null, reward: 0n };
    const auditor = picture.auditors[0]!.address;
    const round = { epoch: 10, address: auditor, paidVotes: 2, votes: 3, reward: parseEther("4") };
    const phase = "epoch 12, inspecting; waiting for the end of epoch 14\n";
    expect(shown({})).to.deep.equal([phase]);
    expect(shown({ settled: [docs, rpc] as Picture["settled"] })).to.deep.equal([
      "epoch 10: service 1 (docs), excellent, earned 333.33 BLOC\n",
      "epoch 10: service 10 (chain rpc), no quorum, earned 0.00 BLOC\n",
      phase,
    ]);
    const all = { settled: [docs, rpc] as Picture["settled"], claimed: [round] };
    expect(shown(all)).to.deep.equal([
      "epoch 10: auditor 0x7099..79C8, 2 of 3 votes paid, earned 4.00 BLOC\n",
      phase,
    ]);
    expect(shown(all)).to.deep.equal([]);
  });
});
