#include "os/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/child_group.h"
#include "os/os.h"

#define TICK_MS 20
#define GRACE_MS 300
#define DEFAULT_LINE_BYTES ((size_t)16 << 20)
#define READ_BYTES ((size_t)64 << 10)

extern char **environ;

typedef struct child {
    const vj_child_options *options;
    vj_child_result *result;
    pid_t pid;
    bool reaped;
    int in_fd;  /* to its standard input: a socket, so that a write to a dead reader is an error
                 * and not a signal */
    int out_fd; /* -1: closed */
    int err_fd;
    int exec_fd; /* says errno when exec fails, else just closes */
    size_t sent_bytes;
    vj_buf line;
    char **env;
    vj_child_group group;
    bool over_limit;
    int64_t next_look_ms;
    int64_t start_ns;
    vj_error *err;
} child;

void vj_child_fini(vj_child_result *result)
{
    vj_buf_fini(&result->tail);
}

/* ---- in the child: only async-signal-safe calls from here ... ---- */

static void limit_self(const vj_child_options *o)
{
    struct rlimit limit = {(rlim_t)o->memory_limit_bytes, (rlim_t)o->memory_limit_bytes};

    if (o->limit_how == VJ_CHILD_LIMIT_ADDRESS)
        setrlimit(RLIMIT_AS, &limit);
    else if (o->limit_how == VJ_CHILD_LIMIT_DATA)
        setrlimit(RLIMIT_DATA, &limit);
}

static void join_group(const vj_child_group *group)
{
    if (group->dir[0] == '\0')
        return;
    int fd = open(group->procs, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "0", 1);
        close(fd);
    }
}

static void become(const child *c, int in_fd, int out_fd, int err_fd, int exec_fd, pid_t parent)
{
    const vj_child_options *o = c->options;
    sigset_t none;
    int code = 0;

    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127); /* the parent died before the line above */
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    join_group(&c->group);
    limit_self(o);
    if (o->dir != NULL && chdir(o->dir) != 0)
        goto failed;
    if (dup2(in_fd, 0) < 0 || dup2(out_fd, 1) < 0 || dup2(err_fd, 2) < 0)
        goto failed;
    execvpe(o->argv[0], (char *const *)(uintptr_t)o->argv, c->env);
failed:
    code = errno;
    (void)!write(exec_fd, &code, sizeof code);
    _exit(127);
}

/* ---- ... to here ---- */

static vj_status build_env(child *c, vj_error *err)
{
    size_t n_own = 0;
    size_t n_add = 0;
    size_t n = 0;

    while (environ != NULL && environ[n_own] != NULL)
        n_own++;
    while (c->options->env_add != NULL && c->options->env_add[n_add] != NULL)
        n_add++;
    c->env = vj_calloc(NULL, n_own + n_add + 1, sizeof *c->env, err);
    if (c->env == NULL)
        return VJ_E_NOMEM;
    for (size_t i = 0; i < n_add; i++)
        c->env[n++] = (char *)(uintptr_t)c->options->env_add[i];
    for (size_t i = 0; i < n_own; i++) {
        size_t name_len = strcspn(environ[i], "=") + 1;
        bool replaced = false;

        for (size_t k = 0; k < n_add && !replaced; k++)
            replaced = strncmp(environ[i], c->options->env_add[k], name_len) == 0;
        if (!replaced)
            c->env[n++] = environ[i];
    }
    return VJ_OK;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void set_nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

/* Ends: [0] ours, [1] the child's. */
static vj_status make_ends(int in[2], int out[2], int fail_err[2], int exec_end[2], vj_error *err)
{
    int *pipes[3] = {out, fail_err, exec_end};
    char why[128];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) != 0)
        goto failed;
    for (size_t i = 0; i < 3; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0)
            goto failed;
    }
    return VJ_OK;
failed:
    return vj_fail(err, VJ_E_IO, "cannot make a pipe: %s", strerror_r(errno, why, sizeof why));
}

