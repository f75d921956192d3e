/* cli_signal.c - SIGINT and SIGTERM end a run in order; SIGPIPE becomes an ordinary write error. */
#include "cli.h"

#include <glob.h>
#include <signal.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <time.h>
#include <unistd.h>

#define EXIT_INTERRUPTED 130
#define GRACE_MS 800 /* then we leave by force: a read from a silent pipe cannot be woken */

static vj_stop stop;
#define MAX_OUTPUTS 5
static char temp_patterns[MAX_OUTPUTS][4096];
static _Atomic int n_outputs;

vj_stop *vj_cli_stop(void)
{
    return &stop;
}

/* src/os/outfile.c names its temporary file .NAME.vj-PID-N.tmp beside the target. */
void vj_cli_output_is(const char *path)
{
    const char *slash;
    const char *name;
    int n;

    if (path == NULL || strcmp(path, "-") == 0 || strpbrk(path, "*?[\\") != NULL ||
        n_outputs == MAX_OUTPUTS)
        return;
    slash = strrchr(path, '/');
    name = slash == NULL ? path : slash + 1;
    n = snprintf(temp_patterns[n_outputs], sizeof temp_patterns[0], "%.*s.%s.vj-%lld-*.tmp",
                 (int)(name - path), path, name, (long long)vj_os_pid());
    if (n >= 0 && (size_t)n < sizeof temp_patterns[0])
        n_outputs++;
}

static void leave_at_once(void)
{
    for (int k = 0; k < n_outputs; k++) {
        glob_t found;

        if (glob(temp_patterns[k], GLOB_PERIOD, NULL, &found) == 0)
            for (size_t i = 0; i < found.gl_pathc; i++)
                vj_path_remove(found.gl_pathv[i]); /* a file, or a folder of them */
    }
    (void)!write(STDERR_FILENO, "varjoin: error: interrupted\n", 28);
    _exit(EXIT_INTERRUPTED);
}

static void wait_for_signals(void *arg)
{
    const struct timespec grace = {0, GRACE_MS * 1000000L};
    sigset_t *set = arg;
    int signal_i;

    if (sigwait(set, &signal_i) != 0)
        return;
    vj_stop_request(&stop);
    (void)sigtimedwait(set, NULL, &grace); /* a second signal, or the time is up */
    leave_at_once();
}

vj_status vj_cli_watch_signals(vj_error *err)
{
    static sigset_t set; /* outlives this call: the watcher waits on it */
    static vj_thread *watcher;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
        signal(SIGXFSZ, SIG_IGN) == SIG_ERR) /* both: the write then fails, and says why */
        return vj_fail(err, VJ_E_BUG, "blocking signals failed");
    /* Never joined: it ends with the process. */
    return vj_thread_start(wait_for_signals, &set, &watcher, err);
}

vj_status vj_cli_die_with_parent(int64_t parent_pid, vj_error *err)
{
#ifdef __linux__
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0)
        return vj_fail(err, VJ_E_BUG, "asking for a signal at the parent's end failed");
#endif
    /* It may have ended before the call above; then nobody would tell us. */
    if (getppid() != (pid_t)parent_pid)
        return vj_fail(err, VJ_E_CANCELLED,
                       "interrupted: the process %lld that started this one is gone",
                       (long long)parent_pid);
    return VJ_OK;
}
