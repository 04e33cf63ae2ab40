import { text } from "../framework/flag.ts";
import { hostAndPort } from "../framework/values.ts";

/** `--listen` of the gateway. */
export const listen = text("--listen <host:port>", "where the gateway listens", hostAndPort, {
  env: "BLOCKCLOUD_LISTEN",
  config: "provider.listen",
  required: true,
});
