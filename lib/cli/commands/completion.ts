// `bmp completion`: what a shell offers when Tab is pressed, made from the commands' own tables.
import { type Command, UsageError } from '../command.ts';

interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly string[];
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

const SHELLS: Readonly<Record<string, (commands: readonly Completed[]) => string>> = {
  bash: (commands) => `# source <(bmp completion bash)
_bmp() {
  local word=\${COMP_WORDS[COMP_CWORD]} offered
  if [ "$COMP_CWORD" = 1 ]; then offered=${quoted(commands.map(({ name }) => name).join(' '))}
  else case \${COMP_WORDS[1]} in
${commands.map(({ name, options }) => `    ${name}) offered=${quoted(options.join(' '))} ;;`).join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$offered" -- "$word"))
}
complete -o default -F _bmp bmp`,
  zsh: (commands) => `#compdef bmp
# source <(bmp completion zsh)
_bmp() {
  local -a offered
  if (( CURRENT == 2 )); then
    offered=(${commands.map(({ name, summary }) => quoted(`${name}:${summary}`)).join(' ')})
    _describe command offered
  else case $words[2] in
${commands.map(({ name, options }) => `    ${name}) compadd -- ${options.join(' ')} ;;`).join('\n')}
  esac; fi
}
compdef _bmp bmp`,
  fish: (commands) =>
    [
      '# bmp completion fish | source',
      ...commands.flatMap(({ name, summary, options }) => [
        `complete -c bmp -f -n __fish_use_subcommand -a ${name} -d ${quoted(summary)}`,
        ...options.map((option) => `complete -c bmp -n '__fish_seen_subcommand_from ${name}' -l ${option.slice(2)}`),
      ]),
    ].join('\n'),
};

/** The command, which must know all of the others. */
export function completionOf(commands: () => readonly Command[]): Command {
  return {
    name: 'completion',
    summary: 'print what makes a shell complete commands and options',
    help: `Usage: bmp completion ${Object.keys(SHELLS).join('|')}

Example: source <(bmp completion bash)`,
    operands: { least: 1, most: 1 },
    options: {},
    async run(_, __, [shell]) {
      const script = Object.hasOwn(SHELLS, shell!) ? SHELLS[shell!] : undefined;
      if (!script) throw new UsageError(`takes ${Object.keys(SHELLS).join(', ')}, not "${shell}"`);
      const completed = commands().map(({ name, summary, options }) => ({
        name,
        summary,
        options: [...Object.keys(options), 'help'].map((option) => `--${option}`),
      }));
      console.log(script(completed));
      return 0;
    },
  };
}
