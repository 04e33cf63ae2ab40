/** The tables of the index, in the protocol's terms: README.md explains them. Amounts are BLOC in wei. */
export * from "./schema/audits.ts";
export * from "./schema/cashier.ts";
export * from "./schema/relations.ts";
export * from "./schema/services.ts";
