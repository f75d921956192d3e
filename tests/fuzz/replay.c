/* replay.c - run a fuzz target over files and folders without a fuzzer. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 1;
    fseek(file, 0, SEEK_END);
    long len = ftell(file);
    rewind(file);
    /* exactly as large as the input, so that a sanitizer sees one byte beyond */
    uint8_t *data = malloc(len > 0 ? (size_t)len : 1);
    size_t n = data != NULL ? fread(data, 1, (size_t)len, file) : 0;
    fclose(file);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
    return 0;
}

static int replay(const char *path, int *count)
{
    struct stat st;
    char child[4096];

    if (stat(path, &st) != 0)
        return 1;
    if (!S_ISDIR(st.st_mode)) {
        ++*count;
        return replay_file(path);
    }
    DIR *dir = opendir(path);
    int rc = dir == NULL;
    for (struct dirent *entry = NULL; dir != NULL && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
        rc |= replay(child, count);
    }
    if (dir != NULL)
        closedir(dir);
    return rc;
}

int main(int argc, char **argv)
{
    int count = 0;
    int rc = 0;

    for (int i = 1; i < argc; i++)
        rc |= replay(argv[i], &count);
    printf("%d inputs replayed\n", count);
    return rc != 0 || count == 0;
}
