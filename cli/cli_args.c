/* cli_args.c - options of a verb: environment first, then getopt_long over its table. */
#include "cli.h"

#include <getopt.h>
#include <stdlib.h>

enum { ID_HELP = 1000, ID_VERBOSITY, ID_QUIET, ID_PROGRESS, ID_DIE_WITH_PARENT };

extern int vj_cli_progress_mode;

static const vj_cli_option common[] = {
    {'h', "help", NULL, "General", "print this help and exit", NULL},
    {'v', "verbosity", "INT", "General",
     "0 errors, 1 warnings, 2 what is being done, 3 details [1]", "VARJOIN_VERBOSITY"},
    {'q', "quiet", NULL, "General", "errors only, no progress line", NULL},
    {ID_PROGRESS, "progress", "WHEN", "General",
     "progress line: auto (on a terminal), always, never [auto]", "VARJOIN_PROGRESS"},
    {ID_DIE_WITH_PARENT, "die-with-parent", "PID", "General",
     "stop as soon as this process, which started us, is gone", "VARJOIN_DIE_WITH_PARENT"},
    {0},
};

const vj_cli_option *vj_cli_common_options(void)
{
    return common;
}

static bool table_has_letter(const vj_cli_option *table, int letter)
{
    for (; table != NULL && table->name != NULL; table++)
        if (table->id == letter)
            return true;
    return false;
}

/* The option with this id, or with this long name where name is given. */
static const vj_cli_option *find_option(const vj_cli_verb *verb, int id, const char *name)
{
    const vj_cli_option *tables[] = {verb->options, common};

    for (size_t t = 0; t < VJ_COUNT(tables); t++)
        for (const vj_cli_option *o = tables[t]; o != NULL && o->name != NULL; o++)
            if (name != NULL ? strcmp(o->name, name) == 0 : o->id == id)
                return o;
    return NULL;
}

bool vj_cli_arg_is_optional(const vj_cli_option *o)
{
    return o->arg != NULL && o->arg[0] == '[' && o->arg[strlen(o->arg) - 1] == ']';
}

static int arg_kind(const vj_cli_option *o)
{
    return o->arg == NULL              ? no_argument
           : vj_cli_arg_is_optional(o) ? optional_argument
                                       : required_argument;
}

/* getopt's two tables; static, since a process parses one command line. */
#define MAX_OPTIONS 128
static char letters[3 * MAX_OPTIONS + 2];
static struct option longs[MAX_OPTIONS + 1];

/* A letter that the verb uses is not the common option's. */
static void build_tables(const vj_cli_verb *verb)
{
    const vj_cli_option *tables[] = {verb->options, common};
    size_t letter_i = 0, long_i = 0;

    letters[letter_i++] = ':';
    for (size_t t = 0; t < VJ_COUNT(tables); t++)
        for (const vj_cli_option *o = tables[t]; o != NULL && o->name != NULL; o++) {
            int kind = arg_kind(o);

            if (long_i == MAX_OPTIONS)
                return;
            longs[long_i++] = (struct option){o->name, kind, NULL, 0};
            if (o->id >= 256 || (t == 1 && table_has_letter(verb->options, o->id)))
                continue;
            letters[letter_i++] = (char)o->id;
            for (int c = 0; c < kind; c++)
                letters[letter_i++] = ':';
        }
    letters[letter_i] = '\0';
}

void vj_cli_args_init(vj_cli_args *args, const vj_cli_verb *verb, int argc, char **argv)
{
    *args = (vj_cli_args){.verb = verb, .argc = argc, .argv = argv};
    build_tables(verb);
    opterr = 0;
}

/* ---- nearest name ---- */

#define NAME_MAX_BYTES 64

