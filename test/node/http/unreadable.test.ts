import { expect } from "chai";
import { ServerResponse, IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { setImmediate as task } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Unreadable } from "../../../src/node/http/unreadable.ts";

describe("Unreadable", () => {
  it("keeps nothing of a response that has ended, however long its connection idles", async () => {
    const unreadable = new Unreadable();
    const socket = new Socket();
    const serve = () => {
      const response = new ServerResponse(new IncomingMessage(socket));
      unreadable.began(response);
      unreadable.ended(response);
      return new WeakRef(response);
    };
    const served = serve();
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    // A reference that was read in a task is kept until its end.
    await task();
    collect();
    expect(served.deref()).to.equal(undefined);
    socket.destroy();
  });

  it("forgets no newer response with an older one", () => {
    const unreadable = new Unreadable();
    const socket = new Socket();
    const [older, newer] = [0, 1].map(() => new ServerResponse(new IncomingMessage(socket)));
    unreadable.began(older!);
    unreadable.began(newer!);
    unreadable.ended(older!);
    newer!.req.complete = true;
    unreadable.end(Object.assign(new Error("not HTTP"), { code: "HPE_INVALID_METHOD" }), socket);
    // The newer response is sent first.
    expect(socket.destroyed).to.equal(false);
    socket.destroy();
  });
});
