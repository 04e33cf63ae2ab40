import { previousServiceKeys, service, serviceKey } from "../framework/commonFlags.ts";
import type { Check } from "../framework/command.ts";
import { optional } from "../framework/flag.ts";
import { nameOf, readSetting } from "../framework/settings.ts";
import { listen, servicesFile, upstream } from "./flags.ts";
import { readServices } from "./servicesFile.ts";
import { checkServing, servingFlags } from "./servingFlags.ts";

/** Flags of an agent with one service. */
export const singleFlags = {
  service,
  upstream,
  listen,
  ...servingFlags,
  serviceKey,
  previousServiceKeys,
};

/** The same, and the file with several services instead; {@link chooseServices} requires one of the two. */
export const serviceFlags = {
  servicesFile,
  ...singleFlags,
  service: optional(service),
  upstream: optional(upstream),
  listen: optional(listen),
  serviceKey: optional(serviceKey),
};

/** Requires the settings of one service, or a file with several; the file is checked with all other settings. */
export const chooseServices: Check = (resolved, sources, problems) => {
  const { found, values } = resolved;
  const { servicesFile: file } = values;
  const several = found.servicesFile !== undefined;
  for (const [name, flag] of Object.entries(singleFlags)) {
    const { source } = found[name] ?? {};
    // A key may come from the environment, which names no setting; a list without items is not given.
    const hasKey = source === undefined && [values[name] ?? []].flat().length > 0;
    const isGiven = hasKey || (source !== undefined && source !== "default");
    if (!several && source === undefined && !hasKey) {
      readSetting(flag, undefined, sources, problems);
    } else if (several && isGiven) {
      const where = source ?? `$${flag.options.env ?? ""}`;
      problems.add(`${where}: give it in the file, or leave out ${nameOf(servicesFile)}.`);
    }
  }
  if (!several) {
    checkServing(resolved, problems);
  }
  if (typeof file === "string") readServices(file, sources.io, problems);
};
