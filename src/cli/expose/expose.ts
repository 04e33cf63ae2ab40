import { chainCommand } from "../framework/chainCommand.ts";
import { args, checkExpose, flags, type RootContext } from "./flags.ts";
import { exposeRoot } from "./rootService.ts";
import { exposeSubService } from "./subService.ts";

/** A service that was registered before serves before the chain can be reached; the others check the chain. */
const OPTIONS = { checkChain: false, check: checkExpose };

/** `blockcloud expose` */
export const expose = chainCommand(
  {
    args,
    flags,
    examples: [
      "blockcloud expose 3000 --relay relay.example:4180 relay2.example:4180 --wallet-key-file wallet.key",
      `blockcloud expose 5432 --class tcp --probe '{"v":3,"requests":[{"port":5432,"send":"{r}","expect":"{r}"}]}' \\\n` +
        "--relay relay.example:4180 relay2.example:4180 --wallet-key-file wallet.key",
      "blockcloud expose 3000 --under 7 --relay relay.example:4180 relay2.example:4180 \\\n" +
        "--service-key-file service.key",
      "blockcloud expose 22 --under weather --label roof --relay relay.example:4180 relay2.example:4180 \\\n" +
        "--service-key-file service.key",
    ],
    notes: `Without --under the port becomes a service of its own, which auditors inspect. The first run registers it: it
burns the class's fee, stakes, and makes a key if none is given. Later runs serve the same service; one that was cut
off is continued. The state folder remembers the service of each port. Then it does what "provider run" does. One
wallet runs one agent in a state folder: use --under, or "provider run --services-file", for several ports.

With --under it sends no transaction: the port is a sub-service, to which the service's key delegates. It has the same
ID each time. Without the service's key, use "subservice add" where it is and "subservice run --relay" here.

A visitor reaches the port over HTTP at port 80, with receipts, and byte for byte at the port's own number. A host that
others reach needs no relay; one behind NAT needs two.`,
    run(context) {
      const { under, serviceKey } = context.flags;
      // The check has required the key that is needed.
      return under !== undefined && serviceKey !== undefined
        ? exposeSubService(context, { under, serviceKey })
        : exposeRoot(context as RootContext);
    },
  },
  OPTIONS,
);
