/*
 * duck_load.c - find libduckdb.so, load it, check version and symbols.
 */
#include <dlfcn.h>
#include <stdio.h>

#include "duck/duck_api.h"

#define HOW_TO_GET "`tools/fetch_duckdb.sh` gets it; --duckdb-lib or VARJOIN_DUCKDB_LIB names one"

/* Where it is looked for, from the program's own folder. The working folder is not among them:
 * a program must not run code because of where it was started. */
static const char *const places[] = {"", "../lib/", "../lib/varjoin/", "../duckdb/",
                                     "../../duckdb/"};

bool duck_version_ok(const char *version)
{
    int major = 0, minor = 0, patch = 0;

    if (*version == 'v')
        version++;
    if (sscanf(version, "%d.%d.%d", &major, &minor, &patch) != 3)
        return false;
    return major == 2 || (major == 1 && (minor > 5 || (minor == 5 && patch >= 6)));
}

static void *open_beside_program(char *path, size_t cap_bytes)
{
    char program[512];
    void *handle = NULL;

    if (!vj_os_program_dir(program, sizeof program))
        return NULL;
    for (size_t i = 0; handle == NULL && i < VJ_COUNT(places); i++) {
        snprintf(path, cap_bytes, "%s%slibduckdb.so", program, places[i]);
        if (vj_path_exists(path))
            handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    }
    return handle;
}

static vj_status open_library(const char *path, void **out, vj_duck_library *library,
                              vj_error *err)
{
    if (path != NULL && *path != '\0') {
        snprintf(library->path, sizeof library->path, "%s", path);
        *out = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
        if (*out == NULL)
            return vj_fail(err, VJ_E_UNSUPPORTED, "DuckDB library %s cannot be loaded: %s; %s",
                           path, dlerror(), HOW_TO_GET);
        return VJ_OK;
    }
    *out = open_beside_program(library->path, sizeof library->path);
    if (*out == NULL) {
        snprintf(library->path, sizeof library->path, "libduckdb.so");
        *out = dlopen("libduckdb.so", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    }
    if (*out == NULL)
        return vj_fail(err, VJ_E_UNSUPPORTED,
                       "the DuckDB library (libduckdb.so, 1.5.6 or newer) is not installed; %s",
                       HOW_TO_GET);
    return VJ_OK;
}

static vj_status find_symbol(void *handle, const char *name, const char *path, void *member,
                             vj_error *err)
{
    void *symbol = dlsym(handle, name);

    if (symbol == NULL)
        return vj_fail(err, VJ_E_UNSUPPORTED, "%s is not the DuckDB library it should be: no %s; %s",
                       path, name, HOW_TO_GET);
    /* A pointer to data becomes one to a function: POSIX promises it, C wants it copied. */
    memcpy(member, &symbol, sizeof symbol);
    return VJ_OK;
}

static vj_status load(const char *path, duck_api *api, vj_error *err)
{
    void *handle = NULL;

    memset(api, 0, sizeof *api);
    VJ_TRY(open_library(path, &handle, &api->library, err));
#define DUCK_FIND(type, name, parameters)                                                     \
    VJ_TRY(find_symbol(handle, "duckdb_" #name, api->library.path, &api->name, err));
    DUCK_FUNCTIONS(DUCK_FIND)
#undef DUCK_FIND
    snprintf(api->library.version, sizeof api->library.version, "%s", api->library_version());
    if (!duck_version_ok(api->library.version))
        return vj_fail(err, VJ_E_UNSUPPORTED,
                       "DuckDB library %s is version %s, expected 1.5.6 or newer and below 3; %s",
                       api->library.path, api->library.version, HOW_TO_GET);
    return VJ_OK;
}

/*
 * The one mutable static of the module, written once: a loaded library is a fact of the process,
 * and the function that DuckDB calls back (duck_join.c) needs the table before it can ask for
 * anything that belongs to a session.
 */
static duck_api the_api;
static _Atomic(const duck_api *) the_loaded;
static pthread_mutex_t the_lock = PTHREAD_MUTEX_INITIALIZER;

const duck_api *duck_api_loaded(void)
{
    return atomic_load(&the_loaded);
}

vj_status duck_api_load(const char *path, const duck_api **out, vj_error *err)
{
    vj_status rc = VJ_OK;

    pthread_mutex_lock(&the_lock);
    if (atomic_load(&the_loaded) == NULL) {
        rc = load(path, &the_api, err);
        if (rc == VJ_OK)
            atomic_store(&the_loaded, &the_api);
    }
    pthread_mutex_unlock(&the_lock);
    *out = duck_api_loaded();
    return rc;
}

vj_status vj_duck_probe(const char *path, vj_duck_library *out, vj_error *err)
{
    const duck_api *api = NULL;

    memset(out, 0, sizeof *out);
    VJ_TRY(duck_api_load(path, &api, err));
    *out = api->library;
    return VJ_OK;
}
