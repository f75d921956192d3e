#include "os/os.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

struct vj_thread {
    pthread_t id;
    vj_thread_main main;
    void *arg;
};

static void *enter(void *arg)
{
    vj_thread *thread = arg;

    thread->main(thread->arg);
    return NULL;
}

vj_status vj_thread_start(vj_thread_main main, void *arg, vj_thread **out, vj_error *err)
{
    vj_thread *thread = vj_zalloc(NULL, sizeof *thread, err);
    char why[128];

    *out = NULL;
    if (thread == NULL)
        return VJ_E_NOMEM;
    thread->main = main;
    thread->arg = arg;
    int code = pthread_create(&thread->id, NULL, enter, thread);
    if (code != 0) {
        vj_free(thread);
        return vj_fail(err, VJ_E_NOMEM, "cannot start a thread: %s",
                       strerror_r(code, why, sizeof why));
    }
    *out = thread;
    return VJ_OK;
}

void vj_thread_join(vj_thread *thread)
{
    if (thread == NULL)
        return;
    pthread_join(thread->id, NULL);
    vj_free(thread);
}

vj_status vj_lock_init(vj_lock *lock, vj_error *err)
{
    pthread_condattr_t attr;

    if (pthread_mutex_init(&lock->mutex, NULL) != 0)
        return vj_fail(err, VJ_E_NOMEM, "cannot make a lock");
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int code = pthread_cond_init(&lock->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (code != 0) {
        pthread_mutex_destroy(&lock->mutex);
        return vj_fail(err, VJ_E_NOMEM, "cannot make a lock");
    }
    return VJ_OK;
}

void vj_lock_fini(vj_lock *lock)
{
    pthread_cond_destroy(&lock->changed);
    pthread_mutex_destroy(&lock->mutex);
}

void vj_lock_take(vj_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

void vj_lock_give(vj_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

void vj_lock_wait(vj_lock *lock)
{
    pthread_cond_wait(&lock->changed, &lock->mutex);
}

void vj_lock_wait_ms(vj_lock *lock, int64_t ms)
{
    int64_t until = vj_clock_ns() + ms * 1000000;
    struct timespec ts = {until / 1000000000, until % 1000000000};

    pthread_cond_timedwait(&lock->changed, &lock->mutex, &ts);
}

void vj_lock_wake(vj_lock *lock)
{
    pthread_cond_broadcast(&lock->changed);
}

vj_status vj_stop_check(const vj_stop *stop, vj_error *err)
{
    if (stop == NULL || atomic_load_explicit(&stop->requested, memory_order_relaxed) == 0)
        return VJ_OK;
    return vj_fail(err, VJ_E_CANCELLED, "interrupted");
}

static int64_t read_clock(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t vj_clock_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t vj_clock_wall_ns(void)
{
    return read_clock(CLOCK_REALTIME);
}

void vj_sleep_ms(int64_t ms)
{
    struct timespec ts = {ms / 1000, ms % 1000 * 1000000};

    while (nanosleep(&ts, &ts) != 0 && errno == EINTR)
        ;
}

int64_t vj_os_pid(void)
{
    return getpid();
}
