import type { Command } from "commander";
import { localCommand, type CommandFactory } from "./framework/command.ts";
import { text } from "./framework/flag.ts";
import { oneOf } from "./framework/values.ts";

/** `blockcloud completion`, for the commands of a program. */
export function completionOf(program: () => Command): CommandFactory {
  return localCommand({
    name: "completion",
    about: "Print the script that completes commands and flags in a shell.",
    flags: {},
    args: {
      shell: text("<shell>", "bash, zsh or fish", oneOf("bash", "zsh", "fish"), { required: true }),
    },
    examples: [
      "blockcloud completion bash > ~/.local/share/bash-completion/completions/blockcloud",
    ],
    run({ args, output }) {
      const script = scripts[args.shell](tree(program()));
      output.print({ shell: args.shell, script }, script);
      return Promise.resolve(undefined);
    },
  });
}

/** What may follow a command's name, by the names above it, joined by blanks. */
type Tree = ReadonlyMap<string, { words: readonly string[]; flags: readonly string[] }>;

function tree(command: Command, prefix = ""): Tree {
  const flags = command.options.flatMap(({ long }) => (long ? [long] : []));
  const entries: [string, { words: readonly string[]; flags: readonly string[] }][] = [
    [prefix, { words: command.commands.map((child) => child.name()), flags: [...flags, "--help"] }],
  ];
  for (const child of command.commands) {
    entries.push(...tree(child, `${prefix} ${child.name()}`.trim()));
  }
  return new Map(entries);
}

/** Names of commands and flags are of letters, digits and hyphens: nothing in these needs quoting. */
const scripts = {
  bash: (all: Tree) => `_blockcloud() {
  local word path="" i current="\${COMP_WORDS[COMP_CWORD]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    case " $(_blockcloud_words "$path") " in *" $word "*) path="\${path:+$path }$word" ;; esac
  done
  if [[ $current == -* ]]; then
    COMPREPLY=($(compgen -W "$(_blockcloud_flags "$path")" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$(_blockcloud_words "$path")" -- "$current"))
    [[ \${#COMPREPLY[@]} -gt 0 ]] || COMPREPLY=($(compgen -f -- "$current"))
  fi
}
_blockcloud_words() {
  case "$1" in
${cases(all, ({ words }) => words)}
  esac
}
_blockcloud_flags() {
  case "$1" in
${cases(all, ({ flags }) => flags)}
  esac
}
complete -o filenames -F _blockcloud blockcloud`,

  zsh: (all: Tree) => `#compdef blockcloud
autoload -U +X bashcompinit && bashcompinit
${scripts.bash(all)}`,

  fish: (all: Tree) =>
    [
      "complete -c blockcloud -f",
      ...[...all].flatMap(([path, { words, flags }]) => {
        const seen = path.split(" ").filter((word) => word !== "");
        const when = [
          ...seen.map((word) => `__fish_seen_subcommand_from ${word}`),
          ...(words.length > 0 ? [`not __fish_seen_subcommand_from ${words.join(" ")}`] : []),
        ].join("; and ");
        const condition = when === "" ? "" : ` -n "${when}"`;
        return [
          ...words.map((word) => `complete -c blockcloud${condition} -a ${word}`),
          ...flags.map((flag) => `complete -c blockcloud${condition} -l ${flag.slice(2)}`),
        ];
      }),
    ].join("\n"),
};

function cases(
  all: Tree,
  choose: (entry: { words: readonly string[]; flags: readonly string[] }) => readonly string[],
): string {
  return [...all]
    .filter(([, entry]) => choose(entry).length > 0)
    .map(([path, entry]) => `    "${path}") echo "${choose(entry).join(" ")}" ;;`)
    .join("\n");
}