static vj_status start(child *c, vj_error *err)
{
    int in[2] = {-1, -1};
    int out[2] = {-1, -1};
    int tail[2] = {-1, -1};
    int exec_end[2] = {-1, -1};
    pid_t parent = getpid();
    vj_status rc = VJ_OK;
    char why[128];

    VJ_GO(rc, build_env(c, err));
    VJ_GO(rc, make_ends(in, out, tail, exec_end, err));
    c->start_ns = vj_clock_ns();
    c->pid = fork();
    if (c->pid == 0)
        become(c, in[1], out[1], tail[1], exec_end[1], parent);
    if (c->pid < 0) {
        rc = vj_fail(err, VJ_E_IO, "cannot start a process: %s",
                     strerror_r(errno, why, sizeof why));
        goto out;
    }
    setpgid(c->pid, c->pid); /* whoever comes first */
    c->in_fd = in[0];
    c->out_fd = out[0];
    c->err_fd = tail[0];
    c->exec_fd = exec_end[0];
    in[0] = out[0] = tail[0] = exec_end[0] = -1;
    set_nonblocking(c->out_fd);
    set_nonblocking(c->err_fd);
out:
    for (int i = 0; i < 2; i++) {
        close_fd(&in[i]);
        close_fd(&out[i]);
        close_fd(&tail[i]);
        close_fd(&exec_end[i]);
    }
    return rc;
}

/* Wait until exec has happened, or say why it did not. */
static vj_status await_exec(child *c, vj_error *err)
{
    int code = 0;
    ssize_t n;
    char why[128];

    do
        n = read(c->exec_fd, &code, sizeof code);
    while (n < 0 && errno == EINTR);
    close_fd(&c->exec_fd);
    if (n != (ssize_t)sizeof code)
        return VJ_OK;
    return vj_fail(err, code == ENOENT || code == ENOTDIR ? VJ_E_NOTFOUND : VJ_E_IO,
                   "%s: cannot start this program: %s", c->options->argv[0],
                   strerror_r(code, why, sizeof why));
}

static void take_usage(child *c, int code, const struct rusage *usage)
{
    vj_child_result *r = c->result;

    r->exit_code = WIFEXITED(code) ? WEXITSTATUS(code) : -1;
    r->signal = WIFSIGNALED(code) ? WTERMSIG(code) : 0;
    r->max_rss_bytes = (int64_t)usage->ru_maxrss * 1024;
    r->user_ns = (int64_t)usage->ru_utime.tv_sec * 1000000000 + usage->ru_utime.tv_usec * 1000;
    r->system_ns = (int64_t)usage->ru_stime.tv_sec * 1000000000 + usage->ru_stime.tv_usec * 1000;
    r->wall_ns = vj_clock_ns() - c->start_ns;
}

/*
 * Has it ended? Reaps it when it has. What it left running goes first: as long as the leader is
 * not reaped, the number of its group cannot belong to anybody else.
 */
static bool ended(child *c, int flags)
{
    struct rusage usage = {0};
    siginfo_t info = {0};
    int code = 0;
    int rc;

    if (c->reaped)
        return true;
    do
        rc = waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOWAIT | flags);
    while (rc < 0 && errno == EINTR);
    if (rc == 0 && info.si_pid == 0)
        return false;
    kill(-c->pid, SIGKILL);
    do
        rc = wait4(c->pid, &code, 0, &usage);
    while (rc < 0 && errno == EINTR);
    if (rc == c->pid)
        take_usage(c, code, &usage);
    c->reaped = true; /* also where the program around us lets the system reap for it */
    return true;
}

/* SIGTERM to the whole group, SIGKILL when that does not help. */
static void end_it(child *c)
{
    if (c->pid <= 0 || ended(c, WNOHANG))
        return;
    kill(-c->pid, SIGTERM);
    for (int64_t waited = 0; waited < GRACE_MS && !ended(c, WNOHANG); waited += 5)
        vj_sleep_ms(5);
    if (!c->reaped) {
        kill(-c->pid, SIGKILL);
        kill(c->pid, SIGKILL);
        ended(c, 0);
    }
}

