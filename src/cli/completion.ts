import { Argument } from "commander";
import { flagsOfCommands } from "./completionFlags.ts";
import { afterHelp } from "./framework/afterHelp.ts";
import type { CommandDefinition } from "./framework/command.ts";

/**
 * `blockcloud completion`. Shells may run it at their start, so it loads neither the other commands nor the
 * code that reads settings.
 */
export const completion: CommandDefinition = {
  flags: {},
  define(command, { io }) {
    const shells = Object.keys(scripts);
    command
      .addArgument(new Argument("<shell>", shells.join(", ")).choices(shells))
      .addHelpText("after", afterHelp([EXAMPLE]))
      .action((shell: keyof typeof scripts) => {
        io.stdout.write(`${scripts[shell](treeOf(flagsOfCommands))}\n`);
      });
  },
};

const EXAMPLE =
  "blockcloud completion bash > ~/.local/share/bash-completion/completions/blockcloud";

/** The words that may follow a command's name. */
interface Following {
  words: readonly string[];
  flags: readonly string[];
}
/** By the preceding names, joined by blanks. */
type Tree = ReadonlyMap<string, Following>;

/** The tree of the commands with the given flags; a command's name includes its group. */
function treeOf(flagsOf: Readonly<Record<string, string>>): Tree {
  const names = Object.keys(flagsOf).map((name) => name.split(" "));
  const below = (group: string) =>
    names.filter(([first, second]) => first === group && second !== undefined);
  const tops = [...new Set(names.map(([first = ""]) => first))];
  const groups = tops.filter((top) => below(top).length > 0);
  return new Map<string, Following>([
    ["", { words: tops, flags: ["--version", "--help"] }],
    ...groups.map((group): [string, Following] => {
      const words = below(group).map(([, second = ""]) => second);
      return [group, { words, flags: ["--help"] }];
    }),
    ...Object.entries(flagsOf).map(([name, flags]): [string, Following] => {
      return [name, { words: [], flags: [...flags.split(" ").filter(Boolean), "--help"] }];
    }),
  ]);
}

/** Names of commands and flags consist of letters, digits and hyphens, so they need no quoting. */
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

function cases(all: Tree, choose: (entry: Following) => readonly string[]): string {
  return [...all]
    .filter(([, entry]) => choose(entry).length > 0)
    .map(([path, entry]) => `    "${path}") echo "${choose(entry).join(" ")}" ;;`)
    .join("\n");
}
