import tseslint from "typescript-eslint";

/**
 * Imports run one way (docs/architecture.md): a folder may import from the folders of the rows below its
 * own, never from its neighbours in a row nor from those above.
 */
const rows = [
  ["cli"],
  ["demo"],
  ["auditor", "keeper", "provider"],
  ["sal"],
  ["resolver", "cashier"],
  ["coral", "chain"],
  ["net"],
  ["node"],
  ["protocol"],
];

const direction = rows.flatMap((row, index) =>
  row.map((folder) => {
    const closed = [
      ...rows.slice(0, index).flat(),
      ...row.filter((neighbour) => neighbour !== folder),
    ];
    return {
      files: [`src/${folder}/**/*.ts`],
      rules: {
        "no-restricted-imports": [
          "error",
          {
            patterns: [
              {
                regex: `^(\\.\\./)+(src/)?(${["index\\.ts$", ...closed.map((name) => `${name}/`)].join("|")})`,
                message: `src/${folder} must not import this: imports run one way.`,
              },
            ],
          },
        ],
      },
    };
  }),
);

export default tseslint.config(
  {
    ignores: ["artifacts/", "cache/", "typechain-types/", "coverage/", "src/protocol/abi/"],
  },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      // Numbers and bigints in messages are meant.
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
      ],
      // Node runs the sources as they are: nothing that has to be compiled away.
      "no-restricted-syntax": [
        "error",
        { selector: "TSEnumDeclaration", message: "Node cannot strip enums." },
        { selector: "TSParameterProperty", message: "Node cannot strip parameter properties." },
        {
          selector: "TSModuleDeclaration[kind='namespace']",
          message: "Node cannot strip namespaces.",
        },
      ],
      "@typescript-eslint/consistent-type-imports": "error",
      // Narrow dependency interfaces are made of functions that need no `this`.
      "@typescript-eslint/unbound-method": "off",
      // An AbortSignal that was seen open may be aborted after the next await: the rule cannot know.
      "@typescript-eslint/no-unnecessary-condition": "off",
      // node:http types as Duplex what is a Socket.
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
      // Doing nothing is what a silent logger and a swallowed echo are for; a comment says why.
      "@typescript-eslint/no-empty-function": "off",
      // An abort's reason is whatever the caller gave.
      "@typescript-eslint/prefer-promise-reject-errors": ["error", { allowThrowingUnknown: true }],
    },
  },
  {
    // What a worker needs of its surroundings is injected; these folders are where it comes from.
    files: ["src/**/*.ts"],
    ignores: ["src/node/**", "src/cli/**"],
    rules: {
      "no-restricted-globals": [
        "error",
        { name: "setInterval", message: "Use the injected timers." },
        { name: "console", message: "Use the injected logger." },
      ],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: "Use the injected clock." },
        {
          object: "process",
          property: "env",
          message: "The environment is read in src/node and src/cli.",
        },
      ],
    },
  },
  ...direction,
  {
    files: ["test/**/*.ts"],
    rules: {
      // chai's assertions are expressions, and tests look into what they know.
      "@typescript-eslint/no-unused-expressions": "off",
      "@typescript-eslint/no-non-null-assertion": "off",
      // What node:events hands to a test is untyped.
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/require-await": "off",
    },
  },
);