static void feed(child *c)
{
    const vj_child_options *o = c->options;
    size_t left = o->stdin_len_bytes - c->sent_bytes;
    ssize_t n = 0;

    if (left > 0)
        n = send(c->in_fd, (const char *)o->stdin_ptr + c->sent_bytes, left,
                 MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n > 0)
        c->sent_bytes += (size_t)n;
    else if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    /* all sent, or nobody reads any more, which is the child's business */
    if (n < 0 || c->sent_bytes == o->stdin_len_bytes)
        close_fd(&c->in_fd);
}

static vj_status give_lines(child *c, bool at_end)
{
    const vj_child_options *o = c->options;
    size_t max = o->max_line_bytes > 0 ? o->max_line_bytes : DEFAULT_LINE_BYTES;
    uint8_t *ptr = c->line.ptr;
    size_t beg = 0;

    while (beg < c->line.len_bytes) {
        const uint8_t *end = memchr(ptr + beg, '\n', c->line.len_bytes - beg);
        size_t len = (end != NULL ? (size_t)(end - ptr) : c->line.len_bytes) - beg;

        if (len > max)
            return vj_fail(c->err, VJ_E_CORRUPT, "%s: a line of its output is longer than %zu "
                           "bytes", o->argv[0], max);
        if (end == NULL && !at_end)
            break;
        if (o->on_line != NULL)
            VJ_TRY(o->on_line(o->arg, (vj_span){(const char *)ptr + beg, len}, c->err));
        beg += len + (end != NULL ? 1 : 0);
    }
    if (beg > 0 && beg < c->line.len_bytes)
        memmove(ptr, ptr + beg, c->line.len_bytes - beg);
    c->line.len_bytes -= beg;
    return VJ_OK;
}

static vj_status read_lines(child *c, bool *got)
{
    VJ_TRY(vj_buf_reserve(&c->line, READ_BYTES, c->err));
    ssize_t n = read(c->out_fd, c->line.ptr + c->line.len_bytes, READ_BYTES);

    *got = n > 0;
    if (n < 0)
        return VJ_OK; /* nothing yet */
    c->line.len_bytes += (size_t)n;
    VJ_TRY(give_lines(c, n == 0));
    if (n == 0)
        close_fd(&c->out_fd);
    return VJ_OK;
}

/* Keep the last bytes of its standard error. */
static vj_status read_tail(child *c, bool *got)
{
    vj_buf *tail = &c->result->tail;
    char block[8192];
    ssize_t n = read(c->err_fd, block, sizeof block);

    *got = n > 0;
    if (n == 0)
        close_fd(&c->err_fd);
    if (n <= 0)
        return VJ_OK;
    size_t drop = tail->len_bytes + (size_t)n > VJ_CHILD_TAIL_BYTES
                      ? tail->len_bytes + (size_t)n - VJ_CHILD_TAIL_BYTES
                      : 0;
    if (drop > 0) {
        memmove(tail->ptr, tail->ptr + drop, tail->len_bytes - drop);
        tail->len_bytes -= drop;
    }
    return vj_buf_append(tail, block, (size_t)n, c->err);
}

static vj_status look_at_limits(child *c)
{
    const vj_child_options *o = c->options;
    int64_t wall_ms = (vj_clock_ns() - c->start_ns) / 1000000;

    VJ_TRY(vj_stop_check(o->stop, c->err));
    if (o->timeout_ms > 0 && wall_ms > o->timeout_ms)
        return vj_fail(c->err, VJ_E_IO, "%s: did not end within %.1f s", o->argv[0],
                       (double)o->timeout_ms / 1000);
    if ((o->limit_how != VJ_CHILD_LIMIT_RSS && o->limit_how != VJ_CHILD_LIMIT_WATCH) ||
        o->memory_limit_bytes <= 0 || c->reaped || c->group.dir[0] != '\0' || c->over_limit ||
        wall_ms < c->next_look_ms)
        return VJ_OK;
    c->next_look_ms = wall_ms + TICK_MS;
    if (vj_usage_tree_rss(c->pid) > o->memory_limit_bytes) {
        c->over_limit = true;
        kill(-c->pid, SIGKILL);
    }
    return VJ_OK;
}

