/* main.c - the verbs, and what stands before them: --version, --help, signals. */
#include "cli.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

/*
 * A verb is one file cli/cmd_<verb>.c that defines its vj_cli_verb; to add one, add it here
 * and to `candidates`. The references are weak: a verb that is not linked is absent.
 */
#define WEAK __attribute__((weak))
extern const vj_cli_verb vj_verb_annotate WEAK, vj_verb_normalize WEAK,
    vj_verb_reference_build WEAK, vj_verb_reference_info WEAK, vj_verb_catalog WEAK,
    vj_verb_plan WEAK, vj_verb_inspect WEAK, vj_verb_verify WEAK, vj_verb_simulate WEAK,
    vj_verb_bench WEAK, vj_verb_report WEAK, vj_verb_doctor WEAK;

static const vj_cli_verb *const candidates[] = {
    &vj_verb_annotate, &vj_verb_normalize, &vj_verb_reference_build, &vj_verb_reference_info,
    &vj_verb_catalog,  &vj_verb_plan,      &vj_verb_inspect,         &vj_verb_verify,
    &vj_verb_simulate, &vj_verb_bench,     &vj_verb_report,          &vj_verb_doctor,
};

const vj_cli_verb *const *vj_cli_verbs(int *out_n)
{
    static const vj_cli_verb *linked[VJ_COUNT(candidates)];
    int n = 0;

    for (size_t i = 0; i < VJ_COUNT(candidates); i++) {
        /* volatile: the compiler believes that the address of an object is never NULL */
        const vj_cli_verb *const volatile *slot = &candidates[i];

        if (*slot != NULL)
            linked[n++] = *slot;
    }
    *out_n = n;
    return linked;
}

/* The verb that argv begins with; *out_words is how many words name it. */
static const vj_cli_verb *find_verb(int argc, char **argv, int *out_words)
{
    int n;
    const vj_cli_verb *const *verbs = vj_cli_verbs(&n);

    for (int i = 0; i < n; i++) {
        const char *name = verbs[i]->name;
        size_t first_bytes = strcspn(name, " ");

        if (strlen(argv[1]) != first_bytes || memcmp(argv[1], name, first_bytes) != 0)
            continue;
        *out_words = name[first_bytes] == ' ' ? 2 : 1;
        if (*out_words == 1 || (argc > 2 && strcmp(argv[2], name + first_bytes + 1) == 0))
            return verbs[i];
    }
    return NULL;
}

/* "varjoin reference --help" and "varjoin reference": the verbs of two words that begin so. */
static int help_family(const char *family, bool asked)
{
    FILE *to = asked ? stdout : stderr;
    int n, n_found = 0;
    const vj_cli_verb *const *verbs = vj_cli_verbs(&n);

    for (int i = 0; i < n; i++) {
        const char *name = verbs[i]->name;

        if (strncmp(name, family, strlen(family)) != 0 || name[strlen(family)] != ' ')
            continue;
        fprintf(to, "%svarjoin %s %s\n    %s\n", n_found == 0 ? "Usage: " : "       ", name,
                verbs[i]->args, verbs[i]->summary);
        n_found++;
    }
    return n_found == 0 ? -1 : asked ? 0 : 1;
}

static int unknown_verb(const char *given)
{
    const char *names[2 * VJ_COUNT(candidates)];
    char shown[80];
    vj_error err = {0};
    int n;
    const vj_cli_verb *const *verbs = vj_cli_verbs(&n);

    for (int i = 0; i < n; i++)
        names[i] = verbs[i]->name;
    const char *near = vj_cli_nearest(given, names, n);
    vj_quote(shown, sizeof shown, given, strlen(given));
    if (near != NULL)
        vj_fail(&err, VJ_E_USAGE, "no verb '%s'; nearest is '%s'", shown, near);
    else
        vj_fail(&err, VJ_E_USAGE, "no verb '%s'; see varjoin --help", shown);
    return vj_cli_error(&err);
}

static void print_version(void)
{
    printf("varjoin %s\n", VJ_VERSION);
    printf("built with %s\n", VJ_LIBRARY_VERSIONS);
    printf("CPU level %s\n", vj_cpu_name(vj_cpu()));
}

/* --man, --man VERB, and for whoever installs the pages --man list: one verb a line. */
static int print_man(int argc, char **argv)
{
    vj_error err = {0};
    int words = 0, n;
    const vj_cli_verb *verb = argc > 2 ? find_verb(argc - 1, argv + 1, &words) : NULL;

    if (argc > 2 && strcmp(argv[2], "list") == 0) {
        const vj_cli_verb *const *verbs = vj_cli_verbs(&n);

        for (int i = 0; i < n; i++)
            puts(verbs[i]->name);
        return 0;
    }
    if (argc > 2 && verb == NULL) {
        vj_fail(&err, VJ_E_USAGE, "--man: there is no verb '%.60s'; see varjoin --help", argv[2]);
        return vj_cli_error(&err);
    }
    vj_cli_man(stdout, verb);
    return 0;
}

/* Options that stand in place of a verb; -1 when argv[1] is none of them. */
static int run_global(int argc, char **argv)
{
    vj_error err = {0};

    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
        print_version();
    } else if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
               (strcmp(argv[1], "help") == 0 && argc == 2)) {
        vj_cli_help_all(stdout);
    } else if (strcmp(argv[1], "--man") == 0) {
        return print_man(argc, argv);
    } else if (strcmp(argv[1], "--completion") == 0) {
        if (argc < 3 || !vj_cli_completion(stdout, argv[2])) {
            vj_fail(&err, VJ_E_USAGE, "--completion: give bash, zsh or fish");
            return vj_cli_error(&err);
        }
    } else if (argv[1][0] == '-') {
        vj_fail(&err, VJ_E_USAGE, "unknown option %.60s before a verb; see varjoin --help",
                argv[1]);
        return vj_cli_error(&err);
    } else {
        return -1;
    }
    return 0;
}

static int run(int argc, char **argv)
{
    const vj_cli_verb *verb;
    int words = 1, code;

    if (argc < 2) {
        vj_cli_help_all(stderr);
        return 1;
    }
    if ((code = run_global(argc, argv)) >= 0)
        return code;
    if (strcmp(argv[1], "help") == 0) { /* varjoin help VERB */
        if ((verb = find_verb(argc - 1, argv + 1, &words)) == NULL)
            return unknown_verb(argv[2]);
        vj_cli_help(stdout, verb);
        return 0;
    }
    if ((verb = find_verb(argc, argv, &words)) == NULL) {
        bool asked = argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);

        if ((argc == 2 || asked) && (code = help_family(argv[1], asked)) >= 0)
            return code;
        return unknown_verb(argv[1]);
    }
    return verb->run(argc - words, argv + words);
}

int main(int argc, char **argv)
{
    vj_error err = {0};
    int code;

#ifdef __GLIBC__
    /* One arena per thread would keep freed pages of every worker; two are enough for us. */
    mallopt(M_ARENA_MAX, 2);
#endif
    if (vj_cli_watch_signals(&err) != VJ_OK)
        return vj_cli_error(&err);
    code = run(argc, argv);
    vj_cli_progress_end();
    if (vj_cli_flush(&err) != VJ_OK && code == 0)
        code = vj_cli_error(&err);
    return code;
}
