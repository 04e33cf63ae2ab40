/**
 * How Hardhat compiles the Solidity tests (docs/decisions/0019). Those of `test/libraries/` compile what
 * they test into themselves, with the settings of production. All others take the contracts from their
 * artifacts and know them by interfaces only (test/support/Artifacts.sol), so their own code need not be
 * good, only quick to compile: by the legacy pipeline, not optimised.
 */
import { globSync } from "node:fs";
import type { HardhatConfig } from "hardhat/types/config";
import type { HardhatPlugin } from "hardhat/types/plugins";

/** The tests that compile what they test. */
const LIBRARIES = "test/libraries/";

/** One compiler run for each kind of test; Hardhat's own default is one fewer than there are cores. */
const AT_ONCE = 2;

export const testCompiler: HardhatPlugin = {
  id: "blockcloud-test-compiler",
  hookHandlers: {
    config: handlers({
      async resolveUserConfig(user, variable, next) {
        const resolved = await next(user, variable);
        compilePlainly(resolved);
        return resolved;
      },
    }),
    solidity: handlers({
      build: (context, files, options, next) =>
        next(context, files, { concurrency: AT_ONCE, ...options }),
    }),
  },
};

/**
 * Here and not in the user's config: Hardhat compiles in one run the files whose compiler is one object, and
 * resolves each override of a user's config to an object of its own.
 */
function compilePlainly({ paths, solidity }: HardhatConfig): void {
  const files = globSync("test/**/*.sol", { cwd: paths.root }).filter(
    (file) => !file.startsWith(LIBRARIES),
  );
  for (const profile of Object.values(solidity.profiles)) {
    const [production] = profile.compilers;
    if (production === undefined) throw new Error("A build profile has no compiler");
    const { evmVersion } = production.settings as { evmVersion: string };
    const plain = { ...production, settings: { evmVersion } };
    for (const file of files) profile.overrides[file] = plain;
  }
}

/** Hardhat loads the handlers of a plugin when it needs them. */
function handlers<Hooks>(hooks: Hooks): () => Promise<{ default: () => Promise<Hooks> }> {
  return () => Promise.resolve({ default: () => Promise.resolve(hooks) });
}
