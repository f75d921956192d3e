#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "support/support.h"

typedef struct collected {
    vj_buf text;
    int lines;
    int64_t started;
    int fail_at;
} collected;

static vj_status collect(void *arg, vj_span line, vj_error *err)
{
    collected *c = arg;

    c->lines++;
    if (c->fail_at == c->lines)
        return vj_fail(err, VJ_E_CORRUPT, "line %d is not what was expected", c->lines);
    VJ_TRY(vj_buf_append(&c->text, line.ptr, line.len_bytes, err));
    return vj_buf_push(&c->text, '|', err);
}

static void started(void *arg, int64_t pid)
{
    ((collected *)arg)->started = pid;
}

static vj_child_options shell(const char *const argv[4], collected *c)
{
    return (vj_child_options){.argv = argv, .on_line = collect, .on_start = started, .arg = c};
}

#define SHELL(text) ((const char *const[4]){"/bin/sh", "-c", text, NULL})

/* Ended, even if whoever inherited it has not waited for it yet. */
static bool gone(int64_t pid)
{
    char path[64];
    char state = 0;

    snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    for (int i = 0; i < 100; i++) {
        FILE *file = fopen(path, "r");
        int n = file != NULL ? fscanf(file, "%*d %*s %c", &state) : 0;

        if (file != NULL)
            fclose(file);
        if (n != 1 || state == 'Z' || state == 'X')
            return true;
        vj_sleep_ms(10);
    }
    return false;
}

static void lines_input_and_exit_code(void **state)
{
    (void)state;
    collected c = {0};
    vj_error err = {0};
    vj_child_result r;
    vj_child_options o = shell(SHELL("cat; printf 'no newline'; echo oops >&2; exit 7"), &c);

    o.stdin_ptr = "one\ntwo\n\n";
    o.stdin_len_bytes = 9;
    assert_ok(vj_child_run(&o, &r, &err), &err);
    assert_int_equal(r.exit_code, 7);
    assert_int_equal(r.signal, 0);
    assert_int_equal(c.started, r.pid);
    assert_int_equal(c.text.len_bytes, 20);
    assert_memory_equal(c.text.ptr, "one|two||no newline|", 20);
    assert_memory_equal(r.tail.ptr, "oops\n", 5);
    assert_true(r.max_rss_bytes > 100000);
    vj_child_fini(&r);
    vj_buf_fini(&c.text);
}

static void much_in_much_out_does_not_block(void **state)
{
    (void)state;
    size_t n = (size_t)4 << 20;
    char *data = malloc(n);
    collected c = {0};
    vj_error err = {0};
    vj_child_result r;
    vj_child_options o = shell(SHELL("tee /dev/stderr"), &c);

    for (size_t i = 0; i < n; i++)
        data[i] = i % 100 == 99 ? '\n' : 'x';
    o.stdin_ptr = data;
    o.stdin_len_bytes = n;
    assert_ok(vj_child_run(&o, &r, &err), &err);
    assert_int_equal(c.text.len_bytes, n + (n % 100 != 0));
    assert_in_range(r.tail.len_bytes, VJ_CHILD_TAIL_BYTES - 8192, VJ_CHILD_TAIL_BYTES);
    vj_child_fini(&r);
    vj_buf_fini(&c.text);
    free(data);
}

static void reader_that_leaves_early_is_no_error(void **state)
{
    (void)state;
    static char data[1 << 20];
    collected c = {0};
    vj_error err = {0};
    vj_child_result r;
    vj_child_options o = shell(SHELL("exec 0<&-; echo done"), &c);

    o.stdin_ptr = data;
    o.stdin_len_bytes = sizeof data;
    assert_ok(vj_child_run(&o, &r, &err), &err);
    assert_int_equal(r.exit_code, 0);
    vj_child_fini(&r);
    vj_buf_fini(&c.text);
}

static void environment_is_added_to(void **state)
{
    (void)state;
    const char *const add[] = {"VJ_CHILD_TEST=a b", "HOME=/nowhere", NULL};
    collected c = {0};
    vj_error err = {0};
    vj_child_result r;
    vj_child_options o = shell(SHELL("echo \"$VJ_CHILD_TEST $HOME ${PATH:+path}\"; pwd"), &c);

    o.env_add = add;
    o.dir = "/";
    assert_ok(vj_child_run(&o, &r, &err), &err);
    assert_memory_equal(c.text.ptr, "a b /nowhere path|/|", 20);
    vj_child_fini(&r);
    vj_buf_fini(&c.text);
}

static void missing_program_is_told(void **state)
{
    (void)state;
    const char *const argv[] = {"/no/such/program", NULL};
    vj_child_options o = {.argv = argv};
    vj_child_result r;
    vj_error err = {0};

    assert_int_equal(vj_child_run(&o, &r, &err), VJ_E_NOTFOUND);
    assert_string_equal(err.text, "/no/such/program: cannot start this program: No such file or "
                                  "directory");
    vj_child_fini(&r);
}

static void stop_later(void *arg)
{
    vj_sleep_ms(100);
    vj_stop_request(arg);
}

