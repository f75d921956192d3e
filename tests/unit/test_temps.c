/* test_temps.c - temporary files and folders: who lives, who has ended, what is removed (promise 2). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/support.h"

static char dir[64];

static void path_of(char dst[256], const char *name)
{
    snprintf(dst, 256, "%s/%s", dir, name);
}

/* A name as this boot makes it, taken from one that it made. */
static void name_here(char dst[256], const char *base, long pid)
{
    char path[256];
    unsigned boot = 0;
    vj_outfile *file = NULL;
    vj_error err = {0};

    path_of(path, "probe");
    assert_ok(vj_outfile_open(path, &file, &err), &err);
    const char *at = strstr(vj_outfile_temp_path(file), ".vj-");
    assert_int_equal(sscanf(at, ".vj-%8x-", &boot), 1);
    vj_outfile_free(file);
    snprintf(dst, 256, "%s/.%s.vj-%08x-%ld-77.tmp", dir, base, boot, pid);
}

static void put(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0666);

    assert_true(fd >= 0);
    close(fd);
}

static void write_one(const char *base)
{
    char path[256];
    vj_outfile *file = NULL;
    vj_error err = {0};

    path_of(path, base);
    assert_ok(vj_outfile_open(path, &file, &err), &err);
    vj_outfile_free(file);
}

/* The number may be our own, or somebody's: another container counts from 1 too. */
static void what_an_ended_run_left_goes_whatever_its_number(void **state)
{
    const long pids[] = {1, (long)getpid(), (long)getppid(), 4000000};
    char path[256];

    (void)state;
    for (size_t i = 0; i < VJ_COUNT(pids); i++) {
        name_here(path, "o", pids[i]);
        put(path);
        write_one("o");
        assert_false(vj_path_exists(path));
    }
}

