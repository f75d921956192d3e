/* Fake machines as text: a tree of files below a temporary root. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/support.h"

typedef struct machine {
    char root[64];
} machine;

static void put(const machine *m, const char *path, const char *text)
{
    char full[512];
    vj_error err = {0};

    snprintf(full, sizeof full, "%s/%s", m->root, path);
    *strrchr(full, '/') = '\0';
    assert_ok(vj_path_make_dirs(full, &err), &err);
    snprintf(full, sizeof full, "%s/%s", m->root, path);
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static machine machine_new(const char *meminfo, const char *cpus)
{
    machine m;
    char text[256];

    snprintf(m.root, sizeof m.root, "/tmp/vj-host-XXXXXX");
    assert_non_null(mkdtemp(m.root));
    put(&m, "proc/meminfo", meminfo);
    snprintf(text, sizeof text, "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t%s\n", cpus);
    put(&m, "proc/self/status", text);
    return m;
}

static void machine_free(machine *m)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", m->root);
    assert_int_equal(system(command), 0);
}

static const char *no_env(void *arg, const char *name)
{
    (void)arg;
    (void)name;
    return NULL;
}

static vj_host look(const machine *m, vj_host_env env, void *arg)
{
    vj_host host;
    vj_error err = {0};

    assert_ok(vj_host_probe(m->root, env, arg, &host, &err), &err);
    return host;
}

static void machine_without_limits(void **state)
{
    (void)state;
    machine m = machine_new("MemTotal:       16384 kB\nMemFree: 1 kB\n", "0-3,8,10-11");
    put(&m, "proc/self/cgroup", "0::/user.slice\n");
    put(&m, "proc/self/mountinfo", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    put(&m, "sys/fs/cgroup/user.slice/memory.max", "max\n");
    put(&m, "sys/fs/cgroup/user.slice/cpu.max", "max 100000\n");
    vj_host host = look(&m, no_env, NULL);
    assert_int_equal(host.ram_bytes, 16384 * 1024);
    assert_int_equal(host.cpus, 7);
    assert_string_equal(host.ram_origin, "physical RAM (/proc/meminfo)");
    machine_free(&m);
}

/* The group's parent is the tight one: all levels count. */
static void nested_v2_groups_give_the_least(void **state)
{
    (void)state;
    machine m = machine_new("MemTotal: 16777216 kB\n", "0-15");
    put(&m, "proc/self/cgroup", "0::/a.slice/b.scope\n");
    put(&m, "proc/self/mountinfo",
        "31 23 0:28 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw\n");
    put(&m, "sys/fs/cgroup/a.slice/b.scope/memory.max", "8589934592\n");
    put(&m, "sys/fs/cgroup/a.slice/memory.max", "536870912\n");
    put(&m, "sys/fs/cgroup/a.slice/b.scope/cpu.max", "250000 100000\n");
    put(&m, "sys/fs/cgroup/a.slice/cpu.max", "max 100000\n");
    vj_host host = look(&m, no_env, NULL);
    assert_int_equal(host.ram_bytes, 536870912);
    assert_string_equal(host.ram_origin,
                        "cgroup v2 memory limit (/sys/fs/cgroup/a.slice/memory.max)");
    assert_int_equal(host.cpus, 3);
    assert_int_equal(host.physical_ram_bytes, (int64_t)16777216 * 1024);
    machine_free(&m);
}