/* Also a child that ignores SIGTERM, and what it started. */
static void stop_ends_the_whole_group(void **state)
{
    (void)state;
    collected c = {0};
    vj_error err = {0};
    vj_stop stop = {0};
    vj_thread *thread = NULL;
    vj_child_result r;
    vj_child_options o = shell(SHELL("trap '' TERM; sleep 60 & echo $!; while :; do sleep 1; done"),
                               &c);
    int64_t start_ns = vj_clock_ns();

    o.stop = &stop;
    assert_ok(vj_thread_start(stop_later, &stop, &thread, &err), &err);
    assert_int_equal(vj_child_run(&o, &r, &err), VJ_E_CANCELLED);
    vj_thread_join(thread);
    assert_true(vj_clock_ns() - start_ns < 1000000000);
    assert_int_equal(r.signal, SIGKILL);
    assert_true(gone(c.started));
    assert_true(gone(strtol((char *)c.text.ptr, NULL, 10)));
    vj_child_fini(&r);
    vj_buf_fini(&c.text);
}

static void timeout_and_bad_lines_end_it(void **state)
{
    (void)state;
    collected c = {.fail_at = 2};
    vj_error err = {0};
    vj_child_result r;
    vj_child_options o = shell(SHELL("echo 1; sleep 60"), &c);

    o.timeout_ms = 100;
    assert_int_equal(vj_child_run(&o, &r, &err), VJ_E_IO);
    assert_string_equal(err.text, "/bin/sh: did not end within 0.1 s");
    assert_int_equal(r.signal, SIGTERM);
    vj_child_fini(&r);
    o = shell(SHELL("echo 2; echo 3; sleep 60"), &c);
    err = (vj_error){0};
    assert_int_equal(vj_child_run(&o, &r, &err), VJ_E_CORRUPT);
    assert_string_equal(err.text, "line 2 is not what was expected");
    vj_child_fini(&r);
    o = shell(SHELL("yes | tr -d '\\n'"), &c);
    o.max_line_bytes = 1000;
    assert_int_equal(vj_child_run(&o, &r, &err), VJ_E_CORRUPT);
    vj_child_fini(&r);
    vj_buf_fini(&c.text);
}

/* A daemon that keeps the pipe open does not keep us waiting. */
static void streams_held_by_others_are_let_go(void **state)
{
    (void)state;
    collected c = {0};
    vj_error err = {0};
    vj_child_result r;
    vj_child_options o = shell(SHELL("sleep 60 & echo $!; exit 3"), &c);
    int64_t start_ns = vj_clock_ns();

    assert_ok(vj_child_run(&o, &r, &err), &err);
    assert_int_equal(r.exit_code, 3);
    assert_true(vj_clock_ns() - start_ns < 2000000000);
    assert_true(gone(strtol((char *)c.text.ptr, NULL, 10)));
    vj_child_fini(&r);
    vj_buf_fini(&c.text);
}

static void memory_limits_kill(void **state)
{
    (void)state;
    static const vj_child_limit hows[] = {VJ_CHILD_LIMIT_RSS, VJ_CHILD_LIMIT_WATCH,
                                          VJ_CHILD_LIMIT_DATA, VJ_CHILD_LIMIT_ADDRESS};

    for (size_t i = 0; i < VJ_COUNT(hows); i++) {
        collected c = {0};
        vj_error err = {0};
        vj_child_result r;
        vj_child_options o = shell(
            SHELL("exec python3 -c 'b = bytearray(400 << 20); import time; time.sleep(5)'"), &c);

        o.limit_how = hows[i];
        o.memory_limit_bytes = (int64_t)150 << 20;
        assert_ok(vj_child_run(&o, &r, &err), &err);
        print_message("%s: exit %d, signal %d, peak %lld MiB\n", r.limit_by, r.exit_code,
                      r.signal, (long long)(r.max_rss_bytes >> 20));
        if (r.exit_code != 127) { /* there is a python3 */
            assert_true(r.out_of_memory);
            assert_int_not_equal(r.exit_code, 0);
        }
        vj_child_fini(&r);
        vj_buf_fini(&c.text);
    }
}

static vj_status run_body(void *arg, vj_error *err)
{
    collected c = {0};
    vj_child_result r;
    vj_child_options o = shell(SHELL("echo x"), &c);

    (void)arg;
    vj_status rc = vj_child_run(&o, &r, err);
    vj_child_fini(&r);
    vj_buf_fini(&c.text);
    return rc;
}

static void failing_allocations_leave_no_child(void **state)
{
    (void)state;
    sweep_allocations(run_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_input_and_exit_code),
        cmocka_unit_test(much_in_much_out_does_not_block),
        cmocka_unit_test(reader_that_leaves_early_is_no_error),
        cmocka_unit_test(environment_is_added_to),
        cmocka_unit_test(missing_program_is_told),
        cmocka_unit_test(stop_ends_the_whole_group),
        cmocka_unit_test(timeout_and_bad_lines_end_it),
        cmocka_unit_test(streams_held_by_others_are_let_go),
        cmocka_unit_test(memory_limits_kill),
        cmocka_unit_test(failing_allocations_leave_no_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
