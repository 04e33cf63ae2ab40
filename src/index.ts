/**
 * `blockcloud`: what a user of services needs. Those who run a part of the network import
 * `blockcloud/resolver`, `blockcloud/provider` or `blockcloud/auditor`; `blockcloud/protocol` is free of Node.
 *
 * @module
 */
export { loadDeployment, type Deployment } from "./chain/deployment.ts";
export * from "./protocol/index.ts";