/* A container that sees only its own part of the v1 hierarchies, with a blank in the path. */
static void v1_container(void **state)
{
    (void)state;
    machine m = machine_new("MemTotal: 16777216 kB\n", "0-15");
    put(&m, "proc/self/cgroup",
        "4:memory:/docker/abc/in ner\n3:cpu,cpuacct:/docker/abc\n1:name=systemd:/x\n0::/\n");
    put(&m, "proc/self/mountinfo",
        "35 31 0:32 /docker/abc /sys/fs/cgroup/memory\\040x rw - cgroup cgroup rw,memory\n"
        "36 31 0:33 /docker/abc /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
        "garbage\n37 31\n");
    put(&m, "sys/fs/cgroup/memory x/in ner/memory.limit_in_bytes", "1073741824\n");
    put(&m, "sys/fs/cgroup/memory x/memory.limit_in_bytes", "9223372036854771712\n");
    put(&m, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
    put(&m, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    vj_host host = look(&m, no_env, NULL);
    assert_int_equal(host.ram_bytes, 1073741824);
    assert_int_equal(host.cpus, 1);
    assert_non_null(strstr(host.cpus_origin, "cgroup v1 CPU quota"));
    machine_free(&m);
}

/* A group outside of what is mounted here: the mount point itself is what counts. */
static void group_outside_the_mount(void **state)
{
    (void)state;
    machine m = machine_new("MemTotal: 16777216 kB\n", "0");
    put(&m, "proc/self/cgroup", "0::/../../other\n");
    put(&m, "proc/self/mountinfo", "35 31 0:32 / /cg rw - cgroup2 cgroup2 rw\n");
    put(&m, "cg/memory.max", "2147483648\n");
    assert_int_equal(look(&m, no_env, NULL).ram_bytes, 2147483648);
    machine_free(&m);
}

static const char *slurm_env(void *arg, const char *name)
{
    const char *const *pairs = arg;

    for (; pairs[0] != NULL; pairs += 2) {
        if (strcmp(pairs[0], name) == 0)
            return pairs[1];
    }
    return NULL;
}

static void slurm_limits_the_job(void **state)
{
    (void)state;
    machine m = machine_new("MemTotal: 67108864 kB\n", "0-31");
    const char *per_cpu[] = {"SLURM_CPUS_PER_TASK", "4",    "SLURM_CPUS_ON_NODE",
                             "8",                   "SLURM_MEM_PER_CPU", "2048",
                             NULL};
    vj_host host = look(&m, slurm_env, per_cpu);
    assert_int_equal(host.cpus, 4);
    assert_string_equal(host.cpus_origin, "Slurm (SLURM_CPUS_PER_TASK)");
    assert_int_equal(host.ram_bytes, (int64_t)8 << 30);
    assert_string_equal(host.ram_origin, "Slurm (SLURM_MEM_PER_CPU x 4 CPUs)");
    const char *whole[] = {"SLURM_MEM_PER_NODE", "0", "SLURM_CPUS_ON_NODE", "lots", NULL};
    host = look(&m, slurm_env, whole);
    assert_int_equal(host.ram_bytes, (int64_t)64 << 30);
    assert_int_equal(host.cpus, 32);
    const char *node[] = {"SLURM_MEM_PER_NODE", "4000", "SLURM_MEM_PER_CPU",
                          "99999999999999999999", NULL};
    assert_int_equal(look(&m, slurm_env, node).ram_bytes, (int64_t)4000 << 20);
    machine_free(&m);
}

static void empty_machine_is_survived(void **state)
{
    (void)state;
    machine m = machine_new("", "none");
    vj_host host = look(&m, NULL, NULL);
    assert_int_equal(host.ram_bytes, 0);
    assert_int_equal(host.cpus, 1);
    assert_int_equal(vj_host_duck_limits(&host).memory_bytes, 0);
    machine_free(&m);
}

static void this_machine_has_something(void **state)
{
    (void)state;
    vj_host host;
    vj_error err = {0};

    assert_ok(vj_host_probe("", NULL, NULL, &host, &err), &err);
    assert_true(host.ram_bytes > 1 << 20);
    assert_true(host.cpus >= 1);
    assert_true(host.n_facts >= 2);
}

static void duck_limits_table(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int64_t ram_bytes, cpus, memory_bytes, threads;
    } table[] = {
        {"512 MB container", 512000000, 2, 460800000, 2},
        {"1 CPU", 16000000000, 1, 12000000000, 1},
        {"4 GB VPS", 4000000000, 2, 3600000000, 2},
        {"10 GB: 75 % is below 8 GB", 10000000000, 4, 8000000000, 3},
        {"24 GB laptop", 24000000000, 8, 18000000000, 6},
        {"256 GB server", 256000000000, 64, 128000000000, 16},
        {"3 CPUs", 32000000000, 3, 24000000000, 2},
        {"21 CPUs", 32000000000, 21, 24000000000, 15},
    };
    for (size_t i = 0; i < VJ_COUNT(table); i++) {
        vj_host host = {.ram_bytes = table[i].ram_bytes, .cpus = table[i].cpus};
        vj_duck_limits limits = vj_host_duck_limits(&host);

        if (limits.memory_bytes != table[i].memory_bytes || limits.threads != table[i].threads)
            fail_msg("%s: got %lld bytes, %lld threads", table[i].what,
                     (long long)limits.memory_bytes, (long long)limits.threads);
    }
}

static vj_status probe_body(void *arg, vj_error *err)
{
    vj_host host;

    return vj_host_probe(arg, NULL, NULL, &host, err);
}

static void probe_survives_failing_allocations(void **state)
{
    (void)state;
    sweep_allocations(probe_body, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machine_without_limits),
        cmocka_unit_test(nested_v2_groups_give_the_least),
        cmocka_unit_test(v1_container),
        cmocka_unit_test(group_outside_the_mount),
        cmocka_unit_test(slurm_limits_the_job),
        cmocka_unit_test(empty_machine_is_survived),
        cmocka_unit_test(this_machine_has_something),
        cmocka_unit_test(duck_limits_table),
        cmocka_unit_test(probe_survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
