#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/calls.h"

static vj_status fail_output(vj_error *err, const char *what, const char *path)
{
    char text[128];

    return vj_fail(err, VJ_E_OUTPUT, "%s: cannot %s: %s", path, what,
                   strerror_r(errno, text, sizeof text));
}

/* hooked: the fault hook of tests applies; putting the old bytes back must not fail by it. */
static bool write_at(int fd, int64_t off, const uint8_t *ptr, size_t len, bool hooked)
{
    while (len > 0) {
        ssize_t n = hooked ? vj_call_write(fd, ptr, len, off) : pwrite(fd, ptr, len, (off_t)off);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        ptr += n;
        off += n;
        len -= (size_t)n;
    }
    return true;
}

static vj_status read_tail(const char *path, int64_t off, vj_buf *old, vj_error *err)
{
    vj_source *source = NULL;
    vj_status rc = vj_source_open(path, &source, err);

    if (rc != VJ_OK)
        return rc;
    int64_t size = vj_source_size(source);
    if (off < 0 || off > size) {
        rc = vj_fail(err, VJ_E_CORRUPT, "%s: expected at least %lld bytes, found %lld", path,
                     (long long)off, (long long)size);
    } else {
        rc = vj_buf_reserve(old, (size_t)(size - off) + 1, err);
        if (rc == VJ_OK)
            rc = vj_source_read(source, off, old->ptr, (size_t)(size - off), err);
        old->len_bytes = rc == VJ_OK ? (size_t)(size - off) : 0;
    }
    vj_source_free(source);
    return rc;
}

vj_status vj_path_replace_tail(const char *path, int64_t off, const void *ptr, size_t len_bytes,
                               vj_error *err)
{
    vj_buf old = {0};
    int fd = -1;
    vj_status rc = VJ_OK;

    VJ_GO(rc, read_tail(path, off, &old, err));
    if ((fd = open(path, O_WRONLY | O_CLOEXEC)) < 0) {
        rc = fail_output(err, "open for writing", path);
        goto out;
    }
    if (!write_at(fd, off, ptr, len_bytes, true) ||
        ftruncate(fd, (off_t)(off + (int64_t)len_bytes)) != 0 || vj_call_sync(fd) != 0) {
        rc = fail_output(err, "write", path);
        if (!write_at(fd, off, old.ptr, old.len_bytes, false) ||
            ftruncate(fd, (off_t)(off + (int64_t)old.len_bytes)) != 0)
            rc = vj_wrap(err, rc, "the old end of the file could not be put back either");
    }
out:
    if (fd >= 0 && vj_call_close(fd) != 0 && rc == VJ_OK)
        rc = fail_output(err, "close", path);
    vj_buf_fini(&old);
    return rc;
}
