/* cli_help.c - --help, the man page and the completions, all printed from the option tables. */
#include "cli.h"

#include <ctype.h>

#define HELP_COLUMN 30

/* ---- walking a verb's options, group by group ---- */

#define MAX_GROUPS 16

typedef struct option_groups {
    const char *names[MAX_GROUPS];
    int n;
} option_groups;

static const char *group_of(const vj_cli_option *option)
{
    return option->group != NULL ? option->group : "Options";
}

static void collect_groups(const vj_cli_option *table, option_groups *groups)
{
    for (const vj_cli_option *o = table; o != NULL && o->name != NULL; o++) {
        int i = 0;

        while (i < groups->n && strcmp(groups->names[i], group_of(o)) != 0)
            i++;
        if (i == groups->n && groups->n < MAX_GROUPS)
            groups->names[groups->n++] = group_of(o);
    }
}

/* The letter to show: a common option loses it to a verb that uses the same. */
static int option_letter(const vj_cli_verb *verb, const vj_cli_option *option)
{
    if (option->id >= 256)
        return 0;
    for (const vj_cli_option *o = verb->options; o != NULL && o->name != NULL; o++)
        if (o->id == option->id && o != option)
            return 0;
    return option->id;
}

typedef void (*option_printer)(FILE *to, const vj_cli_verb *verb, const vj_cli_option *option);

static void each_option(FILE *to, const vj_cli_verb *verb, const char *group,
                        option_printer print)
{
    const vj_cli_option *tables[] = {verb->options, vj_cli_common_options()};

    for (size_t t = 0; t < VJ_COUNT(tables); t++)
        for (const vj_cli_option *o = tables[t]; o != NULL && o->name != NULL; o++)
            if (group == NULL || strcmp(group, group_of(o)) == 0)
                print(to, verb, o);
}

/* ---- --help ---- */

static void help_option(FILE *to, const vj_cli_verb *verb, const vj_cli_option *o)
{
    char left[128];
    int letter = option_letter(verb, o);
    int n = letter != 0 ? snprintf(left, sizeof left, "  -%c, --%s", letter, o->name)
                        : snprintf(left, sizeof left, "      --%s", o->name);
    const char *help = o->help;

    if (o->arg != NULL)
        n += snprintf(left + n, sizeof left - (size_t)n, vj_cli_arg_is_optional(o) ? "%s" : " %s",
                      o->arg);
    fprintf(to, "%-*s", HELP_COLUMN - 1, left);
    fputs(n >= HELP_COLUMN - 1 ? "\n" : " ", to);
    if (n >= HELP_COLUMN - 1)
        fprintf(to, "%*s", HELP_COLUMN, "");
    for (; *help != '\0'; help++) {
        fputc(*help, to);
        if (*help == '\n')
            fprintf(to, "%*s", HELP_COLUMN, "");
    }
    fputc('\n', to);
}

void vj_cli_help(FILE *to, const vj_cli_verb *verb)
{
    option_groups groups = {0};

    collect_groups(verb->options, &groups);
    collect_groups(vj_cli_common_options(), &groups);
    fprintf(to, "varjoin %s - %s\n\nUsage: varjoin %s %s\n", verb->name, verb->summary,
            verb->name, verb->args);
    if (verb->details != NULL)
        fprintf(to, "\n%s\n", verb->details);
    for (int g = 0; g < groups.n; g++) {
        fprintf(to, "\n%s:\n", groups.names[g]);
        each_option(to, verb, groups.names[g], help_option);
    }
}

void vj_cli_help_all(FILE *to)
{
    int n;
    const vj_cli_verb *const *verbs = vj_cli_verbs(&n);

    fputs("varjoin - join the variants of a sample with variant databases\n\n"
          "Usage: varjoin VERB [options]\n\nVerbs:\n",
          to);
    for (int i = 0; i < n; i++)
        fprintf(to, "  %-18s %s\n", verbs[i]->name, verbs[i]->summary);
    fputs("\nvarjoin VERB --help shows the options of a verb; varjoin --version the version\n"
          "and the libraries it was built with; varjoin --man [VERB] the manual page;\n"
          "varjoin --completion bash|zsh|fish a completion script.\n\n"
          "Exit: 0 done; 1 wrong usage; 2 bad input; 3 output or resources; 4 a promise\n"
          "failed; 130 interrupted; 70 a fault of varjoin itself.\n",
          to);
}

