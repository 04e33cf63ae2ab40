import tseslint from "typescript-eslint";

export default tseslint.config(
  {
    ignores: [
      "artifacts/",
      "dist/",
      "cache/",
      "typechain-types/",
      "coverage/",
      "src/protocol/abi/",
    ],
  },
  {
    files: ["**/*.ts", "**/*.tsx"],
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
        {
          selector: "ImportDeclaration[source.value='zod'][importKind!='type'] > ImportSpecifier",
          message: 'import * as z from "zod": only so a bundle leaves out what is not used.',
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
  {
    files: ["src/protocol/**/*.ts"],
    rules: {
      "no-restricted-globals": [
        "error",
        ...["Buffer", "console", "global", "process", "setInterval", "setTimeout"].map((name) => ({
          name,
          message: "src/protocol runs without Node, and keeps no time.",
        })),
      ],
    },
  },
  {
    // Handlers of events in React are short arrows whose result is of no use.
    files: ["console/**/*.ts", "console/**/*.tsx"],
    rules: {
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
    },
  },
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
