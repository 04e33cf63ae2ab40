import type { Hex } from "viem";
import type { Listener, ListenOptions } from "./listener.ts";

/**
 * Provides a service from this program: listens for the SAL, proves the service by its key, and publishes its record.
 *
 * @param service Its ID: 0x and 64 hexadecimal digits. A key alone names no service, as one key may have several.
 * @returns The listener, once a node of the record network has taken the record.
 * @throws BlockcloudError `SAL_OPTIONS`; `SERVICE_ID_INVALID`; `SERVICE_UNREGISTERED`, `SERVICE_RETIRED`,
 *   `SERVICE_KEY_OTHER`; of a sub-service `SUBSERVICE_KEY` and `DELEGATION_*`; `SAL_LISTEN` if the address cannot be
 *   bound; `SAL_UNPUBLISHED`; `WORKER_RUNNING` if another process uses `stateDir` for the service, `HANDOFF_REFUSED` and
 *   `HANDOFF_FAILED` if that one does not give its place away; `CHAIN_UNREACHABLE`, `CHAIN_MISMATCH`; or the signal's reason.
 * @example
 * await using listener = await listen(serviceId, { network: "sepolia", rpc, bootstrap, key, ports: [7] });
 * for await (const { flow } of listener) flow.pipe(flow);
 */
export async function listen(service: Hex, options: ListenOptions): Promise<Listener> {
  options.signal?.throwIfAborted();
  // A user of the client alone does not load the record network.
  const { ServiceListener } = await import("./serviceListener.ts");
  const listener = new ServiceListener(service, options);
  await listener.start();
  return listener;
}