/* ---- manual page ---- */

/* Text as roff: no line may begin with a request, dashes and backslashes are literal. */
static void roff(FILE *to, const char *text)
{
    bool line_start = true;

    for (; *text != '\0'; text++) {
        if (line_start && (*text == '.' || *text == '\''))
            fputs("\\&", to);
        line_start = *text == '\n';
        if (*text == '\\')
            fputs("\\e", to);
        else if (*text == '-')
            fputs("\\-", to);
        else if (*text == '\n')
            fputs("\n.br\n", to);
        else
            fputc(*text, to);
    }
}

static void man_option(FILE *to, const vj_cli_verb *verb, const vj_cli_option *o)
{
    int letter = option_letter(verb, o);

    fputs(".TP\n", to);
    if (letter != 0)
        fprintf(to, "\\fB\\-%c\\fR, ", letter);
    fputs("\\fB\\-\\-", to);
    roff(to, o->name);
    fputs("\\fR", to);
    if (o->arg != NULL)
        fprintf(to, "%s\\fI%s\\fR", vj_cli_arg_is_optional(o) ? "" : " ", o->arg);
    fputc('\n', to);
    roff(to, o->help);
    if (o->env != NULL) {
        fputs("\n.br\nEnvironment: ", to);
        roff(to, o->env);
    }
    fputc('\n', to);
}

static void man_exit_status(FILE *to)
{
    fputs(".SH EXIT STATUS\n"
          ".TP\n0\ndone\n.TP\n1\nwrong usage\n.TP\n2\nbad input: file, place, what was "
          "expected and found\n.TP\n3\noutput or resources\n.TP\n4\na promise failed "
          "(nothing matched, rows lost)\n.TP\n130\ninterrupted\n.TP\n70\na fault of varjoin "
          "itself\n",
          to);
}

static void man_text(FILE *to, const char *text)
{
    if (text == NULL)
        return;
    fputs(".PP\n", to);
    roff(to, text);
    fputc('\n', to);
}

/* "reference build" as the page's name: varjoin-reference-build. */
static void man_page_name(FILE *to, const char *verb, bool upper)
{
    fputs(upper ? "VARJOIN" : "varjoin\\-", to);
    if (upper)
        fputs("\\-", to);
    for (; *verb != '\0'; verb++)
        if (*verb == ' ')
            fputs("\\-", to);
        else
            fputc(upper && *verb >= 'a' && *verb <= 'z' ? *verb - 32 : *verb, to);
}

static void man_of_verb(FILE *to, const vj_cli_verb *verb)
{
    option_groups groups = {0};

    fputs(".TH ", to);
    man_page_name(to, verb->name, true);
    fprintf(to, " 1 \"\" \"varjoin %s\"\n.SH NAME\n", VJ_VERSION);
    man_page_name(to, verb->name, false);
    fputs(" \\- ", to);
    roff(to, verb->summary);
    fprintf(to, "\n.SH SYNOPSIS\n\\fBvarjoin %s\\fR ", verb->name);
    roff(to, verb->args);
    fputs("\n.SH DESCRIPTION\n", to);
    roff(to, verb->summary);
    fputc('\n', to);
    man_text(to, verb->details);
    fputs(".SH OPTIONS\n", to);
    collect_groups(verb->options, &groups);
    collect_groups(vj_cli_common_options(), &groups);
    for (int g = 0; g < groups.n; g++) {
        fprintf(to, ".SS %s\n", groups.names[g]);
        each_option(to, verb, groups.names[g], man_option);
    }
    man_exit_status(to);
    fputs(".SH SEE ALSO\n\\fBvarjoin\\fR(1)\n", to);
}

