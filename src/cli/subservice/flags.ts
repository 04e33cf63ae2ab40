import { document, key, text } from "../framework/flag.ts";
import { hexText, serviceIdText } from "../framework/values.ts";

/** The sub-service. */
export const id = text("--id <service ID>", "the sub-service's ID", serviceIdText, {
  env: "BLOCKCLOUD_SUBSERVICE",
  config: "subservice.id",
  required: true,
});

/** The delegation to the device's key. */
export const delegation = document(
  "--delegation <hex|@file>",
  "delegation that subservice add printed",
  hexText,
  {
    env: "BLOCKCLOUD_DELEGATION",
    config: "subservice.delegation",
    required: true,
  },
);

/** The device's own key. */
export const deviceKey = key("--device-key-file <path>", "file with the device's key, mode 600", {
  env: "BLOCKCLOUD_DEVICE_KEY",
  config: "keys.device",
  required: true,
});
