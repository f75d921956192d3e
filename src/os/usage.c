#include "os/os.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_TREE VJ_WATCH_MAX
#define LOOKS_PER_LISTING 10

static int64_t timeval_ns(struct timeval t)
{
    return (int64_t)t.tv_sec * 1000000000 + (int64_t)t.tv_usec * 1000;
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec t = {0};

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t vj_usage_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t vj_clock_thread_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

/* Small /proc file into dst, always terminated; its length, 0 when it cannot be read. */
static size_t read_proc(const char *path, char *dst, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;

    dst[0] = '\0';
    if (fd < 0)
        return 0;
    n = read(fd, dst, cap - 1);
    close(fd);
    if (n < 0)
        n = 0;
    dst[n] = '\0';
    return (size_t)n;
}

/* The number behind a name ("VmHWM:") in such a file; `absent` without it. */
static int64_t number_after(const char *text, const char *name, int64_t absent)
{
    const char *at = strstr(text, name);

    return at != NULL ? strtoll(at + strlen(name), NULL, 10) : absent;
}

int64_t vj_usage_rss(int64_t pid)
{
    char path[64];
    char text[128];
    char *end = NULL;

    if (pid == 0)
        snprintf(path, sizeof path, "/proc/self/statm");
    else
        snprintf(path, sizeof path, "/proc/%lld/statm", (long long)pid);
    if (read_proc(path, text, sizeof text) == 0)
        return 0;
    strtoll(text, &end, 10);
    return strtoll(end, NULL, 10) * sysconf(_SC_PAGESIZE);
}

/* Append the children of one task to the list; returns the new length. */
static size_t add_children(const char *path, int64_t *pids, size_t n)
{
    char text[1024];
    char *at = text;

    read_proc(path, text, sizeof text);
    while (n < MAX_TREE) {
        char *end = NULL;
        long long pid = strtoll(at, &end, 10);

        if (end == at || pid <= 0)
            break;
        pids[n++] = pid;
        at = end;
    }
    return n;
}

/* User and system time in /proc/PID/stat, behind the name, which may hold anything. */
static int64_t cpu_of(int64_t pid)
{
    char path[64];
    char text[1024];
    char *at;

    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    read_proc(path, text, sizeof text);
    if ((at = strrchr(text, ')')) == NULL)
        return 0;
    for (int field = 2; field < 14 && *at != '\0'; at++)
        field += *at == ' ';
    int64_t ticks = strtoll(at, &at, 10);
    ticks += strtoll(at, NULL, 10);
    return ticks * (1000000000 / VJ_MAX(sysconf(_SC_CLK_TCK), 1));
}

int64_t vj_usage_children_cpu_ns(void)
{
    struct rusage r;

    return getrusage(RUSAGE_CHILDREN, &r) == 0 ? timeval_ns(r.ru_utime) + timeval_ns(r.ru_stime)
                                               : 0;
}

int64_t vj_usage_tree_rss(int64_t pid)
{
    return vj_usage_tree(pid, NULL);
}

/* pids[0] and all that descend from it; the number of them. */
static size_t list_tree(int64_t pids[MAX_TREE])
{
    size_t n = 1;

    for (size_t i = 0; i < n; i++) {
        char path[320];
        struct dirent *entry;

        snprintf(path, sizeof path, "/proc/%lld/task", (long long)pids[i]);
        DIR *dir = opendir(path);
        while (dir != NULL && n < MAX_TREE && (entry = readdir(dir)) != NULL) {
            if (entry->d_name[0] == '.')
                continue;
            snprintf(path, sizeof path, "/proc/%lld/task/%s/children", (long long)pids[i],
                     entry->d_name);
            n = add_children(path, pids, n);
        }
        if (dir != NULL)
            closedir(dir);
    }
    return n;
}

int64_t vj_usage_tree(int64_t pid, int64_t *out_cpu_ns)
{
    int64_t pids[MAX_TREE] = {pid};
    size_t n = list_tree(pids);
    int64_t bytes = 0;

    if (out_cpu_ns != NULL)
        *out_cpu_ns = 0;
    for (size_t i = 0; i < n; i++) {
        bytes += vj_usage_rss(pids[i]);
        if (out_cpu_ns != NULL)
            *out_cpu_ns += cpu_of(pids[i]);
    }
    return bytes;
}

/* ---- often ---- */

static int open_statm(int64_t pid)
{
    char path[64];

    if (pid == 0)
        return open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%lld/statm", (long long)pid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

void vj_watch_begin(vj_watch *watch, int64_t pid)
{
    *watch = (vj_watch){.pids = {pid}, .n = 1};
    watch->fds[0] = open_statm(pid);
}

/* Those that have come since the last listing; those that are gone read as nothing. */
static void list_again(vj_watch *watch)
{
    int64_t pids[MAX_TREE] = {watch->pids[0]};
    size_t n = list_tree(pids);

    for (size_t i = 1; i < n; i++) {
        bool known = false;

        for (size_t k = 0; k < watch->n && !known; k++)
            known = watch->pids[k] == pids[i] && watch->fds[k] >= 0;
        if (known || watch->n == MAX_TREE)
            continue;
        watch->pids[watch->n] = pids[i];
        watch->fds[watch->n++] = open_statm(pids[i]);
    }
}

int64_t vj_watch_rss(vj_watch *watch)
{
    int64_t page_bytes = sysconf(_SC_PAGESIZE);
    int64_t bytes = 0;

    if (watch->n == 0)
        return 0;
    if (watch->pids[0] != 0 && watch->n_looks++ % LOOKS_PER_LISTING == 0)
        list_again(watch);
    for (size_t i = 0; i < watch->n; i++) {
        char text[128];
        char *end = NULL;
        ssize_t n = watch->fds[i] >= 0 ? pread(watch->fds[i], text, sizeof text - 1, 0) : -1;

        if (n <= 0) {
            if (watch->fds[i] >= 0 && i > 0) { /* its number may come again: a new listing asks */
                close(watch->fds[i]);
                watch->fds[i] = -1;
            }
            continue;
        }
        text[n] = '\0';
        strtoll(text, &end, 10);
        bytes += strtoll(end, NULL, 10) * page_bytes;
    }
    return bytes;
}

int64_t vj_watch_cpu_ns(const vj_watch *watch)
{
    int64_t ns = 0;

    for (size_t i = 0; i < watch->n; i++)
        ns += watch->fds[i] >= 0 && watch->pids[i] != 0 ? cpu_of(watch->pids[i]) : 0;
    return ns;
}

void vj_watch_end(vj_watch *watch)
{
    for (size_t i = 0; i < watch->n; i++)
        if (watch->fds[i] >= 0)
            close(watch->fds[i]);
    watch->n = 0;
}

static void add_rusage(vj_usage *out, const struct rusage *r)
{
    out->user_ns += timeval_ns(r->ru_utime);
    out->system_ns += timeval_ns(r->ru_stime);
    out->minor_faults += r->ru_minflt;
    out->major_faults += r->ru_majflt;
    out->voluntary_switches += r->ru_nvcsw;
    out->involuntary_switches += r->ru_nivcsw;
}

void vj_usage_now(vj_usage *out)
{
    struct rusage r;
    char text[512];

    *out = (vj_usage){0};
    if (getrusage(RUSAGE_SELF, &r) == 0)
        add_rusage(out, &r);
    if (getrusage(RUSAGE_CHILDREN, &r) == 0)
        add_rusage(out, &r);
    read_proc("/proc/self/io", text, sizeof text);
    out->read_bytes = number_after(text, "rchar:", -1);
    if (out->read_bytes >= 0)
        out->read_bytes += vj_os_bytes_lent();
    out->written_bytes = number_after(text, "wchar:", -1);
    out->disk_read_bytes = number_after(text, "\nread_bytes:", -1);
    out->disk_written_bytes = number_after(text, "\nwrite_bytes:", -1);
    out->rss_bytes = vj_usage_rss(0);
}

/*
 * The kernel keeps one mark per process, so this list is one per process too: the only mutable
 * static of the module besides the byte counters.
 */
static pthread_mutex_t marks_lock = PTHREAD_MUTEX_INITIALIZER;
static vj_peak_mark *live_marks;

#ifdef VJ_TESTING
_Atomic bool vj_peak_no_reset;
#endif

static int64_t read_mark(void)
{
    char text[4096];
    int64_t kib = 0;

    read_proc("/proc/self/status", text, sizeof text);
    kib = number_after(text, "VmHWM:", 0);
    return kib * 1024;
}

static bool reset_mark(void)
{
    bool done = false;
    int fd;

#ifdef VJ_TESTING
    if (atomic_load(&vj_peak_no_reset))
        return false;
#endif
    if ((fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)) < 0)
        return false;
    done = write(fd, "5\n", 2) == 2;
    close(fd);
    return done;
}

/* Hand the mark's present value to everyone who is waiting for it. Under marks_lock. */
static int64_t share_mark(void)
{
    int64_t now = read_mark();
    int64_t rss = vj_usage_rss(0);

    for (vj_peak_mark *m = live_marks; m != NULL; m = m->next) {
        /* a mark that was not reset says something new only when it rose */
        if (!m->exact && now > m->mark_before_bytes)
            m->exact = true;
        m->peak_bytes = VJ_MAX(m->peak_bytes, m->exact ? now : rss);
    }
    return now;
}

void vj_peak_begin(vj_peak_mark *mark)
{
    pthread_mutex_lock(&marks_lock);
    int64_t before = share_mark();
    bool done = reset_mark();
    *mark = (vj_peak_mark){.peak_bytes = vj_usage_rss(0),
                           .mark_before_bytes = before,
                           .exact = done,
                           .next = live_marks};
    live_marks = mark;
    pthread_mutex_unlock(&marks_lock);
}

int64_t vj_peak_now(vj_peak_mark *mark)
{
    pthread_mutex_lock(&marks_lock);
    share_mark();
    int64_t peak = mark->peak_bytes;
    pthread_mutex_unlock(&marks_lock);
    return peak;
}

int64_t vj_peak_end(vj_peak_mark *mark)
{
    pthread_mutex_lock(&marks_lock);
    share_mark();
    for (vj_peak_mark **at = &live_marks; *at != NULL; at = &(*at)->next) {
        if (*at == mark) {
            *at = mark->next;
            break;
        }
    }
    pthread_mutex_unlock(&marks_lock);
    return mark->peak_bytes;
}