static void man_of_all(FILE *to)
{
    static const vj_cli_verb any = {.name = "VERB"};
    int n;
    const vj_cli_verb *const *verbs = vj_cli_verbs(&n);

    fprintf(to, ".TH VARJOIN 1 \"\" \"varjoin %s\"\n", VJ_VERSION);
    fputs(".SH NAME\nvarjoin \\- join the variants of a sample with variant databases\n"
          ".SH SYNOPSIS\n\\fBvarjoin\\fR \\fIVERB\\fR [options]\n.SH VERBS\n"
          "Each has a page of its own.\n",
          to);
    for (int i = 0; i < n; i++) {
        fputs(".TP\n\\fB", to);
        man_page_name(to, verbs[i]->name, false);
        fputs("\\fR(1)\n", to);
        roff(to, verbs[i]->summary);
        fputc('\n', to);
    }
    fputs(".SH OPTIONS OF EVERY VERB\n", to);
    each_option(to, &any, "General", man_option);
    man_exit_status(to);
}

void vj_cli_man(FILE *to, const vj_cli_verb *verb)
{
    if (verb != NULL)
        man_of_verb(to, verb);
    else
        man_of_all(to);
}

/* ---- completions ---- */

static void bash_option(FILE *to, const vj_cli_verb *verb, const vj_cli_option *o)
{
    int letter = option_letter(verb, o);

    fprintf(to, " --%s", o->name);
    if (letter != 0)
        fprintf(to, " -%c", letter);
}

/* Words of the line that choose the verb: "reference build" is two. */
static void bash_completion(FILE *to, const vj_cli_verb *const *verbs, int n)
{
    fputs("# bash completion for varjoin\n_varjoin()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} words=\"\"\n"
          "    COMPREPLY=()\n"
          "    case \"${COMP_WORDS[1]} ${COMP_WORDS[2]}\" in\n",
          to);
    for (int i = 0; i < n; i++) {
        fprintf(to, "    \"%s%s) words=\"", verbs[i]->name,
                strchr(verbs[i]->name, ' ') != NULL ? "\"*" : " \"*");
        each_option(to, verbs[i], NULL, bash_option);
        fputs("\" ;;\n", to);
    }
    fputs("    esac\n"
          "    if [[ $COMP_CWORD -eq 1 ]]; then\n        words=\"--help --version",
          to);
    for (int i = 0; i < n; i++)
        fprintf(to, " %.*s", (int)strcspn(verbs[i]->name, " "), verbs[i]->name);
    fputs("\"\n    elif [[ $COMP_CWORD -eq 2 ]]; then\n        case ${COMP_WORDS[1]} in\n", to);
    for (int i = 0; i < n; i++) {
        const char *space = strchr(verbs[i]->name, ' ');

        if (space != NULL)
            fprintf(to, "        %.*s) words=\"$words %s\" ;;&\n",
                    (int)(space - verbs[i]->name), verbs[i]->name, space + 1);
    }
    fputs("        esac\n    fi\n"
          "    if [[ $COMP_CWORD -eq 1 || $cur == -* ]] ||"
          " [[ $COMP_CWORD -eq 2 && ${COMP_WORDS[1]} == reference ]]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
          "    else\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
          "    fi\n}\ncomplete -o filenames -F _varjoin varjoin\n",
          to);
}

/* First line of a help text, without what quoting could trip over. */
static void plain_help(FILE *to, const char *text)
{
    for (; *text != '\0' && *text != '\n'; text++)
        if (strchr("'\"[]:\\`$", *text) == NULL)
            fputc(*text, to);
}

