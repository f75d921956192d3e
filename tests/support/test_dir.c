#include "support/test_dir.h"

#include "os/os.h"

char *test_dir;

int make_test_dir(void **state)
{
    (void)state;
    vj_error err = {0};

    return vj_tempdir_make(NULL, "vj-test", &test_dir, &err) == VJ_OK ? 0 : -1;
}

int remove_test_dir(void **state)
{
    (void)state;
    vj_tempdir_remove(test_dir);
    test_dir = NULL;
    return 0;
}
