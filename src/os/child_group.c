#include "os/child_group.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic int group_counter;

static bool write_number(const char *dir, const char *file, int64_t value)
{
    char path[600];
    char text[VJ_NUM_TEXT_BYTES];
    size_t len = vj_format_i64(text, value);

    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool done = write(fd, text, len) == (ssize_t)len;
    close(fd);
    return done;
}

static bool read_text(const char *path, char *dst, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, dst, cap - 1) : -1;

    if (fd >= 0)
        close(fd);
    dst[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Folder of our own group below the usual mount points; false when there is none. */
static bool own_group(bool v2, char *dst, size_t cap)
{
    char text[4096];
    const char *mark = v2 ? "0::" : ":memory:";

    if (!read_text("/proc/self/cgroup", text, sizeof text))
        return false;
    const char *at = strstr(text, mark);
    if (at == NULL)
        return false;
    at += strlen(mark);
    int len = (int)strcspn(at, "\n");
    snprintf(dst, cap, "/sys/fs/cgroup%s%.*s", v2 ? "" : "/memory", len, at);
    if (access(dst, W_OK) != 0) /* a container sees its own part as the root */
        snprintf(dst, cap, "/sys/fs/cgroup%s", v2 ? "" : "/memory");
    return access(dst, W_OK) == 0;
}

static bool make_in(vj_child_group *group, const char *parent, bool v2, int64_t limit_bytes)
{
    int n = snprintf(group->dir, sizeof group->dir, "%s/varjoin-%ld-%d", parent, (long)getpid(),
                     atomic_fetch_add(&group_counter, 1));

    group->v2 = v2;
    if (n < 0 || (size_t)n >= sizeof group->dir || mkdir(group->dir, 0755) != 0) {
        group->dir[0] = '\0';
        return false;
    }
    snprintf(group->procs, sizeof group->procs, "%s/cgroup.procs", group->dir);
    bool limited = v2 ? write_number(group->dir, "memory.max", limit_bytes)
                      : write_number(group->dir, "memory.limit_in_bytes", limit_bytes);
    if (!limited) {
        rmdir(group->dir);
        group->dir[0] = '\0';
        return false;
    }
    /* without this the excess would go to swap instead of being refused */
    if (v2)
        (void)write_number(group->dir, "memory.swap.max", 0);
    else
        (void)write_number(group->dir, "memory.memsw.limit_in_bytes", limit_bytes);
    return true;
}

bool vj_child_group_make(vj_child_group *group, int64_t limit_bytes)
{
    char parent[400];

    *group = (vj_child_group){0};
    if (own_group(true, parent, sizeof parent) && make_in(group, parent, true, limit_bytes))
        return true;
    return own_group(false, parent, sizeof parent) && make_in(group, parent, false, limit_bytes);
}

bool vj_child_group_killed(const vj_child_group *group)
{
    char path[600];
    char text[1024];

    if (group->dir[0] == '\0')
        return false;
    snprintf(path, sizeof path, "%s/%s", group->dir,
             group->v2 ? "memory.events" : "memory.oom_control");
    if (!read_text(path, text, sizeof text))
        return false;
    const char *at = strstr(text, "oom_kill ");
    return at != NULL && strtoll(at + 9, NULL, 10) > 0;
}

int64_t vj_child_group_peak(const vj_child_group *group)
{
    char path[600];
    char text[64];

    if (group->dir[0] == '\0')
        return 0;
    snprintf(path, sizeof path, "%s/%s", group->dir,
             group->v2 ? "memory.peak" : "memory.max_usage_in_bytes");
    return read_text(path, text, sizeof text) ? VJ_MAX(strtoll(text, NULL, 10), 0) : 0;
}

void vj_child_group_remove(vj_child_group *group)
{
    /* a killed process may linger in its group for a moment */
    for (int i = 0; i < 50 && group->dir[0] != '\0'; i++) {
        if (rmdir(group->dir) == 0)
            break;
        usleep(2000);
    }
    group->dir[0] = '\0';
}