/* Serve its three streams until they are closed and it has ended. */
static vj_status serve(child *c)
{
    bool got = false;

    for (;;) {
        struct pollfd fds[3] = {{.fd = c->in_fd, .events = POLLOUT},
                                {.fd = c->out_fd, .events = POLLIN},
                                {.fd = c->err_fd, .events = POLLIN}};
        bool over = ended(c, WNOHANG);

        VJ_TRY(look_at_limits(c));
        /* streams that outlive it are held by something it left behind: take what is there */
        if (over || (c->out_fd < 0 && c->err_fd < 0)) {
            bool more = false;
            if (c->out_fd >= 0) {
                VJ_TRY(read_lines(c, &got));
                more = got;
            }
            if (c->err_fd >= 0) {
                VJ_TRY(read_tail(c, &got));
                more = more || got;
            }
            if (over && !more)
                break;
        }
        if (poll(fds, 3, over ? 0 : TICK_MS) <= 0)
            continue;
        if (fds[0].revents != 0)
            feed(c);
        if (fds[1].revents != 0)
            VJ_TRY(read_lines(c, &got));
        if (fds[2].revents != 0)
            VJ_TRY(read_tail(c, &got));
    }
    return give_lines(c, true);
}

static const char *describe_limit(const child *c)
{
    switch (c->options->limit_how) {
    case VJ_CHILD_LIMIT_RSS:
        return c->group.dir[0] != '\0' ? "memory cgroup" : "RSS watched every 20 ms";
    case VJ_CHILD_LIMIT_WATCH:
        return "RSS watched every 20 ms";
    case VJ_CHILD_LIMIT_DATA:
        return "RLIMIT_DATA";
    case VJ_CHILD_LIMIT_ADDRESS:
        return "RLIMIT_AS";
    case VJ_CHILD_NO_LIMIT:
        break;
    }
    return "no limit";
}

/* Under a resource limit allocations fail, and only the program's last words tell. */
static bool died_of_limit(const child *c)
{
    static const char *const words[] = {"memory allocation of", "MemoryError",
                                        "Cannot allocate memory", "out of memory",
                                        "Out of memory", "bad_alloc"};
    const vj_child_result *r = c->result;

    if (c->over_limit || vj_child_group_killed(&c->group))
        return true;
    if (c->options->limit_how == VJ_CHILD_NO_LIMIT || r->exit_code == 0 || r->tail.ptr == NULL)
        return false;
    for (size_t i = 0; i < VJ_COUNT(words); i++) {
        if (memmem(r->tail.ptr, r->tail.len_bytes, words[i], strlen(words[i])) != NULL)
            return true;
    }
    return false;
}

vj_status vj_child_run(const vj_child_options *options, vj_child_result *out, vj_error *err)
{
    child c = {.options = options, .result = out, .in_fd = -1, .out_fd = -1, .err_fd = -1,
               .exec_fd = -1, .err = err};
    vj_status rc = VJ_OK;

    *out = (vj_child_result){.exit_code = -1};
    vj_buf_init(&out->tail, NULL, VJ_CHILD_TAIL_BYTES + 8192);
    if (options->limit_how == VJ_CHILD_LIMIT_RSS && options->memory_limit_bytes > 0)
        vj_child_group_make(&c.group, options->memory_limit_bytes);
    out->limit_by = describe_limit(&c);
    VJ_GO(rc, start(&c, err));
    out->pid = c.pid;
    VJ_GO(rc, await_exec(&c, err));
    if (options->on_start != NULL)
        options->on_start(options->arg, c.pid);
    rc = serve(&c);
out:
    end_it(&c);
    out->out_of_memory = died_of_limit(&c);
    out->group_peak_bytes = vj_child_group_peak(&c.group);
    vj_child_group_remove(&c.group);
    close_fd(&c.in_fd);
    close_fd(&c.out_fd);
    close_fd(&c.err_fd);
    close_fd(&c.exec_fd);
    vj_buf_fini(&c.line);
    vj_free(c.env);
    return rc;
}
