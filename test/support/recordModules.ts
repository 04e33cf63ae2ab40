/** Imported before a program (`node --import`): writes the URL of each module that it loads, a line each. */
import { appendFileSync, writeFileSync } from "node:fs";
import { registerHooks } from "node:module";

const list = process.env.MODULES_LIST ?? "";
writeFileSync(list, "");
registerHooks({
  load(url, context, next) {
    appendFileSync(list, `${url}\n`);
    return next(url, context);
  },
});