static void zsh_option(FILE *to, const vj_cli_verb *verb, const vj_cli_option *o)
{
    const char *arg = o->arg == NULL ? "" : vj_cli_arg_is_optional(o) ? "::arg:_files" : ":arg:_files";
    int letter = option_letter(verb, o);

    fprintf(to, "      '--%s%s[", o->name, o->arg == NULL ? "" : "=");
    plain_help(to, o->help);
    fprintf(to, "]%s' \\\n", arg);
    if (letter != 0) {
        fprintf(to, "      '-%c%s[", letter, o->arg == NULL ? "" : "+");
        plain_help(to, o->help);
        fprintf(to, "]%s' \\\n", arg);
    }
}

static void zsh_completion(FILE *to, const vj_cli_verb *const *verbs, int n)
{
    fputs("#compdef varjoin\n_varjoin() {\n  local -a verbs\n  verbs=(\n", to);
    for (int i = 0; i < n; i++) {
        fprintf(to, "    '%.*s:", (int)strcspn(verbs[i]->name, " "), verbs[i]->name);
        plain_help(to, verbs[i]->summary);
        fputs("'\n", to);
    }
    fputs("  )\n  if (( CURRENT == 2 )); then\n    _describe verb verbs\n    return\n  fi\n"
          "  case \"$words[2] $words[3]\" in\n",
          to);
    for (int i = 0; i < n; i++) {
        fprintf(to, "    \"%s%s)\n    _arguments \\\n", verbs[i]->name,
                strchr(verbs[i]->name, ' ') != NULL ? "\"*" : " \"*");
        each_option(to, verbs[i], NULL, zsh_option);
        fputs("      '*:file:_files' ;;\n", to);
    }
    for (int i = 0; i < n; i++) {
        const char *space = strchr(verbs[i]->name, ' ');

        if (space != NULL)
            fprintf(to, "    \"%.*s \"*) (( CURRENT == 3 )) && compadd %s ;|\n",
                    (int)(space - verbs[i]->name), verbs[i]->name, space + 1);
    }
    fputs("  esac\n}\n_varjoin \"$@\"\n", to);
}

static void fish_option(FILE *to, const vj_cli_verb *verb, const vj_cli_option *o)
{
    const char *space = strchr(verb->name, ' ');
    int letter = option_letter(verb, o);

    fprintf(to, "complete -c varjoin -n '__fish_seen_subcommand_from %.*s",
            (int)strcspn(verb->name, " "), verb->name);
    if (space != NULL)
        fprintf(to, "; and __fish_seen_subcommand_from %s", space + 1);
    fprintf(to, "' -l %s", o->name);
    if (letter != 0)
        fprintf(to, " -s %c", letter);
    fputs(o->arg != NULL && !vj_cli_arg_is_optional(o) ? " -r -d '" : " -d '", to);
    plain_help(to, o->help);
    fputs("'\n", to);
}

static void fish_completion(FILE *to, const vj_cli_verb *const *verbs, int n)
{
    fputs("# fish completion for varjoin\n", to);
    for (int i = 0; i < n; i++) {
        const char *space = strchr(verbs[i]->name, ' ');

        fprintf(to, "complete -c varjoin -n __fish_use_subcommand -f -a %.*s -d '",
                (int)strcspn(verbs[i]->name, " "), verbs[i]->name);
        plain_help(to, verbs[i]->summary);
        fputs("'\n", to);
        if (space != NULL)
            fprintf(to,
                    "complete -c varjoin -n '__fish_seen_subcommand_from %.*s' -f -a %s\n",
                    (int)(space - verbs[i]->name), verbs[i]->name, space + 1);
        each_option(to, verbs[i], NULL, fish_option);
    }
}

bool vj_cli_completion(FILE *to, const char *shell)
{
    static const struct {
        const char *shell;
        void (*print)(FILE *to, const vj_cli_verb *const *verbs, int n);
    } shells[] = {
        {"bash", bash_completion}, {"zsh", zsh_completion}, {"fish", fish_completion}};
    int n;
    const vj_cli_verb *const *verbs = vj_cli_verbs(&n);

    for (size_t i = 0; i < VJ_COUNT(shells); i++)
        if (strcmp(shells[i].shell, shell) == 0) {
            shells[i].print(to, verbs, n);
            return true;
        }
    return false;
}
