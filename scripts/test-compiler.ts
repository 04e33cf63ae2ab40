/**
 * How Hardhat compiles the Solidity tests (docs/decisions/0019). The tests in `test/libraries/` contain the
 * libraries that they test, so they are compiled with the settings of production. All other tests create the
 * contracts from their artifacts (test/support/Artifacts.sol) and know them by interfaces. Nothing depends
 * on the quality of their own code, and the legacy pipeline without the optimiser compiles it fastest.
 */
import { globSync } from "node:fs";
import type { HardhatConfig } from "hardhat/types/config";
import type { HardhatPlugin } from "hardhat/types/plugins";

/** The tests that contain the tested libraries. */
const LIBRARIES = "test/libraries/";

/** One compiler run for each kind of test. Hardhat's default is one less than the number of cores. */
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
 * Gives all these files one compiler object, because Hardhat compiles files that share an object in one run. Each
 * override in hardhat.config.ts would otherwise get its own object, and so its own run.
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

/** The plugin's handlers are in a module that Hardhat loads on demand. */
function handlers<Hooks>(hooks: Hooks): () => Promise<{ default: () => Promise<Hooks> }> {
  return () => Promise.resolve({ default: () => Promise.resolve(hooks) });
}
