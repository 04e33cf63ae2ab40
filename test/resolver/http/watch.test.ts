import { expect } from "chai";
import { rootServiceId } from "../../../src/protocol/serviceId.ts";
import { resolveErrors } from "../../../src/resolver/answer.ts";
import { changeFromJson, problemJsonSchema } from "../../../src/resolver/answerSchema.ts";
import { watchEventSchema } from "../../../src/resolver/http/schemas.ts";
import { answerOf } from "../../support/fakeResolver.ts";
import { HttpRig } from "../../support/httpRig.ts";

const NAME = "weather.bloc.alt";

/** Reads server-sent events, as they are cut by empty lines. */
class Events {
  readonly #reader;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(response: Response) {
    this.#reader = response.body!.getReader();
  }

  /** The next block; undefined at the end. */
  async block(): Promise<string | undefined> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end >= 0) {
        const block = this.#text.slice(0, end);
        this.#text = this.#text.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#text += this.#decoder.decode(value as Uint8Array);
    }
  }

  /** The next event, as `name record` or `name code`, with its ID. */
  async event(): Promise<string> {
    for (;;) {
      const block = await this.block();
      const [, id, data] = /^id: (\d+)\ndata: (.*)$/.exec(block ?? "") ?? [];
      if (block !== undefined && data === undefined) continue;
      const json: unknown = JSON.parse(data!);
      const { name } = watchEventSchema.parse(json);
      const change = changeFromJson(json);
      return `${id} ${name} ${"answer" in change ? change.answer.record : change.error.code}`;
    }
  }

  async cancel(): Promise<void> {
    await this.#reader.cancel();
  }
}

describe("Watching names over HTTP", () => {
  let rig: HttpRig;

  beforeEach(() => {
    rig = new HttpRig();
    rig.resolver.set(NAME, answerOf(7n));
  });
  afterEach(() => {
    rig.watches.stop();
  });

  const watch = async (...names: string[]) => {
    const query = names.map((name) => `name=${name}`).join("&");
    return rig.request(`/v1/watch?${query}`);
  };
  const codeOf = async (response: Response) => problemJsonSchema.parse(await response.json()).code;

  it("begins with how things stand, and tells every change", async () => {
    const response = await watch(NAME);
    expect(response.headers.get("content-type")).to.equal("text/event-stream");
    expect(response.headers.get("cache-control")).to.equal("no-store");
    const events = new Events(response);
    expect(await events.block()).to.equal("retry: 2000");
    expect(await events.event()).to.equal(`1 ${NAME} 0xc0ffee`);
    rig.resolver.set(NAME, answerOf(7n, { record: "0xbeef" }));
    expect(await events.event()).to.equal(`2 ${NAME} 0xbeef`);
    rig.resolver.fail(NAME, resolveErrors.inactive, rootServiceId(7n));
    expect(await events.event()).to.equal(`3 ${NAME} SERVICE_INACTIVE`);
    rig.resolver.set(NAME, answerOf(7n));
    expect(await events.event()).to.equal(`4 ${NAME} 0xc0ffee`);
  });

  it("says nothing twice", async () => {
    const events = new Events(await watch(NAME, NAME));
    expect(await events.event()).to.equal(`1 ${NAME} 0xc0ffee`);
    rig.resolver.set(NAME, answerOf(7n));
    rig.resolver.set(NAME, answerOf(7n, { record: "0xbeef" }));
    expect(await events.event()).to.equal(`2 ${NAME} 0xbeef`);
  });

  it("watches several names, those that are none and those that are none yet included", async () => {
    const id = rootServiceId(8n);
    const events = new Events(await watch("7", id, "later.bloc.alt"));
    const first = [await events.event(), await events.event(), await events.event()];
    expect(first.map((event) => event.slice(2)).sort()).to.deep.equal([
      `${id} SERVICE_UNKNOWN`,
      "7 NAME_INVALID",
      "later.bloc.alt SERVICE_UNKNOWN",
    ]);
    // Of an ID the resolver tells; a label is looked at again at the next sign of life.
    rig.resolver.set("later.bloc.alt", answerOf(8n));
    expect(await events.event()).to.equal(`4 ${id} 0xc0ffee`);
    await rig.timers.advance(15_000);
    expect(await events.event()).to.equal("5 later.bloc.alt 0xc0ffee");
  });

  it("follows a name that comes to mean another service", async () => {
    const events = new Events(await watch(NAME));
    await events.event();
    rig.resolver.set(NAME, answerOf(9n, { record: "0x09" }));
    await rig.timers.advance(15_000);
    expect(await events.event()).to.equal(`2 ${NAME} 0x09`);
    rig.resolver.set("old.bloc.alt", answerOf(7n, { record: "0x07" }));
    rig.resolver.set(NAME, answerOf(9n, { record: "0x0909" }));
    expect(await events.event()).to.equal(`3 ${NAME} 0x0909`);
  });

  it("gives signs of life", async () => {
    const events = new Events(await watch(NAME));
    await events.event();
    await rig.timers.advance(15_000);
    expect(await events.block()).to.equal(": still here");
  });

  it("holds nothing for a client that has gone", async () => {
    const events = new Events(await watch(NAME));
    await events.event();
    expect(rig.resolver.watching).to.equal(1);
    await events.cancel();
    expect([rig.resolver.watching, rig.timers.sleeping]).to.deep.equal([0, 0]);
    expect(rig.counted).to.include.members(["1 watch", "0 watch"]);
  });

  it("cuts a client that does not read, and keeps nothing for it", async () => {
    const response = await watch(NAME);
    for (let n = 0; n < 100 && rig.cuts === 0; n++) {
      rig.resolver.set(NAME, answerOf(7n, { record: `0x${"ab".repeat(500)}${n + 10}` }));
      await rig.timers.advance(0);
    }
    expect([rig.cuts, rig.resolver.watching]).to.deep.equal([1, 0]);
    expect(rig.counted).to.include.members(["cut", "0 watch"]);
    let received = 0;
    const events = new Events(response);
    for (let block = await events.block(); block !== undefined; block = await events.block()) {
      received += block.length;
    }
    expect(received).to.be.below(16_384);
  });

  it("has so many clients of one address, and so many in all", async () => {
    expect((await watch(NAME)).status).to.equal(200);
    const second = new Events(await watch(NAME));
    expect(await codeOf(await watch(NAME))).to.equal("WATCHES_EXCEEDED");
    await second.cancel();
    expect((await watch(NAME)).status).to.equal(200);
    rig.peer = { address: "b", isLocal: false };
    await watch(NAME);
    await watch(NAME);
    rig.peer = { address: "c", isLocal: false };
    expect(await codeOf(await watch(NAME))).to.equal("WATCHES_FULL");
  });

  it("takes one name to sixteen", async () => {
    expect(await codeOf(await rig.request("/v1/watch"))).to.equal("REQUEST_INVALID");
    expect(await codeOf(await watch(...Array<string>(17).fill("a")))).to.equal("REQUEST_INVALID");
    expect(await codeOf(await watch("x".repeat(256)))).to.equal("REQUEST_INVALID");
  });

  it("ends with the server", async () => {
    const events = new Events(await watch(NAME));
    await events.event();
    rig.watches.stop();
    expect(await events.block()).to.equal(undefined);
  });
});
