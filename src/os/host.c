#include "os/host.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MAX_FILE_BYTES ((size_t)1 << 20)
#define MAX_LEVELS 64
#define PATH_BYTES 4096
/* cgroup v1 says "no limit" with a number near 2^63, rounded to a page. */
#define NO_LIMIT ((int64_t)1 << 60)

typedef struct probe {
    const char *root;
    vj_host *host;
    vj_buf text;    /* the file being looked at */
    vj_buf cgroups; /* /proc/self/cgroup, kept while mounts are walked */
    vj_error *err;
} probe;

static void add_fact(vj_host *host, vj_host_kind kind, int64_t value, const char *origin)
{
    if (value <= 0 || value >= NO_LIMIT || host->n_facts == VJ_HOST_MAX_FACTS)
        return;
    vj_host_fact *fact = &host->facts[host->n_facts++];
    fact->kind = kind;
    fact->value = value;
    snprintf(fact->origin, sizeof fact->origin, "%s", origin);
}

/* Whole small file below the root; a file that cannot be read is an empty one. */
static vj_status read_file(probe *p, const char *path, vj_buf *out)
{
    char full[PATH_BYTES];
    vj_status rc = VJ_OK;

    vj_buf_reset(out);
    int len = snprintf(full, sizeof full, "%s%s", p->root, path);
    if (len < 0 || (size_t)len >= sizeof full)
        return VJ_OK;
    int fd = open(full, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return VJ_OK;
    while (rc == VJ_OK && out->len_bytes < MAX_FILE_BYTES) {
        if ((rc = vj_buf_reserve(out, 4096, p->err)) != VJ_OK)
            break;
        ssize_t n = read(fd, out->ptr + out->len_bytes, out->cap_bytes - out->len_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        out->len_bytes += (size_t)n;
    }
    close(fd);
    return rc;
}

/* Cut the next piece up to sep off text; false at its end. */
static bool next_piece(vj_span *text, char sep, vj_span *piece)
{
    if (text->len_bytes == 0)
        return false;
    const char *end = memchr(text->ptr, sep, text->len_bytes);
    size_t len = end != NULL ? (size_t)(end - text->ptr) : text->len_bytes;
    size_t skip = end != NULL ? len + 1 : len;

    *piece = (vj_span){text->ptr, len};
    *text = (vj_span){text->ptr + skip, text->len_bytes - skip};
    return true;
}

static vj_span trim(vj_span s)
{
    while (s.len_bytes > 0 && strchr(" \t\r\n", s.ptr[s.len_bytes - 1]) != NULL)
        s.len_bytes--;
    while (s.len_bytes > 0 && strchr(" \t", s.ptr[0]) != NULL)
        s = (vj_span){s.ptr + 1, s.len_bytes - 1};
    return s;
}

/* The text behind "name:" at the start of a line. */
static bool find_field(vj_span text, const char *name, vj_span *value)
{
    size_t name_len = strlen(name);
    vj_span line;

    while (next_piece(&text, '\n', &line)) {
        vj_span head = {line.ptr, name_len};
        if (line.len_bytes <= name_len || !vj_span_is(head, name))
            continue;
        const char *colon = memchr(line.ptr, ':', line.len_bytes);
        if (colon == NULL)
            continue;
        *value = trim((vj_span){colon + 1, line.len_bytes - (size_t)(colon + 1 - line.ptr)});
        return true;
    }
    return false;
}

static vj_status probe_ram(probe *p)
{
    vj_span value;
    vj_span number;
    int64_t kib = 0;

    VJ_TRY(read_file(p, "/proc/meminfo", &p->text));
    if (find_field(vj_buf_span(&p->text), "MemTotal", &value) &&
        next_piece(&value, ' ', &number) && vj_parse_i64(number, &kib) && kib > 0 &&
        kib < NO_LIMIT / 1024) {
        p->host->physical_ram_bytes = kib * 1024;
        add_fact(p->host, VJ_HOST_RAM, kib * 1024, "physical RAM (/proc/meminfo)");
    } else if (p->root[0] == '\0') {
        long pages = sysconf(_SC_PHYS_PAGES);
        long page_bytes = sysconf(_SC_PAGESIZE);
        if (pages > 0 && page_bytes > 0) {
            p->host->physical_ram_bytes = (int64_t)pages * page_bytes;
            add_fact(p->host, VJ_HOST_RAM, p->host->physical_ram_bytes, "physical RAM (sysconf)");
        }
    }
    return VJ_OK;
}

/* "0-3,8,10-11" -> 7; 0 when it is not such a list. */
static int64_t count_cpu_list(vj_span list)
{
    int64_t n = 0;
    vj_span piece;

    while (next_piece(&list, ',', &piece)) {
        vj_span beg_text;
        int64_t beg = 0;
        int64_t end = 0;

        if (!next_piece(&piece, '-', &beg_text) || !vj_parse_i64(beg_text, &beg))
            return 0;
        end = beg;
        if (piece.len_bytes > 0 && !vj_parse_i64(piece, &end))
            return 0;
        if (beg < 0 || end < beg || end > 1 << 20)
            return 0;
        n += end - beg + 1;
    }
    return n;
}

static vj_status probe_affinity(probe *p)
{
    vj_span value;
    cpu_set_t set;

    VJ_TRY(read_file(p, "/proc/self/status", &p->text));
    if (find_field(vj_buf_span(&p->text), "Cpus_allowed_list", &value) &&
        count_cpu_list(value) > 0)
        add_fact(p->host, VJ_HOST_CPUS, count_cpu_list(value),
                 "affinity mask (/proc/self/status)");
    else if (p->root[0] == '\0' && sched_getaffinity(0, sizeof set, &set) == 0)
        add_fact(p->host, VJ_HOST_CPUS, CPU_COUNT(&set), "affinity mask (sched_getaffinity)");
    VJ_TRY(read_file(p, "/proc/cpuinfo", &p->text));
    if (find_field(vj_buf_span(&p->text), "model name", &value))
        vj_quote(p->host->cpu_model, sizeof p->host->cpu_model, value.ptr, value.len_bytes);
    return VJ_OK;
}

static vj_status read_number(probe *p, const char *dir, const char *file, int64_t *out,
                             bool *found)
{
    char path[PATH_BYTES];

    snprintf(path, sizeof path, "%s/%s", dir, file);
    VJ_TRY(read_file(p, path, &p->text));
    *found = vj_parse_i64(trim(vj_buf_span(&p->text)), out);
    return VJ_OK;
}

static void add_quota(probe *p, int64_t quota, int64_t period, const char *origin)
{
    if (quota > 0 && period > 0 && quota < NO_LIMIT && period < NO_LIMIT)
        add_fact(p->host, VJ_HOST_CPUS, (quota + period - 1) / period, origin);
}

static void describe(char *dst, size_t cap, const char *what, const char *dir, const char *file)
{
    snprintf(dst, cap, "%s (%s/%s)", what, dir, file);
}

/* The two limits that one group of the unified hierarchy may set. */
static vj_status look_at_v2(probe *p, const char *dir)
{
    char origin[VJ_HOST_ORIGIN_BYTES];
    char path[PATH_BYTES];
    int64_t value = 0;
    int64_t period = 0;
    bool found = false;
    vj_span text;
    vj_span quota;

    VJ_TRY(read_number(p, dir, "memory.max", &value, &found));
    describe(origin, sizeof origin, "cgroup v2 memory limit", dir, "memory.max");
    if (found)
        add_fact(p->host, VJ_HOST_RAM, value, origin);
    snprintf(path, sizeof path, "%s/cpu.max", dir);
    VJ_TRY(read_file(p, path, &p->text));
    text = trim(vj_buf_span(&p->text));
    describe(origin, sizeof origin, "cgroup v2 CPU quota", dir, "cpu.max");
    if (next_piece(&text, ' ', &quota) && vj_parse_i64(quota, &value) &&
        vj_parse_i64(text, &period))
        add_quota(p, value, period, origin);
    return VJ_OK;
}

static vj_status look_at_v1_memory(probe *p, const char *dir)
{
    char origin[VJ_HOST_ORIGIN_BYTES];
    int64_t value = 0;
    bool found = false;

    VJ_TRY(read_number(p, dir, "memory.limit_in_bytes", &value, &found));
    describe(origin, sizeof origin, "cgroup v1 memory limit", dir, "memory.limit_in_bytes");
    if (found)
        add_fact(p->host, VJ_HOST_RAM, value, origin);
    return VJ_OK;
}

static vj_status look_at_v1_cpu(probe *p, const char *dir)
{
    char origin[VJ_HOST_ORIGIN_BYTES];
    int64_t quota = 0;
    int64_t period = 0;
    bool has_quota = false;
    bool has_period = false;

    VJ_TRY(read_number(p, dir, "cpu.cfs_quota_us", &quota, &has_quota));
    VJ_TRY(read_number(p, dir, "cpu.cfs_period_us", &period, &has_period));
    describe(origin, sizeof origin, "cgroup v1 CPU quota", dir, "cpu.cfs_quota_us");
    if (has_quota && has_period)
        add_quota(p, quota, period, origin);
    return VJ_OK;
}

static bool list_has(vj_span list, const char *word)
{
    vj_span piece;

    while (next_piece(&list, ',', &piece)) {
        if (vj_span_is(piece, word))
            return true;
    }
    return false;
}

/* This process's group in the hierarchy of a controller ("" is the unified one). */
static bool find_group(const probe *p, const char *controller, vj_span *path)
{
    vj_span text = vj_buf_span(&p->cgroups);
    vj_span line;

    while (next_piece(&text, '\n', &line)) {
        vj_span id;
        vj_span controllers;

        if (!next_piece(&line, ':', &id) || line.len_bytes == 0)
            continue;
        const char *colon = memchr(line.ptr, ':', line.len_bytes);
        if (colon == NULL)
            continue;
        controllers = (vj_span){line.ptr, (size_t)(colon - line.ptr)};
        *path = (vj_span){colon + 1, line.len_bytes - controllers.len_bytes - 1};
        if (controller[0] == '\0' ? controllers.len_bytes == 0
                                  : list_has(controllers, controller))
            return true;
    }
    return false;
}

/* \040 and friends, as mountinfo writes blanks in paths. */
static size_t unescape(vj_span from, char *dst, size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < from.len_bytes && n + 1 < cap; i++) {
        const char *s = from.ptr + i;
        bool octal = s[0] == '\\' && i + 3 < from.len_bytes && s[1] >= '0' && s[1] <= '3' &&
                     s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7';
        dst[n++] = octal ? (char)((s[1] - '0') * 64 + (s[2] - '0') * 8 + s[3] - '0') : s[0];
        i += octal ? 3 : 0;
    }
    dst[n] = '\0';
    return n;
}

/*
 * Visit the group's folder and all above it, up to the mount point. A mount that shows only a
 * part of the hierarchy (containers) has that part as its root, which is cut off the path; a
 * path that lies outside of it leaves the mount point itself.
 */
static vj_status walk_up(probe *p, vj_span mount_root, vj_span mount_point, vj_span group,
                         vj_status (*look)(probe *p, const char *dir))
{
    char dir[PATH_BYTES];
    char root[PATH_BYTES];
    size_t base_len = unescape(mount_point, dir, sizeof dir);
    size_t root_len = unescape(mount_root, root, sizeof root);

    if (root_len == 1)
        root_len = 0; /* "/" is a prefix of all */
    bool inside = group.len_bytes >= root_len && memcmp(group.ptr, root, root_len) == 0 &&
                  (group.len_bytes == root_len || group.ptr[root_len] == '/') &&
                  memmem(group.ptr, group.len_bytes, "/..", 3) == NULL;
    size_t rel_len = inside ? group.len_bytes - root_len : 0;
    if (base_len + rel_len >= sizeof dir - 64)
        rel_len = 0;
    if (rel_len > 0)
        memcpy(dir + base_len, group.ptr + root_len, rel_len);
    size_t len = base_len + rel_len;
    for (int level = 0; level < MAX_LEVELS; level++) {
        while (len > base_len && dir[len - 1] == '/')
            len--;
        dir[len] = '\0';
        VJ_TRY(look(p, dir));
        if (len <= base_len)
            break;
        while (len > base_len && dir[len - 1] != '/')
            len--;
    }
    return VJ_OK;
}

/* One line of mountinfo: ID PARENT DEV ROOT POINT OPTIONS [TAGS] - TYPE SOURCE SUPER_OPTIONS */
static vj_status visit_mount(probe *p, vj_span line)
{
    vj_span field[5] = {{0}};
    vj_span type = {0};
    vj_span word;
    vj_span group;

    for (size_t i = 0; i < VJ_COUNT(field); i++) {
        if (!next_piece(&line, ' ', &field[i]))
            return VJ_OK;
    }
    while (next_piece(&line, ' ', &word) && !vj_span_is(word, "-"))
        continue;
    if (!next_piece(&line, ' ', &type) || !next_piece(&line, ' ', &word))
        return VJ_OK;
    if (vj_span_is(type, "cgroup2") && find_group(p, "", &group))
        return walk_up(p, field[3], field[4], group, look_at_v2);
    if (!vj_span_is(type, "cgroup"))
        return VJ_OK;
    if (list_has(trim(line), "memory") && find_group(p, "memory", &group))
        VJ_TRY(walk_up(p, field[3], field[4], group, look_at_v1_memory));
    if (list_has(trim(line), "cpu") && find_group(p, "cpu", &group))
        VJ_TRY(walk_up(p, field[3], field[4], group, look_at_v1_cpu));
    return VJ_OK;
}

static vj_status probe_cgroups(probe *p)
{
    vj_buf mounts = {0};
    vj_span line;
    vj_status rc = VJ_OK;

    VJ_GO(rc, read_file(p, "/proc/self/cgroup", &p->cgroups));
    VJ_GO(rc, read_file(p, "/proc/self/mountinfo", &mounts));
    vj_span text = vj_buf_span(&mounts);
    while (next_piece(&text, '\n', &line))
        VJ_GO(rc, visit_mount(p, line));
out:
    vj_buf_fini(&mounts);
    return rc;
}

static int64_t env_number(vj_host_env env, void *arg, const char *name)
{
    const char *text = env(arg, name);
    int64_t value = 0;

    return text != NULL && vj_parse_i64(vj_span_of(text), &value) && value > 0 &&
                   value < NO_LIMIT >> 20
               ? value
               : 0;
}

/* Slurm gives memory in MiB; 0 means the whole node. */
static void probe_slurm(vj_host *host, vj_host_env env, void *arg)
{
    int64_t per_task = env_number(env, arg, "SLURM_CPUS_PER_TASK");
    int64_t on_node = env_number(env, arg, "SLURM_CPUS_ON_NODE");
    int64_t mem_node = env_number(env, arg, "SLURM_MEM_PER_NODE");
    int64_t mem_cpu = env_number(env, arg, "SLURM_MEM_PER_CPU");
    int64_t job_cpus = per_task > 0 ? per_task : on_node > 0 ? on_node : 1;
    int64_t bytes = 0;
    char origin[VJ_HOST_ORIGIN_BYTES];

    add_fact(host, VJ_HOST_CPUS, per_task, "Slurm (SLURM_CPUS_PER_TASK)");
    add_fact(host, VJ_HOST_CPUS, on_node, "Slurm (SLURM_CPUS_ON_NODE)");
    add_fact(host, VJ_HOST_RAM, mem_node << 20, "Slurm (SLURM_MEM_PER_NODE)");
    snprintf(origin, sizeof origin, "Slurm (SLURM_MEM_PER_CPU x %lld CPUs)", (long long)job_cpus);
    if (!VJ_MUL_OVERFLOW(mem_cpu << 20, job_cpus, &bytes))
        add_fact(host, VJ_HOST_RAM, bytes, origin);
}

/* The least bound of each kind; the first of equals, so that the machine itself comes first. */
static void choose(vj_host *host)
{
    snprintf(host->ram_origin, sizeof host->ram_origin, "unknown");
    snprintf(host->cpus_origin, sizeof host->cpus_origin, "unknown, one assumed");
    for (size_t i = 0; i < host->n_facts; i++) {
        const vj_host_fact *fact = &host->facts[i];
        int64_t *least = fact->kind == VJ_HOST_RAM ? &host->ram_bytes : &host->cpus;
        char *origin = fact->kind == VJ_HOST_RAM ? host->ram_origin : host->cpus_origin;

        if (*least != 0 && *least <= fact->value)
            continue;
        *least = fact->value;
        memcpy(origin, fact->origin, sizeof fact->origin);
    }
    if (host->cpus == 0)
        host->cpus = 1;
}

vj_status vj_host_probe(const char *root, vj_host_env env, void *env_arg, vj_host *out,
                        vj_error *err)
{
    probe p = {.root = root, .host = out, .err = err};
    struct utsname name;
    vj_status rc = VJ_OK;

    *out = (vj_host){0};
    if (uname(&name) == 0)
        snprintf(out->kernel, sizeof out->kernel, "%.40s %.50s", name.sysname, name.release);
    VJ_GO(rc, probe_ram(&p));
    VJ_GO(rc, probe_affinity(&p));
    VJ_GO(rc, probe_cgroups(&p));
    if (env != NULL)
        probe_slurm(out, env, env_arg);
    choose(out);
out:
    vj_buf_fini(&p.text);
    vj_buf_fini(&p.cgroups);
    return rc;
}

vj_duck_limits vj_host_duck_limits(const vj_host *host)
{
    const int64_t gb = 1000000000;
    int64_t ram = host->ram_bytes;
    int64_t cpus = VJ_MAX(host->cpus, 1);
    int64_t least = VJ_MIN(8 * gb, ram / 10 * 9);
    int64_t threads = cpus - (cpus + 3) / 4;
    vj_duck_limits limits;

    limits.memory_bytes = VJ_MIN(VJ_MAX(ram / 4 * 3, least), 128 * gb);
    limits.threads = VJ_MIN(VJ_MAX(threads, VJ_MIN(2, cpus)), 16);
    return limits;
}
