/* Known allocations and known CPU burn, and what the tracker says of them. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/support.h"
#include "track/track.h"

#define MIB ((int64_t)1 << 20)

static void *touch(int64_t bytes)
{
    void *ptr = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                     0);

    assert_true(ptr != MAP_FAILED);
    memset(ptr, 1, (size_t)bytes);
    return ptr;
}

static void release(void *ptr, int64_t bytes)
{
    assert_int_equal(munmap(ptr, (size_t)bytes), 0);
}

static vj_track *begin(int64_t interval_ms)
{
    vj_track_options options = {.sample_interval_ms = interval_ms};
    vj_track *track = NULL;
    vj_error err = {0};

    assert_ok(vj_track_begin(&options, &track, &err), &err);
    return track;
}

static vj_track_figures end(vj_track *track)
{
    vj_track_figures f;

    vj_track_end(track, &f);
    vj_track_free(track);
    return f;
}

/* ThreadSanitizer keeps several bytes of its own for each of ours: nothing to compare there. */
static void near_mib(int64_t bytes, int64_t mib, int64_t slack_mib)
{
#if defined(__SANITIZE_THREAD__)
    return;
#endif
    if (bytes < (mib - slack_mib) * MIB || bytes > (mib + slack_mib) * MIB)
        fail_msg("%lld MiB, expected %lld +- %lld", (long long)(bytes / MIB), (long long)mib,
                 (long long)slack_mib);
}

/* The point of the reset: a small operation after a large one is small. */
static void peak_is_that_of_the_operation(void **state)
{
    (void)state;
    int64_t base = vj_usage_rss(0) / MIB;
    vj_track *track = begin(-1);
    release(touch(200 * MIB), 200 * MIB);
    vj_track_figures f = end(track);
    near_mib(f.peak_rss_bytes, base + 200, 12);
    near_mib(f.memory_delta_bytes, 0, 12);

    track = begin(-1);
    release(touch(40 * MIB), 40 * MIB);
    f = end(track);
    near_mib(f.peak_rss_bytes, base + 40, 12);
    assert_true(f.peak_exact);
    assert_int_equal(f.peak_interval_ms, 0);
    assert_int_equal(f.peak_rss_bound_bytes, f.peak_rss_bytes);
    assert_int_equal(f.peak_rss_least_bytes, f.peak_rss_bytes);
    assert_string_equal(f.peak_method, "kernel high-water mark, reset at the start");
}

/* A nested operation resets the kernel's mark; the outer one must not forget what it saw. */
static void nested_operations_keep_their_peaks(void **state)
{
    (void)state;
    int64_t base = vj_usage_rss(0) / MIB;
    vj_track *outer = begin(-1);
    release(touch(120 * MIB), 120 * MIB);
    vj_track *inner = begin(-1);
    release(touch(30 * MIB), 30 * MIB);
    near_mib(end(inner).peak_rss_bytes, base + 30, 12);
    near_mib(end(outer).peak_rss_bytes, base + 120, 12);

    outer = begin(-1);
    inner = begin(-1);
    release(touch(60 * MIB), 60 * MIB);
    near_mib(end(inner).peak_rss_bytes, base + 60, 12);
    near_mib(end(outer).peak_rss_bytes, base + 60, 12);
}

static void memory_that_stays_is_the_delta(void **state)
{
    (void)state;
    vj_track *track = begin(-1);
    void *kept = touch(50 * MIB);
    vj_track_figures f = end(track);
    near_mib(f.memory_delta_bytes, 50, 8);
    assert_true(f.minor_faults >= 50 * MIB / sysconf(_SC_PAGESIZE) / 512);
    release(kept, 50 * MIB);
}

