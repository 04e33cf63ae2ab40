import { expect } from "chai";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { createDirect } from "../../../src/provider/relays/directService.ts";
import { decodeCandidates } from "../../../src/sal/upgrade/candidates.ts";
import type { Link } from "../../../src/sal/transport/link.ts";
import { FakeClock } from "../../sal/rig/fakeClock.ts";
import { MemoryLog } from "../../support/memoryLog.ts";

describe("direct paths of a relayed service", () => {
  it("are offered without a place of its own when its server has closed, as after a handoff", async () => {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { direct, part } = createDirect(
      {},
      { clock: new FakeClock(), log: new MemoryLog() },
      {
        listening: () => (server.address() as AddressInfo | null) ?? undefined,
        accept: (socket) => socket.destroy(),
      },
    );
    server.close();
    await once(server, "close");
    const visitor = { address: "198.51.100.7", port: 40_000 };
    const link = { localPort: 50_000, relayed: { visitor, self: { ...visitor, port: 50_000 } } };
    const { attempt, candidates } = decodeCandidates(direct.offer(3, link as unknown as Link));
    expect(attempt).to.equal(3);
    expect(candidates).to.deep.equal([]);
    await part.stop();
  });
});
