/*
 * cli_signal.c - SIGINT, SIGTERM and SIGHUP end a run in order; SIGPIPE becomes an ordinary write
 * error; a mapped file that is gone (SIGBUS) becomes one line.
 */
#include "cli.h"

#include <signal.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <time.h>
#include <unistd.h>

#define EXIT_INTERRUPTED 130
#define EXIT_IO 3
#define GRACE_MS 800 /* then we leave by force: a read from a silent pipe cannot be woken */

static vj_stop stop;

vj_stop *vj_cli_stop(void)
{
    return &stop;
}

static void leave_at_once(void)
{
    vj_os_abandon_outputs();
    (void)!write(STDERR_FILENO, "varjoin: error: interrupted\n", 28);
    _exit(EXIT_INTERRUPTED);
}

/* write(2) alone: this runs inside the handler of a fault. */
static void say_at_once(const char *text)
{
    (void)!write(STDERR_FILENO, text, strlen(text));
}

/*
 * A database file is mapped, and somebody has cut it short, or its disk fails: the bytes that a
 * worker reads are not there. Only our own reading can be interrupted here, never the C library's
 * allocator or stdio, so that the handler may call what it needs (docs/decisions/021). A fault
 * elsewhere is a defect: the default action tells of it.
 */
static void on_bus_error(int signal_i, siginfo_t *info, void *context)
{
    const char *name = vj_source_mapped_at(info->si_addr);

    (void)context;
    if (name == NULL) {
        signal(signal_i, SIG_DFL);
        return; /* the same access faults again */
    }
    vj_os_abandon_outputs();
    say_at_once("varjoin: error: ");
    say_at_once(name);
    say_at_once(": became shorter while it was read, or its disk failed\n");
    _exit(EXIT_IO);
}

static vj_status answer_bus_errors(vj_error *err)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};

    sigemptyset(&action.sa_mask);
    if (sigaction(SIGBUS, &action, NULL) != 0)
        return vj_fail(err, VJ_E_BUG, "setting a signal's handler failed");
    vj_source_map_files(true);
    return VJ_OK;
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

static bool is_ignored(int signal_i)
{
    struct sigaction action;

    return sigaction(signal_i, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

vj_status vj_cli_watch_signals(vj_error *err)
{
    static sigset_t set; /* outlives this call: the watcher waits on it */
    static vj_thread *watcher;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    if (!is_ignored(SIGHUP)) /* nohup stays what it is */
        sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
        signal(SIGXFSZ, SIG_IGN) == SIG_ERR) /* both: the write then fails, and says why */
        return vj_fail(err, VJ_E_BUG, "blocking signals failed");
    VJ_TRY(answer_bus_errors(err));
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
