import { existsSync } from "node:fs";
import { homedir } from "node:os";
import {
  authorityPlaces,
  deleteAuthority,
  openAuthority,
  readRoot,
} from "../../sal/proxy/https/authorityStore.ts";
import {
  installRoot,
  isInstalled,
  removeRoot,
  trustPlaces,
} from "../../sal/proxy/https/trustPlaces.ts";
import { state } from "../framework/commonFlags.ts";
import { localCommand } from "../framework/command.ts";
import { text } from "../framework/flag.ts";
import { oneOf } from "../framework/values.ts";
import { utc } from "../show/format.ts";

/** `blockcloud proxy ca` */
export const proxyCa = localCommand({
  args: {
    action: text("<action>", "show, install or remove", oneOf("show", "install", "remove"), {
      required: true,
    }),
  },
  flags: {
    state,
    to: text(
      "--to <place>",
      "programs that trust it: system (OpenSSL, curl, git), or browsers (Chromium's own list)",
      oneOf(...trustPlaces),
      { default: "system" },
    ),
  },
  examples: ["blockcloud proxy ca show", "blockcloud proxy ca remove"],
  notes: `The authority signs certificates of pages for proxy --https. It is this state folder's own; its certificates
are bound to names under bloc.alt and bloc.internal, and programs refuse every other name that its key would sign.
Nothing trusts it before install, for example: sudo blockcloud proxy ca install --state .blockcloud, or as the user
blockcloud proxy ca install --to browsers. remove takes it from both places, and deletes it.`,
  async run({ args, flags, io, output }) {
    const environment = { platform: process.platform, home: io.env.HOME ?? homedir() };
    const places = authorityPlaces(flags.state);
    if (args.action === "remove" && !existsSync(places.root)) {
      output.print({ removed: [] }, "There is no authority in this state folder.");
      return undefined;
    }
    if (args.action === "remove") {
      const root = readRoot(flags.state);
      const removed: string[] = [];
      for (const place of trustPlaces) {
        const where = await removeRoot(root, place, environment);
        if (where !== undefined) removed.push(where);
      }
      deleteAuthority(flags.state);
      const from = removed.length === 0 ? "It was installed nowhere." : removed.join("\n");
      output.print({ removed }, `Deleted, and removed from:\n${from}`);
      return undefined;
    }
    const { until, root } = openAuthority(flags.state, io.now());
    const { name, fingerprint } = root;
    if (args.action === "install") {
      const where = await installRoot(root, flags.to, environment);
      output.print({ name, fingerprint, where }, `Installed in ${where}.\n${name}\n${fingerprint}`);
      return undefined;
    }
    const installed: string[] = [];
    for (const place of trustPlaces) {
      if (await isInstalled(root, place, environment)) installed.push(place);
    }
    const shown = [
      `name         ${name}`,
      `SHA-256      ${fingerprint}`,
      `valid until  ${utc(until / 1000)}`,
      `certificate  ${places.root}`,
      `key          ${places.key}`,
      `installed    ${installed.join(", ") || "nowhere"}`,
    ];
    output.print({ name, fingerprint, until, places, installed }, shown.join("\n"));
    return undefined;
  },
});
