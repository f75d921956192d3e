/* add_kvs FILE.parquet key=value ... - add key-values to the footer of a finished file. */
#include <stdio.h>

#include "parquet/parquet.h"

int main(int argc, char **argv)
{
    vj_pq_kv kvs[16];
    vj_error err = {0};
    int32_t n = 0;

    for (int i = 2; i < argc && n < 16; i++) {
        char *equals = strchr(argv[i], '=');

        if (equals == NULL)
            continue;
        *equals = '\0';
        kvs[n++] = (vj_pq_kv){argv[i], equals + 1};
    }
    if (n == 0) {
        fputs("usage: add_kvs FILE.parquet key=value ...\n", stderr);
        return 1;
    }
    vj_status rc = vj_pq_footer_add_kvs(argv[1], kvs, n, &err);
    if (rc != VJ_OK)
        fprintf(stderr, "add_kvs: %s\n", err.text);
    return vj_status_exit_code(rc);
}
