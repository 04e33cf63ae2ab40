import { host } from "./commands/host.ts";
import { network } from "./commands/network.ts";
import { owning } from "./commands/owning.ts";
import { serving } from "./commands/serving.ts";
import { using } from "./commands/using.ts";

/**
 * All commands of `blockcloud` in the order of the help: names, descriptions and modules. This file loads no
 * command, so the help of the program and of its groups loads none either.
 */
export const commands = {
  ...serving,
  ...network,
  ...using,
  ...owning,
  ...host,
};
