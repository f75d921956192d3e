/* cli_say.c - messages and the progress line: the only place that writes on stderr. */
#include "cli.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

int vj_cli_verbosity = 1;
/* 0 never, 1 on a terminal, 2 always; set by --progress. */
extern int vj_cli_progress_mode;
int vj_cli_progress_mode = 1;

static pthread_mutex_t say_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    int64_t start_ns, drawn_ns;
    bool shown;
} line;

static void clear_line(void)
{
    if (line.shown)
        fputs("\r\033[K", stderr);
    line.shown = false;
}

static void say(const char *kind, const char *fmt, va_list list) VJ_PRINTF(2, 0);
static void say(const char *kind, const char *fmt, va_list list)
{
    pthread_mutex_lock(&say_lock);
    clear_line();
    fprintf(stderr, "varjoin: %s", kind);
    vfprintf(stderr, fmt, list);
    fputc('\n', stderr);
    fflush(stderr);
    pthread_mutex_unlock(&say_lock);
}

static void say_text(const char *kind, const char *fmt, ...) VJ_PRINTF(2, 3);
static void say_text(const char *kind, const char *fmt, ...)
{
    va_list list;

    va_start(list, fmt);
    say(kind, fmt, list);
    va_end(list);
}

int vj_cli_error(const vj_error *err)
{
    say_text("error: ", "%s", err->text[0] != '\0' ? err->text : vj_status_name(err->code));
    return vj_status_exit_code(err->code);
}

void vj_cli_warn(const char *fmt, ...)
{
    va_list list;

    if (vj_cli_verbosity < 1)
        return;
    va_start(list, fmt);
    say("warning: ", fmt, list);
    va_end(list);
}

void vj_cli_note(const char *fmt, ...)
{
    va_list list;

    if (vj_cli_verbosity < 2)
        return;
    va_start(list, fmt);
    say("", fmt, list);
    va_end(list);
}

vj_status vj_cli_flush(vj_error *err)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return VJ_OK;
    return vj_fail(err, VJ_E_OUTPUT, "writing to standard output: %s",
                   strerror(errno != 0 ? errno : EIO));
}

/* ---- progress ---- */

static const char *count_text(char *dst, size_t cap_bytes, double n)
{
    static const char units[] = " kMG";
    int unit = 0;

    while (n >= 10000 && unit < 3) {
        n /= 1000;
        unit++;
    }
    if (unit == 0)
        snprintf(dst, cap_bytes, "%.0f", n);
    else
        snprintf(dst, cap_bytes, n < 100 ? "%.1f%c" : "%.0f%c", n, units[unit]);
    return dst;
}

static const char *time_text(char *dst, size_t cap_bytes, double seconds)
{
    long long s = (long long)(seconds + 0.5);

    if (s >= 3600)
        snprintf(dst, cap_bytes, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(dst, cap_bytes, "%lld:%02lld", s / 60, s % 60);
    return dst;
}

static void draw(int64_t now_ns, int64_t rows, int64_t done, int64_t total)
{
    double elapsed = (double)(now_ns - line.start_ns) / 1e9;
    char n[32], rate[32], eta[32];

    fprintf(stderr, "\r\033[K%s rows, %s rows/s", count_text(n, sizeof n, (double)rows),
            count_text(rate, sizeof rate, elapsed > 0 ? (double)rows / elapsed : 0));
    if (total > 0 && done > 0) {
        double part = VJ_MIN((double)done / (double)total, 1.0);

        fprintf(stderr, ", %.0f%%, ETA %s", 100 * part,
                time_text(eta, sizeof eta, elapsed * (1 - part) / part));
    }
    fflush(stderr);
    line.shown = true;
}

void vj_cli_progress(int64_t rows, int64_t done, int64_t total)
{
    int64_t now_ns;

    if (vj_cli_progress_mode == 0 || (vj_cli_progress_mode == 1 && !isatty(STDERR_FILENO)))
        return;
    pthread_mutex_lock(&say_lock);
    now_ns = vj_clock_ns();
    if (line.start_ns == 0)
        line.start_ns = now_ns;
    if (now_ns - line.drawn_ns >= 200 * 1000 * 1000) {
        line.drawn_ns = now_ns;
        draw(now_ns, rows, done, total);
    }
    pthread_mutex_unlock(&say_lock);
}

void vj_cli_progress_end(void)
{
    pthread_mutex_lock(&say_lock);
    clear_line();
    fflush(stderr);
    line.start_ns = 0;
    line.drawn_ns = 0;
    pthread_mutex_unlock(&say_lock);
}
