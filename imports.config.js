/**
 * Which file may import which (docs/architecture.md), for dependency-cruiser: `npm test -- imports`. Type
 * imports count, for a reader follows them as well.
 *
 * A folder of `src/` may import from the rows below its own, never from its neighbours in a row nor from
 * the rows above.
 */
const rows = [
  ["cli"],
  ["console"],
  ["alerts", "auditor", "client", "faucet", "indexer", "keeper", "provider", "relay"],
  ["sal"],
  ["resolver", "cashier"],
  ["coral", "chain"],
  ["net"],
  ["node"],
  ["protocol"],
];

const direction = rows.flatMap((row, index) =>
  row
    .map((folder) => ({
      folder,
      closed: [...rows.slice(0, index).flat(), ...row.filter((neighbour) => neighbour !== folder)],
    }))
    // The top row may import everything: an empty list of paths would match all.
    .filter(({ closed }) => closed.length > 0)
    .map(({ folder, closed }) => ({
      name: `${folder}-imports-downwards`,
      severity: "error",
      from: { path: `^src/${folder}/` },
      to: { path: closed.map((name) => `^src/${name}/`) },
    })),
);

export default {
  forbidden: [
    ...direction,
    {
      name: "nothing-imports-an-index",
      comment: "An index is a subpath of the package: inside, a file is imported by its own name.",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/index\\.ts$" },
      to: { path: "^src/([^/]+/index|index)\\.ts$" },
    },
    {
      name: "protocol-runs-without-node",
      comment: "Browsers use src/protocol; #platform chooses what is Node's own.",
      severity: "error",
      from: { path: "^src/protocol/", pathNot: "^src/protocol/platform/node\\.ts$" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "src-stands-alone",
      comment: "What is published must not need the compiler, the devnet or the tests.",
      severity: "error",
      from: { path: "^src/" },
      to: {
        path: "^(devnet|bench|scripts|ignition|test|typechain-types)/|^(node_modules/)?(hardhat|@nomicfoundation)\\b",
      },
    },
    {
      name: "src-needs-dependencies-only",
      comment: "A package that src/ imports is installed with the package.",
      severity: "error",
      from: { path: "^src/" },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "console-needs-protocol-only",
      comment: "The page runs in browsers, and is built without the workers.",
      severity: "error",
      from: { path: "^console/src/" },
      to: { path: "^(src|devnet|bench|scripts|ignition|test)/", pathNot: "^src/protocol/" },
    },
    {
      name: "recount-stands-alone",
      comment: "A recount that shares a formula with what it checks shares its errors.",
      severity: "error",
      from: { path: "^test/support/recount/" },
      to: {
        path: "^(src|devnet|bench|scripts|ignition|test|typechain-types)/",
        pathNot: "^(src/protocol/abi|test/support/recount)/",
      },
    },
    {
      name: "no-circle",
      comment: "Files in a circle cannot be understood, tested or loaded one at a time.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    // src/package.json names no dependencies: those of the package count.
    combinedDependencies: true,
    doNotFollow: { path: "node_modules" },
  },
};