/* Edits (insert, delete, replace, swap of neighbours) from a to b. */
static int edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    int rows[3][NAME_MAX_BYTES + 1];
    int *prev2 = rows[0], *prev = rows[1], *row = rows[2];

    if (n > NAME_MAX_BYTES || m > NAME_MAX_BYTES)
        return NAME_MAX_BYTES;
    for (size_t j = 0; j <= m; j++)
        prev[j] = (int)j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = (int)i;
        for (size_t j = 1; j <= m; j++) {
            int best = prev[j - 1] + (a[i - 1] != b[j - 1]);

            best = VJ_MIN(best, VJ_MIN(prev[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                best = VJ_MIN(best, prev2[j - 2] + 1);
            row[j] = best;
        }
        int *spare = prev2;
        prev2 = prev;
        prev = row;
        row = spare;
    }
    return prev[m];
}

const char *vj_cli_nearest(const char *text, const char *const *candidates, int n)
{
    const char *best = NULL;
    int best_edits = NAME_MAX_BYTES;

    for (int i = 0; i < n; i++) {
        bool begins = strlen(text) >= 3 && strncmp(candidates[i], text, strlen(text)) == 0;
        int edits = begins ? 0 : edit_distance(text, candidates[i]);
        int allowed = (int)VJ_MAX(strlen(text), strlen(candidates[i])) / 2;

        if (edits < best_edits && edits <= VJ_MIN(allowed, 4)) {
            best = candidates[i];
            best_edits = edits;
        }
    }
    return best;
}

static int usage_exit(vj_cli_args *args, const vj_error *err)
{
    args->exit_code = vj_cli_error(err);
    return VJ_CLI_EXIT;
}

static int unknown_option(vj_cli_args *args)
{
    const char *names[256];
    const vj_cli_option *tables[] = {args->verb->options, common};
    const char *given = args->argv[optind - 1];
    const char *near = NULL;
    char shown[80], word[80];
    vj_error err = {0};
    int n = 0;

    if (optopt != 0) {
        snprintf(shown, sizeof shown, "-%c", optopt);
    } else {
        vj_quote(shown, sizeof shown, given, strcspn(given, "="));
        snprintf(word, sizeof word, "%.*s", (int)strcspn(given + 2, "="), given + 2);
        for (size_t t = 0; t < VJ_COUNT(tables); t++)
            for (const vj_cli_option *o = tables[t]; o != NULL && o->name != NULL; o++)
                if (n < (int)VJ_COUNT(names))
                    names[n++] = o->name;
        near = vj_cli_nearest(word, names, n);
    }
    if (near != NULL)
        vj_fail(&err, VJ_E_USAGE, "unknown option %s of '%s'; nearest is --%s", shown,
                args->verb->name, near);
    else
        vj_fail(&err, VJ_E_USAGE, "unknown option %s of '%s'; see varjoin %s --help", shown,
                args->verb->name, args->verb->name);
    return usage_exit(args, &err);
}

/* ---- one option after the other ---- */

static const char *option_text(const vj_cli_args *args, char *dst, size_t cap_bytes)
{
    if (args->from_env)
        snprintf(dst, cap_bytes, "%s", args->current->env);
    else
        snprintf(dst, cap_bytes, "--%s", args->current->name);
    return dst;
}

/* Handles the options that every verb has; true when it was one of them. */
static bool take_common(vj_cli_args *args, vj_error *err, vj_status *rc)
{
    const vj_cli_option *o = args->current;
    int64_t number;

    if (o < common || o >= common + VJ_COUNT(common))
        return false;
    if (o->id == ID_DIE_WITH_PARENT) {
        *rc = vj_cli_int(args, 1, INT32_MAX, &number, err);
        if (*rc == VJ_OK)
            *rc = vj_cli_die_with_parent(number, err);
    } else if (o->id == 'v') {
        *rc = vj_cli_int(args, 0, 9, &number, err);
        if (*rc == VJ_OK)
            vj_cli_verbosity = (int)number;
    } else if (o->id == 'q') {
        vj_cli_verbosity = 0;
        vj_cli_progress_mode = 0;
    } else if (o->id == ID_PROGRESS) {
        static const char *const modes[] = {"never", "auto", "always"};

        *rc = vj_cli_refuse(args, err, "'%.40s' is none of auto, always, never", args->value);
        for (int m = 0; m < 3; m++)
            if (strcmp(args->value, modes[m]) == 0) {
                vj_cli_progress_mode = m;
                *rc = VJ_OK;
            }
    }
    return true;
}

/* Options from the environment come first, so that the command line overrides them. */
static bool next_from_env(vj_cli_args *args)
{
    const vj_cli_option *tables[] = {args->verb->options, common};
    int i = 0;

    for (size_t t = 0; t < VJ_COUNT(tables); t++)
        for (const vj_cli_option *o = tables[t]; o != NULL && o->name != NULL; o++, i++) {
            if (i < args->env_i || o->env == NULL)
                continue;
            args->env_i = i + 1;
            args->value = getenv(o->env);
            if (args->value == NULL || args->value[0] == '\0')
                continue;
            if (o->arg == NULL && strcmp(args->value, "0") == 0)
                continue;
            args->current = o;
            return true;
        }
    return false;
}

static int next_from_argv(vj_cli_args *args)
{
    vj_error err = {0};
    int long_i = -1;
    int id = getopt_long(args->argc, args->argv, letters, longs, &long_i);

    if (id == -1)
        return VJ_CLI_END;
    if (id == '?')
        return unknown_option(args);
    if (id == ':') {
        vj_fail(&err, VJ_E_USAGE, "option %s needs an argument", args->argv[optind - 1]);
        return usage_exit(args, &err);
    }
    args->value = optarg;
    args->current = id == 0 ? find_option(args->verb, 0, longs[long_i].name)
                            : find_option(args->verb, id, NULL);
    return args->current != NULL ? args->current->id : VJ_CLI_END; /* both come from one table */
}

static void finish_args(vj_cli_args *args)
{
    args->rest = args->argv + optind;
    args->n_rest = args->argc - optind;
}

int vj_cli_next(vj_cli_args *args)
{
    vj_error err = {0};
    vj_status rc = VJ_OK;

    for (;;) {
        int id;

        args->from_env = next_from_env(args);
        id = args->from_env ? args->current->id : next_from_argv(args);
        if (id <= 0) {
            finish_args(args);
            return id;
        }
        if (args->current == &common[0]) {
            vj_cli_help(stdout, args->verb);
            args->exit_code = 0;
            finish_args(args);
            return VJ_CLI_EXIT;
        }
        if (!take_common(args, &err, &rc))
            return id;
        if (rc != VJ_OK) {
            finish_args(args);
            return usage_exit(args, &err);
        }
    }
}

/* ---- values ---- */

vj_status vj_cli_refuse(const vj_cli_args *args, vj_error *err, const char *fmt, ...)
{
    char name[80], text[512];
    va_list list;

    va_start(list, fmt);
    vsnprintf(text, sizeof text, fmt, list);
    va_end(list);
    return vj_fail(err, VJ_E_USAGE, "%s: %s", option_text(args, name, sizeof name), text);
}

vj_status vj_cli_size(const vj_cli_args *args, int64_t *out_bytes, vj_error *err)
{
    if (vj_parse_size(vj_span_of(args->value), out_bytes))
        return VJ_OK;
    return vj_cli_refuse(args, err, "'%.40s' is not a size (256MB, 1.5GiB)", args->value);
}

vj_status vj_cli_int(const vj_cli_args *args, int64_t min, int64_t max, int64_t *out,
                     vj_error *err)
{
    int64_t value;

    if (!vj_parse_i64(vj_span_of(args->value), &value))
        return vj_cli_refuse(args, err, "'%.40s' is not a whole number", args->value);
    if (value < min || value > max)
        return vj_cli_refuse(args, err, "%lld is not in %lld..%lld", (long long)value,
                             (long long)min, (long long)max);
    *out = value;
    return VJ_OK;
}

vj_status vj_cli_real(const vj_cli_args *args, double *out, vj_error *err)
{
    if (vj_parse_f64(vj_span_of(args->value), out))
        return VJ_OK;
    return vj_cli_refuse(args, err, "'%.40s' is not a number", args->value);
}
