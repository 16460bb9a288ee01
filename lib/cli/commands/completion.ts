// `bmp completion`: what a shell offers when Tab is pressed, made from the commands' own tables; names are asked of the cluster.
import { type Command, UsageError } from '../command.ts';

interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly string[];
  /** What its first word may be. */
  readonly words: readonly string[];
  /** The kind whose names it takes, after that word. */
  readonly names: string | undefined;
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

/** A branch for each command, of what it takes. */
const branches = (commands: readonly Completed[]): string =>
  commands
    .map(({ name, options, words, names }) => {
      const kind = names === undefined ? '' : ` kind=${names}`;
      return `    ${name}) options=${quoted(options.join(' '))} words=${quoted(words.join(' '))}${kind} ;;`;
    })
    .join('\n');

const SHELLS: Readonly<Record<string, (commands: readonly Completed[]) => string>> = {
  bash: (commands) => `# source <(bmp completion bash)
_bmp() {
  local word=\${COMP_WORDS[COMP_CWORD]} offered options words kind
  if [ "$COMP_CWORD" = 1 ]; then offered=${quoted(commands.map(({ name }) => name).join(' '))}
  else
    case \${COMP_WORDS[1]} in
${branches(commands)}
    esac
    if [[ $word == -* ]]; then offered=$options
    elif [ "$COMP_CWORD" = 2 ] && [ -n "$words" ]; then offered=$words
    elif [ -n "$kind" ]; then offered=$(bmp get "$kind" -o name 2>/dev/null | sed 's|.*/||'); fi
  fi
  COMPREPLY=($(compgen -W "$offered" -- "$word"))
}
complete -o default -F _bmp bmp`,
  zsh: (commands) => `#compdef bmp
# source <(bmp completion zsh), after compinit; or kept as _bmp in a folder of $fpath
_bmp() {
  local options words_ kind
  local -a offered
  if (( CURRENT == 2 )); then
    offered=(${commands.map(({ name, summary }) => quoted(`${name}:${summary.replaceAll(':', '\\:')}`)).join(' ')})
    _describe command offered
    return
  fi
  case $words[2] in
${branches(commands).replaceAll(' words=', ' words_=')}
  esac
  if [[ $PREFIX == -* ]]; then compadd -- \${=options}
  elif (( CURRENT == 3 )) && [[ -n $words_ ]]; then compadd -- \${=words_}
  elif [[ -n $kind ]]; then compadd -- \${$(bmp get $kind -o name 2>/dev/null)##*/}
  else _files; fi
}
if [[ $funcstack[1] == _bmp ]]; then _bmp "$@"; else compdef _bmp bmp; fi`,
  fish: (commands) =>
    [
      '# bmp completion fish | source',
      ...commands.flatMap(({ name, summary, options, words, names }) => {
        const seen = `__fish_seen_subcommand_from ${name}`;
        const verb = words.length === 0 ? '' : `; and __fish_seen_subcommand_from ${words.join(' ')}`;
        const listed = `(bmp get ${names} -o name 2>/dev/null | string replace -r ".*/" "")`;
        return [
          `complete -c bmp -f -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
          ...options.map((option) => `complete -c bmp -n '${seen}' -l ${option.slice(2)}`),
          ...(words.length === 0
            ? []
            : [
                `complete -c bmp -f -n '${seen}; and not __fish_seen_subcommand_from ${words.join(' ')}' -a '${words.join(' ')}'`,
              ]),
          ...(names === undefined ? [] : [`complete -c bmp -f -n '${seen}${verb}' -a '${listed}'`]),
        ];
      }),
    ].join('\n'),
};

/** The command, which must know all of the others. */
export function completionOf(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'print what makes a shell complete commands, options and names',
    help: `Usage: bmp completion ${Object.keys(SHELLS).join('|')}

Prints a script for the shell. Names of devices, instances and placements are asked of the cluster of the current context.

Example: source <(bmp completion bash)`,
    operands: { least: 1, most: 1 },
    words: Object.keys(SHELLS),
    options: {},
    async run(_, __, [shell]) {
      const script = Object.hasOwn(SHELLS, shell!) ? SHELLS[shell!] : undefined;
      if (!script) throw new UsageError(`takes ${Object.keys(SHELLS).join(', ')}, not "${shell}"`);
      const completed = commands().map(({ name, summary, options, words = [], names }) => ({
        name,
        summary,
        options: [...Object.keys(options), 'help'].map((option) => `--${option}`),
        words,
        names,
      }));
      console.log(script(completed));
      return 0;
    },
  };
}
