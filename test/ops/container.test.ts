import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

const root = path.join(import.meta.dirname, "../..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

/** The instructions of a Containerfile in order: each word that begins one, and what follows it. */
function instructions(text: string): { name: string; value: string }[] {
  const lines = text.replaceAll(/^#.*\n/gm, "").replaceAll(/\\\n\s*/g, "");
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [, name = "", value = ""] =
        /^([A-Z]+) (.+)$/.exec(line) ?? expect.fail(`no instruction: ${line}`);
      return { name, value };
    });
}

describe("ops/container/Containerfile", () => {
  const all = instructions(read("ops/container/Containerfile"));
  const manifest = JSON.parse(read("package.json")) as {
    bin: Record<string, string>;
    engines: { node: string };
  };
  const one = (name: string) => {
    const values = all.filter((each) => each.name === name).map(({ value }) => value);
    expect(values, name).to.have.length(1);
    return values[0] ?? "";
  };
  const environment = Object.fromEntries(
    one("ENV")
      .split(" ")
      .map((pair) => pair.split("=")),
  ) as Record<string, string>;

  it("says what a container engine knows, and begins with a base that has Node", () => {
    const known = ["ARG", "FROM", "RUN", "WORKDIR", "USER", "ENV", "VOLUME", "ENTRYPOINT"];
    expect(all.map(({ name }) => name)).to.have.members([...known, "ARG", "CMD", "HEALTHCHECK"]);
    const [first, second] = all;
    const major = /^BASE=docker\.io\/library\/node:(\d+)-\w+-slim$/.exec(first?.value ?? "")?.[1];
    expect(manifest.engines.node).to.equal(`>=${major}`);
    expect(second).to.deep.equal({ name: "FROM", value: "${BASE}" });
  });

  it("installs as root what the build names, and runs as a user who is none", () => {
    const names = all.map(({ name }) => name);
    expect(names.indexOf("USER")).to.be.above(names.lastIndexOf("RUN"));
    expect(one("USER")).to.equal("node");
    expect(one("RUN")).to.match(/npm install --global .*"\$\{PACKAGE:\?/);
  });

  it("keeps the workers' state in its volume, which belongs to the user", () => {
    const [volume] = JSON.parse(one("VOLUME")) as string[];
    expect(environment.BLOCKCLOUD_STATE).to.equal(volume);
    expect(one("RUN")).to.contain(`install -d -m 700 -o node -g node ${volume}`);
  });

  it("runs the package's command without a shell, so that signals reach it", () => {
    const entry = JSON.parse(one("ENTRYPOINT")) as string[];
    expect(entry).to.deep.equal(Object.keys(manifest.bin));
    expect(JSON.parse(one("CMD"))).to.deep.equal(["--help"]);
  });

  it("is healthy as long as /healthz is", async () => {
    const [, words = ""] = / CMD (\[.*\])$/.exec(one("HEALTHCHECK")) ?? [];
    const [program, ...args] = JSON.parse(words) as string[];
    expect(program).to.equal("node");
    expect(environment.BLOCKCLOUD_METRICS).to.match(/^127\.0\.0\.1:\d+$/);
    let status = 200;
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url);
      response.writeHead(status).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const check = async () => {
      const env = { BLOCKCLOUD_METRICS: `0.0.0.0:${port}` };
      const [code] = (await once(spawn(process.execPath, args, { env }), "exit")) as [number];
      return code;
    };
    expect(await check()).to.equal(0);
    status = 503;
    expect(await check()).to.equal(1);
    server.close();
    await once(server, "close");
    expect(await check(), "nothing listens").to.equal(1);
    expect(asked).to.deep.equal(["/healthz", "/healthz"]);
  });
});