/* Where the mark cannot be reset, samples stand in, and the text says so. */
static void without_reset_it_samples_and_says_so(void **state)
{
    (void)state;
    release(touch(300 * MIB), 300 * MIB); /* the mark is above all that follows */
    int64_t base = vj_usage_rss(0) / MIB;
    vj_peak_no_reset = true;
    vj_track *track = begin(2);
    void *held = touch(80 * MIB);
    vj_sleep_ms(30);
    release(held, 80 * MIB);
    vj_track_figures f = end(track);
    vj_peak_no_reset = false;
    near_mib(f.peak_rss_bytes, base + 80, 12);
    assert_non_null(strstr(f.peak_method, "sampled"));
}

static void burn_ms(int64_t ms)
{
    int64_t until = vj_clock_thread_ns() + ms * 1000000;

    while (vj_clock_thread_ns() < until)
        continue;
}

static void burner(void *arg)
{
    vj_track *track = arg;
    vj_stage_mark mark = vj_stage_start(track);

    burn_ms(150);
    vj_stage_stop(track, VJ_STAGE_PARSE, mark, 10, 1000);
}

static void cpu_of_threads_and_stages_adds_up(void **state)
{
    (void)state;
    vj_thread *threads[2] = {0};
    vj_error err = {0};
    vj_track *track = begin(0);
    int sub = vj_track_stage(track, "gunzip", VJ_STAGE_READ);
    int gap = vj_track_stage(track, "gunzip", -1);

    assert_int_equal(sub, gap);
    for (int i = 0; i < 2; i++)
        assert_ok(vj_thread_start(burner, track, &threads[i], &err), &err);
    vj_stage_mark mark = vj_stage_start(track);
    vj_sleep_ms(60);
    vj_stage_stop(track, VJ_STAGE_READ, mark, 0, 0);
    vj_stage_stop(track, sub, mark, 0, 0);
    vj_stage_stop(track, 99, mark, 0, 0);
    for (int i = 0; i < 2; i++)
        vj_thread_join(threads[i]);
    vj_track_figures f = end(track);

    int64_t cpu_ms = (f.user_ns + f.system_ns) / 1000000;
    assert_in_range((uint64_t)cpu_ms, 290, 420);
    assert_int_equal(f.n_stages, 3);
    assert_string_equal(f.stages[0].name, "read");
    assert_true(f.stages[0].cpu_ns < 20 * 1000000);
    assert_true(f.stages[0].wall_ns >= 60 * 1000000);
    assert_string_equal(f.stages[1].name, "parse");
    assert_int_equal(f.stages[1].calls, 2);
    assert_int_equal(f.stages[1].rows, 20);
    assert_int_equal(f.stages[1].bytes, 2000);
    assert_in_range((uint64_t)(f.stages[1].cpu_ns / 1000000), 298, 310);
    assert_int_equal(f.stages[2].parent_i, 0);
    assert_true(f.stages[1].last_ns <= f.wall_ns);
    assert_true(f.n_points >= 2);
    assert_true(f.wall_ns >= f.points[0].at_ns);
}

