/* The command completion: scripts for shells, from the tables of commands and options. */
#include "cli.h"

/* A text in single quotes; `escaped` stands for a quote in it. */
static void put_quoted(const char *text, const char *escaped)
{
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'') {
            fputs(escaped, stdout);
        } else {
            putchar(*text);
        }
    }
    putchar('\'');
}

#define QUOTE_SH   "'\\''"
#define QUOTE_FISH "\\'"

/* The long options that a command understands, with a blank before each. */
static void put_options(uint64_t bits)
{
    const char *name;
    uint64_t bit;
    bool takes_value;

    for (size_t i = 0; (name = option_at(i, &bit, &takes_value)) != NULL; i++) {
        if (name[1] == '-' && (bit == 0 || (bit & (bits | OPTION_STORE | OPTION_OWNER)))) {
            printf(" %s", name);
        }
    }
}

static void put_commands(void)
{
    const struct command *command;

    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        printf("%s%s", i == 0 ? "" : "|", command->name);
    }
}

static void put_cases(const char *before, const char *after)
{
    const struct command *command;

    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        printf("        %s) %s", command->name, before);
        put_options(command->options);
        puts(after);
    }
}

/* The words of a URL are several to bash, which takes ":" for an end; the command is the first word that is one. */
static void print_bash(void)
{
    const struct command *command;

    puts("_mastra_store() {\n"
         "    local word command= options=' --store --owner --help --version'\n"
         "    local current=${COMP_WORDS[COMP_CWORD]}\n"
         "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "        case $word in");
    fputs("            ", stdout);
    put_commands();
    puts(") command=$word; break ;;\n"
         "        esac\n"
         "    done\n"
         "    case $command in");
    put_cases("options='", "' ;;");
    fputs("    esac\n"
          "    if [[ $current == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
          "    elif [[ -z $command ]]; then\n"
          "        COMPREPLY=($(compgen -W '",
          stdout);
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        printf("%s%s", i == 0 ? "" : " ", command->name);
    }
    puts("' -- \"$current\"))\n"
         "    else\n"
         "        COMPREPLY=($(compgen -f -- \"$current\"))\n"
         "    fi\n"
         "}\n"
         "complete -o filenames -F _mastra_store mastra-store");
}

static void print_zsh(void)
{
    const struct command *command;

    puts("#compdef mastra-store\n"
         "_mastra_store() {\n"
         "    local word command\n"
         "    local -a commands options\n"
         "    options=(--store --owner --help --version)\n"
         "    commands=(");
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        fputs("        ", stdout);
        printf("%s:", command->name);
        put_quoted(command->summary, QUOTE_SH);
        putchar('\n');
    }
    puts("    )\n"
         "    for word in ${words[2,CURRENT-1]}; do\n"
         "        case $word in");
    fputs("            ", stdout);
    put_commands();
    puts(") command=$word; break ;;\n"
         "        esac\n"
         "    done\n"
         "    case $command in");
    put_cases("options=(", ") ;;");
    puts("    esac\n"
         "    if [[ $PREFIX == -* ]]; then\n"
         "        compadd -- $options\n"
         "    elif [[ -z $command ]]; then\n"
         "        _describe command commands\n"
         "    else\n"
         "        _files\n"
         "    fi\n"
         "}\n"
         "_mastra_store \"$@\"");
}

static void print_fish_options(const struct command *command)
{
    const char *name;
    uint64_t bit;
    bool takes_value;

    for (size_t i = 0; (name = option_at(i, &bit, &takes_value)) != NULL; i++) {
        if (name[1] == '-' && (bit & command->options)) {
            printf("complete -c mastra-store -n '__fish_seen_subcommand_from %s' -l %s%s\n", command->name,
                   name + 2, takes_value ? " -r" : "");
        }
    }
}

static void print_fish(void)
{
    const struct command *command;

    puts("complete -c mastra-store -l store -r -d 'the store'\n"
         "complete -c mastra-store -l owner -r -d 'who this process is to run locks'\n"
         "complete -c mastra-store -l help -s h -d 'help'\n"
         "complete -c mastra-store -n __fish_use_subcommand -l version -d 'the version'");
    for (size_t i = 0; (command = command_at(i)) != NULL; i++) {
        printf("complete -c mastra-store -f -n __fish_use_subcommand -a %s -d ", command->name);
        put_quoted(command->summary, QUOTE_FISH);
        putchar('\n');
        print_fish_options(command);
    }
}

int run_completion(struct cli *cli)
{
    const char *shell = cli->args[0];

    if (strcmp(shell, "bash") == 0) {
        print_bash();
    } else if (strcmp(shell, "zsh") == 0) {
        print_zsh();
    } else if (strcmp(shell, "fish") == 0) {
        print_fish();
    } else {
        return cli_complain(MASTRA_USAGE, "completion knows bash, zsh and fish, not \"%s\"",
                            cli_shown(shell));
    }
    return 0;
}
