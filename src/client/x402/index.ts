/**
 * `blockcloud/x402`: lets clients of `@x402/core` pay Blockcloud services by tab.
 *
 * @module
 */
export { BlockcloudError } from "../../protocol/errors.ts";
export type { PayerTab, TabPayer } from "../../cashier/tabs.ts";
export {
  openTabPayer,
  type OpenedPayer,
  type TabPayerEnvironment,
  type TabPayerOptions,
} from "./openPayer.ts";
export {
  registerTabScheme,
  TabScheme,
  type TabSchemeOptions,
  type X402Client,
  type X402Network,
  type X402PaymentResponse,
  type X402Requirements,
} from "./tabScheme.ts";
