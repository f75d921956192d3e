/* test_dir.h - one scratch folder for all tests of a program. */
#ifndef VJ_TESTS_TEST_DIR_H
#define VJ_TESTS_TEST_DIR_H

/* The folder's path, from make_test_dir until remove_test_dir. */
extern char *test_dir;

/* Group setup and teardown of cmocka: a new private folder, and its removal with what is in it. */
int make_test_dir(void **state);
int remove_test_dir(void **state);

#endif