static void what_a_living_run_holds_stays(void **state)
{
    char path[256];

    (void)state;
    name_here(path, "o", 4000000); /* a number that nobody here has: another container's */
    put(path);
    int fd = open(path, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    write_one("o");
    assert_true(vj_path_exists(path));
    close(fd);
    write_one("o");
    assert_false(vj_path_exists(path));
}

static void other_names_stay(void **state)
{
    char path[256];

    (void)state;
    name_here(path, "other", 4000000);
    put(path);
    write_one("o");
    assert_true(vj_path_exists(path));
    unlink(path);
    path_of(path, ".o.vj-12-3.tmp"); /* as no version names it */
    put(path);
    write_one("o");
    assert_true(vj_path_exists(path));
    unlink(path);
}

/* Another host's on a shared disk: its lock may not reach us. */
static void what_a_stranger_left_goes_after_a_day(void **state)
{
    char path[256];
    struct timespec old[2] = {{.tv_sec = time(NULL) - 25 * 3600}, {.tv_sec = time(NULL) - 25 * 3600}};

    (void)state;
    path_of(path, ".o.vj-01234567-5-0.tmp");
    put(path);
    write_one("o");
    assert_true(vj_path_exists(path));
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    write_one("o");
    assert_false(vj_path_exists(path));
}

/* The clock was set back: the file seems to come from the future. */
static void a_clock_set_back_removes_no_strangers(void **state)
{
    char path[256];
    struct timespec then[2] = {{.tv_sec = time(NULL) + 90000}, {.tv_sec = time(NULL) + 90000}};

    (void)state;
    path_of(path, ".o.vj-01234567-5-0.tmp");
    put(path);
    assert_int_equal(utimensat(AT_FDCWD, path, then, 0), 0);
    write_one("o");
    assert_true(vj_path_exists(path));
    unlink(path);
}

static void a_name_that_is_taken_is_passed_over(void **state)
{
    char first[256];
    char target[256];
    const char *at;
    unsigned boot = 0;
    int serial = 0;
    long pid = 0;
    vj_outfile *file = NULL;
    vj_error err = {0};

    (void)state;
    path_of(target, "o");
    assert_ok(vj_outfile_open(target, &file, &err), &err);
    at = strstr(vj_outfile_temp_path(file), ".vj-");
    assert_int_equal(sscanf(at, ".vj-%8x-%ld-%d.tmp", &boot, &pid, &serial), 3);
    vj_outfile_free(file);
    snprintf(first, sizeof first, "%s/.o.vj-%08x-%ld-%d.tmp", dir, boot, pid, serial + 1);
    put(first);
    int fd = open(first, O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_ok(vj_outfile_open(target, &file, &err), &err);
    assert_string_not_equal(vj_outfile_temp_path(file), first);
    vj_outfile_free(file);
    close(fd);
    unlink(first);
}

static void folders_are_held_and_removed_alike(void **state)
{
    char target[256];
    char *path = NULL;
    char *second = NULL;
    vj_error err = {0};

    (void)state;
    path_of(target, "db");
    assert_ok(vj_tempdir_beside(target, &path, &err), &err);
    pid_t child = fork(); /* the lock is the open file's: for a child, too, it is taken */
    if (child == 0) {
        int fd = open(path, O_RDONLY | O_DIRECTORY);
        _exit(flock(fd, LOCK_EX | LOCK_NB) == 0);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_ok(vj_tempdir_beside(target, &second, &err), &err);
    assert_true(vj_path_is_dir(path));
    vj_tempdir_remove(second);
    assert_ok(vj_path_rename(path, target, &err), &err);
    vj_tempdir_remove(path);
    assert_true(vj_path_is_dir(target));
    assert_ok(vj_tempdir_make(dir, "spill", &path, &err), &err);
    assert_true(vj_path_is_dir(path));
    vj_tempdir_remove(path);
    rmdir(target);
    assert_true(vj_path_is_empty_dir(dir));
}

/* Makes and removes under one name, as others do at the same time, who sweep between its steps. */
static int make_many(void)
{
    char target[256];
    vj_error err = {0};

    path_of(target, "shared");
    for (int i = 0; i < 150; i++) {
        char *folder = NULL;
        char *beside = NULL;
        vj_outfile *file = NULL;

        if (vj_tempdir_make(dir, "spill", &folder, &err) != VJ_OK ||
            vj_tempdir_beside(target, &beside, &err) != VJ_OK ||
            vj_outfile_open(target, &file, &err) != VJ_OK)
            return 1;
        if (!vj_path_is_dir(folder) || !vj_path_is_dir(beside) ||
            !vj_path_exists(vj_outfile_temp_path(file)))
            return 2;
        vj_outfile_free(file);
        vj_tempdir_remove(beside);
        vj_tempdir_remove(folder);
    }
    return 0;
}

static void many_at_once_keep_their_own(void **state)
{
    pid_t children[6];

    (void)state;
    for (size_t i = 0; i < VJ_COUNT(children); i++)
        if ((children[i] = fork()) == 0)
            _exit(make_many());
    for (size_t i = 0; i < VJ_COUNT(children); i++) {
        int status = -1;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_true(vj_path_is_empty_dir(dir));
}

static void a_folder_takes_the_place_of_another_in_one_step(void **state)
{
    char a[256];
    char b[256];
    bool done = false;
    vj_error err = {0};

    (void)state;
    path_of(a, "a");
    path_of(b, "b");
    assert_ok(vj_path_make_dirs(a, &err), &err);
    put(b);
    assert_ok(vj_path_exchange(a, b, &done, &err), &err);
    assert_true(vj_path_is_dir(done ? b : a));
    vj_path_remove(a);
    vj_path_remove(b);
    assert_int_equal(vj_path_exchange(a, b, &done, &err), VJ_E_OUTPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_ended_run_left_goes_whatever_its_number),
        cmocka_unit_test(what_a_living_run_holds_stays),
        cmocka_unit_test(other_names_stay),
        cmocka_unit_test(what_a_stranger_left_goes_after_a_day),
        cmocka_unit_test(a_clock_set_back_removes_no_strangers),
        cmocka_unit_test(a_name_that_is_taken_is_passed_over),
        cmocka_unit_test(folders_are_held_and_removed_alike),
        cmocka_unit_test(many_at_once_keep_their_own),
        cmocka_unit_test(a_folder_takes_the_place_of_another_in_one_step),
    };

    snprintf(dir, sizeof dir, "/tmp/vj-temps-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return 1;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    vj_path_remove(dir);
    return rc;
}
