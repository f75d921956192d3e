/*
 * cli.h - what the verbs of the command line share: option tables, help, messages, progress,
 * the stop flag.
 *
 * One file per verb defines one vj_cli_verb with its table of options; parsing, --help, the man
 * page and the shell completions all come from that table. main.c lists the verbs.
 *
 * in:      argv, the environment (VARJOIN_...), a terminal
 * out:     data on stdout, everything else on stderr
 * not:     anything about variants
 * tests:   cli/test_main.py
 */
#ifndef VJ_CLI_H
#define VJ_CLI_H

#include <stdio.h>

#include "os/os.h"

/* ---- option tables ---- */

/* A row of the table of every verb that reads pages of Parquet. */
#define NO_CHECKSUMS_OPTION(id, group)                                                     \
    {id, "no-checksums", NULL, group, "read pages of Parquet whose checksum differs too", NULL}

typedef struct vj_cli_option {
    int id;            /* a letter is the short option too; from 256 on: long name only */
    const char *name;  /* without dashes; NULL ends the table */
    const char *arg;   /* "FILE"; all in brackets: may be left out; NULL: takes none */
    const char *group; /* heading in --help; NULL: "Options" */
    const char *help;  /* one sentence, lower case, no full stop; '\n' breaks the line */
    const char *env;   /* variable that sets it where the command line does not; or NULL */
} vj_cli_option;

typedef struct vj_cli_verb {
    const char *name;    /* "annotate", "reference build" */
    const char *args;    /* "[options] -a NAME=PATH [IN]" */
    const char *summary; /* one line for the list of verbs */
    const char *details; /* paragraphs for --help and the man page; may be NULL */
    const vj_cli_option *options;
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit code */
} vj_cli_verb;

typedef struct vj_cli_args {
    const vj_cli_verb *verb;
    const char *value; /* argument of the option just returned; NULL when it has none */
    char **rest;       /* operands, once vj_cli_next has returned VJ_CLI_END */
    int n_rest;
    int exit_code; /* after VJ_CLI_EXIT */
    /* private */
    const vj_cli_option *current;
    bool from_env;
    int env_i;
    int argc;
    char **argv;
} vj_cli_args;

enum { VJ_CLI_END = 0, VJ_CLI_EXIT = -1 };

/*
 * Start parsing. Every verb also understands --help (-h where the table leaves it free),
 * --verbosity, --quiet and --progress, which never come back from vj_cli_next.
 */
void vj_cli_args_init(vj_cli_args *args, const vj_cli_verb *verb, int argc, char **argv);
/*
 * Next option: its id, args->value set. VJ_CLI_END after the last one; VJ_CLI_EXIT when help
 * was printed or the option is unknown (one line with the nearest name): the verb returns
 * args->exit_code.
 *
 *   while ((id = vj_cli_next(&args)) > 0) { switch (id) { ... } }
 *   if (id == VJ_CLI_EXIT) return args.exit_code;
 */
int vj_cli_next(vj_cli_args *args);
/* The argument of the current option as a size ("256MB"), a whole or a real number in range. */
VJ_MUST_CHECK vj_status vj_cli_size(const vj_cli_args *args, int64_t *out_bytes, vj_error *err);
VJ_MUST_CHECK vj_status vj_cli_int(const vj_cli_args *args, int64_t min, int64_t max,
                                   int64_t *out, vj_error *err);
VJ_MUST_CHECK vj_status vj_cli_real(const vj_cli_args *args, double *out, vj_error *err);
/* VJ_E_USAGE "--name: " + text; for values that a verb itself refuses. */
vj_status vj_cli_refuse(const vj_cli_args *args, vj_error *err, const char *fmt, ...)
    VJ_PRINTF(3, 4);
/* The candidate nearest to text in spelling, or NULL when none is near. */
const char *vj_cli_nearest(const char *text, const char *const *candidates, int n);

/* All verbs that are linked, in the order of the help. */
const vj_cli_verb *const *vj_cli_verbs(int *out_n);

/* ---- help, man page, completions ---- */

void vj_cli_help(FILE *to, const vj_cli_verb *verb);
void vj_cli_help_all(FILE *to);
/* The page of a verb; NULL: varjoin(1). */
void vj_cli_man(FILE *to, const vj_cli_verb *verb);
/* shell: "bash", "zsh" or "fish"; false for another. */
bool vj_cli_completion(FILE *to, const char *shell);
/* The argument is all in brackets: it may be left out. */
bool vj_cli_arg_is_optional(const vj_cli_option *option);
/* The table of options that every verb has; ends with a NULL name. */
const vj_cli_option *vj_cli_common_options(void);

/* ---- messages: always whole lines on stderr, never torn by the progress line ---- */

/* 0: errors only; 1: warnings too (default); 2: what is being done; 3: details. */
extern int vj_cli_verbosity;
/* "varjoin: error: ..." and the exit code of the error's status. */
int vj_cli_error(const vj_error *err);
void vj_cli_warn(const char *fmt, ...) VJ_PRINTF(1, 2);
/* At verbosity 2 and above: "varjoin: ...". */
void vj_cli_note(const char *fmt, ...) VJ_PRINTF(1, 2);
/* Flush stdout; VJ_E_OUTPUT when something was lost. */
VJ_MUST_CHECK vj_status vj_cli_flush(vj_error *err);

/*
 * The progress line (rows, rate, ETA): one line on stderr, redrawn at most five times a second,
 * only on a terminal unless --progress=always. done and total are of any one unit (bytes of
 * the input); total < 0: unknown. Any thread.
 */
void vj_cli_progress(int64_t rows, int64_t done, int64_t total);
/* Remove the line; called before anything else is printed at the end. */
void vj_cli_progress_end(void);

/* ---- stopping ---- */

/* The flag that SIGINT, SIGTERM and SIGHUP set; pass it to whatever runs long. */
vj_stop *vj_cli_stop(void);
/*
 * Block the signals in this thread and those it starts, and wait for them in a thread of its
 * own. A second signal, or a second without an end, leaves at once with 130. From here on
 * database files are mapped, since a fault inside one (SIGBUS) is answered with one line and 3.
 */
VJ_MUST_CHECK vj_status vj_cli_watch_signals(vj_error *err);
/*
 * Have SIGTERM sent to us when the thread that started us ends; VJ_E_CANCELLED when our parent
 * is no longer parent_pid. Python's worker may be killed in a way that it cannot answer.
 */
VJ_MUST_CHECK vj_status vj_cli_die_with_parent(int64_t parent_pid, vj_error *err);

#endif
