#include "os/appender.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/calls.h"

#include "os/os.h"

struct vj_appender {
    int fd;
    bool owned;
    char *name;
};

static vj_status fail_append(vj_error *err, const char *what, const char *name)
{
    char why[128];

    return vj_fail(err, VJ_E_OUTPUT, "%s: cannot %s: %s", name, what,
                   strerror_r(errno, why, sizeof why));
}

static vj_status make(const char *name, int fd, bool owned, vj_appender **out, vj_error *err)
{
    vj_appender *appender = vj_zalloc(NULL, sizeof *appender, err);

    *out = NULL;
    if (appender == NULL)
        return VJ_E_NOMEM;
    appender->fd = fd;
    appender->owned = owned;
    if ((appender->name = vj_strdup(NULL, name, err)) == NULL) {
        vj_free(appender);
        return VJ_E_NOMEM;
    }
    *out = appender;
    return VJ_OK;
}

vj_status vj_append_open(const char *path, vj_appender **out, vj_error *err)
{
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

    *out = NULL;
    if (fd < 0)
        return fail_append(err, "open for appending", path);
    vj_status rc = make(path, fd, true, out, err);
    if (rc != VJ_OK)
        close(fd);
    return rc;
}

vj_status vj_append_stdio(int fd, vj_appender **out, vj_error *err)
{
    return make(fd == 1 ? "standard output" : "standard error", fd, false, out, err);
}

int64_t vj_append_size(const vj_appender *appender)
{
    struct stat st;

    if (fstat(appender->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return -1;
    return st.st_size;
}

vj_status vj_append_write(vj_appender *appender, const void *ptr, size_t len_bytes, vj_error *err)
{
    const char *at = ptr;

    while (len_bytes > 0) {
        ssize_t n = vj_call_write(appender->fd, at, len_bytes, -1);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fail_append(err, "write", appender->name);
        at += n;
        len_bytes -= (size_t)n;
    }
    return VJ_OK;
}

void vj_append_free(vj_appender *appender)
{
    if (appender == NULL)
        return;
    if (appender->owned)
        close(appender->fd);
    vj_free(appender->name);
    vj_free(appender);
}