/* The child is the one that grows: its exact size and the overlap with the parent. */
static void child_that_grows_is_in_the_peak(void **state)
{
    (void)state;
    vj_track *track = begin(2);
    void *held = touch(60 * MIB);
    int64_t self = vj_usage_rss(0) / MIB;
    struct rusage usage;
    int code = 0;
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/sh", "sh", "-c",
              "exec python3 -c 'import time; b = bytearray(150 << 20); sum(range(8000000)); "
              "time.sleep(0.15)'",
              (char *)NULL);
        _exit(127);
    }
    vj_track_child_begin(track, pid);
    assert_int_equal(wait4(pid, &code, 0, &usage), pid);
    vj_track_child_end(track, pid, usage.ru_maxrss * 1024);
    release(held, 60 * MIB);
    vj_track_figures f = end(track);
    if (code != 0)
        skip(); /* no python3 here */
    near_mib(f.peak_child_bytes, 157, 15);
    near_mib(f.peak_rss_bytes, self + 157, 20);
    assert_true(f.peak_rss_bound_bytes >= f.peak_rss_bytes);
    assert_non_null(strstr(f.peak_method, "1 child process(es) by wait4"));
    assert_non_null(strstr(f.peak_method, "sampled every 2 ms"));
    assert_false(f.peak_exact);
    assert_int_equal(f.peak_interval_ms, 2);
    assert_int_equal(f.peak_rss_least_bytes, VJ_MAX(f.peak_self_bytes, f.peak_child_bytes));
    assert_true(f.peak_rss_bytes >= f.peak_rss_least_bytes);
    assert_true(f.user_ns + f.system_ns > 5 * 1000000);
    /* the curve of CPU time has the child's in it, while it runs and afterwards */
    int64_t last_ns = f.points[f.n_points - 1].cpu_ns;
    assert_true(last_ns > 50 * 1000000);
    assert_true(last_ns <= f.user_ns + f.system_ns + 30 * 1000000);
    bool meanwhile = false;
    for (size_t i = 0; i < f.n_points; i++)
        meanwhile |= f.points[i].cpu_ns > 40 * 1000000 && f.points[i].rss_bytes > 180 * MIB;
    assert_true(meanwhile);
}

static int64_t run_shell(vj_track *track, const char *script, struct rusage *usage)
{
    int code = 0;
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 2000 && vj_usage_rss(pid) > 100 * MIB; i++)
        vj_sleep_ms(1); /* until exec it is a copy of ourselves; vj_child_run waits for it, too */
    vj_track_child_begin(track, pid);
    assert_int_equal(wait4(pid, &code, 0, usage), pid);
    vj_track_child_end(track, pid, usage->ru_maxrss * 1024);
    return code;
}

/* ru_maxrss of a forked child begins at its parent's size, which it never used. */
static void a_small_child_of_a_large_parent_is_small(void **state)
{
    (void)state;
    void *held = touch(200 * MIB);
    struct rusage usage;
    vj_track *track = begin(2);
    run_shell(track, "sleep 0.1", &usage);
    vj_track_figures f = end(track);

    release(held, 200 * MIB);
    if (usage.ru_maxrss * 1024 < 200 * MIB)
        skip(); /* a kernel that does not count so */
    assert_true(f.peak_child_bytes < 20 * MIB);
    assert_true(f.peak_child_bytes > 0);
    assert_true(f.peak_rss_bytes < f.peak_self_bytes + 20 * MIB);
}

/* The points thin out, the looks at the sum do not: a late and short peak is seen. */
static void sums_are_sampled_at_the_first_interval(void **state)
{
    (void)state;
    struct rusage usage;
    vj_track *track = begin(1);
    vj_sleep_ms(1400); /* by now points are 4 ms apart or more */
    run_shell(track, "sleep 0.05", &usage);
    vj_track_figures f = end(track);

    assert_true(f.sample_interval_ms > 1);
    assert_int_equal(f.peak_interval_ms, 1);
}

static void points_stay_bounded(void **state)
{
    (void)state;
    vj_track *track = begin(1);
    vj_sleep_ms(900);
    vj_track_figures f = end(track);

    assert_in_range(f.n_points, 100, VJ_TRACK_MAX_POINTS);
    assert_true(f.sample_interval_ms >= 1);
    for (size_t i = 1; i < f.n_points; i++)
        assert_true(f.points[i].at_ns > f.points[i - 1].at_ns);
}

/* Below one hundredth of a core, in a build with sanitizers and with a stage every millisecond. */
static void measuring_says_what_it_costs(void **state)
{
    (void)state;
    vj_track *track = begin(0);

    for (int i = 0; i < 500; i++) {
        vj_stage_mark mark = vj_stage_start(track);
        vj_sleep_ms(1);
        vj_stage_stop(track, VJ_STAGE_PARSE, mark, 1, 1);
    }
    vj_track_figures f = end(track);
    assert_int_equal(f.n_stages, 1);
    assert_int_equal(f.stages[0].calls, 500); /* the trials are in none of them */
    assert_true(f.measuring_cpu_ns > 0);
    assert_true(f.measuring_cpu_ns < f.user_ns + f.system_ns + 1000000);
    assert_true(f.measuring_cpu_ns < f.wall_ns / 100);
}

