import type { Deployment } from "../../chain/deployment.ts";
import { Mappings } from "../../sal/proxy/map/mappings.ts";
import { MapStore, mapStoreFile } from "../../sal/proxy/map/mapStore.ts";
import type { MapRange } from "../../sal/proxy/map/range.ts";

/**
 * Opens the mappings of a state folder beside the proxy that uses them.
 *
 * @param now Unix milliseconds.
 */
export function openMappings(
  stateDir: string,
  deployment: Deployment,
  range: MapRange,
  now: () => number,
): { mappings: Mappings; close(): void } {
  const store = new MapStore(mapStoreFile(stateDir, deployment));
  const mappings = new Mappings(range, {
    store,
    now: () => now() / 1000,
    // The proxy may be using any of them: none is taken away here.
    isInUse: () => true,
    mayMap: () => true,
  });
  return {
    mappings,
    close: () => {
      store.close();
    },
  };
}
