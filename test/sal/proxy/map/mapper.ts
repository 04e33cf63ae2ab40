import { rootServiceId } from "../../../../src/protocol/serviceId.ts";
import { Mappings } from "../../../../src/sal/proxy/map/mappings.ts";
import { MapStore } from "../../../../src/sal/proxy/map/mapStore.ts";
import { addressText, parseMapRange } from "../../../../src/sal/proxy/map/range.ts";

/** A process that maps services until it is killed, and tells each address when it has it. */
const [file = ""] = process.argv.slice(2);
const range = parseMapRange("127.77.0.0/16");
if (range === undefined) throw new Error("no range");
const store = new MapStore(file);
const mappings = new Mappings(range, {
  store,
  now: () => 1_800_000_000,
  isInUse: () => false,
  mayMap: () => true,
});

function more(number: number): void {
  const { address } = mappings.of(rootServiceId(BigInt(number)), `s${number}.bloc.alt`);
  process.send?.([number, addressText(address)], () => {
    more(number + 1);
  });
}
more(1);