static void bytes_are_counted(void **state)
{
    (void)state;
    char path[] = "/tmp/vj-track-XXXXXX";
    char block[4096] = {0};
    int fd = mkstemp(path);
    vj_track *track = begin(-1);

    for (int i = 0; i < 256; i++)
        assert_int_equal(write(fd, block, sizeof block), (ssize_t)sizeof block);
    vj_track_figures f = end(track);
    close(fd);
    unlink(path);
    if (f.written_bytes < 0)
        skip();
    assert_in_range((uint64_t)f.written_bytes, 256 * 4096, 256 * 4096 + 4096);
}

static void null_track_is_harmless(void **state)
{
    (void)state;
    vj_track_figures f;

    vj_stage_stop(NULL, 0, vj_stage_start(NULL), 1, 1);
    assert_int_equal(vj_track_stage(NULL, "x", -1), -1);
    vj_track_child_begin(NULL, 1);
    vj_track_child_end(NULL, 1, 1);
    vj_track_end(NULL, &f);
    assert_int_equal(f.wall_ns, 0);
    vj_track_free(NULL);
}

static vj_status begin_body(void *arg, vj_error *err)
{
    vj_track *track = NULL;
    vj_status rc = vj_track_begin(NULL, &track, err);

    (void)arg;
    vj_track_free(track);
    return rc;
}

static void begin_survives_failing_allocations(void **state)
{
    (void)state;
    sweep_allocations(begin_body, NULL);
}

/*
 * "test_track cost": what measuring itself costs, as CPU time of the sampler in a process with
 * 50 MiB that does nothing else, and as time of one start and stop of a stage.
 */
static int print_cost(void)
{
    void *held = touch(50 * MIB);
    vj_track *track = begin(0);
    vj_sleep_ms(5000);
    vj_track_figures f = end(track);
    printf("sampler: %.3f ms CPU in %.1f s (%.3f %% of one core), %zu points\n",
           (double)(f.user_ns + f.system_ns) / 1e6, (double)f.wall_ns / 1e9, f.cpu_percent,
           f.n_points);
    track = begin(-1);
    int64_t start_ns = vj_clock_ns();
    for (int i = 0; i < 1000000; i++)
        vj_stage_stop(track, VJ_STAGE_PARSE, vj_stage_start(track), 1, 1);
    printf("stage: %.0f ns per start and stop\n", (double)(vj_clock_ns() - start_ns) / 1e6);
    end(track);
    start_ns = vj_clock_ns();
    for (int i = 0; i < 100; i++)
        end(begin(-1));
    printf("operation: %.0f us per begin and end\n", (double)(vj_clock_ns() - start_ns) / 1e5);
    release(held, 50 * MIB);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(peak_is_that_of_the_operation),
        cmocka_unit_test(nested_operations_keep_their_peaks),
        cmocka_unit_test(memory_that_stays_is_the_delta),
        cmocka_unit_test(without_reset_it_samples_and_says_so),
        cmocka_unit_test(cpu_of_threads_and_stages_adds_up),
        cmocka_unit_test(child_that_grows_is_in_the_peak),
        cmocka_unit_test(a_small_child_of_a_large_parent_is_small),
        cmocka_unit_test(sums_are_sampled_at_the_first_interval),
        cmocka_unit_test(points_stay_bounded),
        cmocka_unit_test(measuring_says_what_it_costs),
        cmocka_unit_test(bytes_are_counted),
        cmocka_unit_test(null_track_is_harmless),
        cmocka_unit_test(begin_survives_failing_allocations),
    };
    if (argc == 2 && strcmp(argv[1], "cost") == 0)
        return print_cost();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
