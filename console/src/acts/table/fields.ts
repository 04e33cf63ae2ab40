import type { Field } from "../act.ts";

/** The number of a service, in each act about one. */
export const service: Field = {
  name: "service",
  label: "Service number",
  kind: "service",
  required: true,
};

/** An amount of BLOC that moves. */
export const amount: Field = {
  name: "amount",
  label: "Amount, BLOC",
  kind: "bloc",
  required: true,
};
