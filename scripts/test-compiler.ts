/**
 * How Hardhat compiles the Solidity tests. Those of `test/libraries/` compile what they test into
 * themselves, with the settings of production. All others take the contracts from artifacts and know them by
 * interfaces only (test/support/Artifacts.sol), so their own code need not be good, only quick to compile:
 * by the legacy pipeline, not optimised.
 */
import { globSync } from "node:fs";
import type { HardhatPlugin } from "hardhat/types/plugins";

/** The folder of the tests that compile what they test. */
const LIBRARIES = "test/libraries/";

export const testCompiler: HardhatPlugin = {
  id: "blockcloud-test-compiler",
  hookHandlers: {
    config: () =>
      Promise.resolve({
        default: () =>
          Promise.resolve({
            async resolveUserConfig(user, variable, next) {
              const resolved = await next(user, variable);
              const { root } = resolved.paths;
              const files = globSync("test/**/*.sol", { cwd: root }).filter(
                (file) => !file.startsWith(LIBRARIES),
              );
              for (const profile of Object.values(resolved.solidity.profiles)) {
                const [production] = profile.compilers;
                if (production === undefined) throw new Error("A build profile has no compiler");
                const { evmVersion } = production.settings as { evmVersion: string };
                // One object for all files: Hardhat makes one compiler run of the files that share it.
                // Overrides in the user's config are each resolved to an object of their own.
                const plain = { ...production, settings: { evmVersion } };
                for (const file of files) profile.overrides[file] = plain;
              }
              return resolved;
            },
          }),
      }),
  },
};
