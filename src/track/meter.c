#include "track/meter.h"

#include <stdio.h>

#define DEFAULT_INTERVAL_MS 20

/* Where stages_cpu_ns() makes its trials: the last cell, which no stage gets. */
#define TRIAL_STAGE (VJ_TRACK_MAX_STAGES - 1)

typedef struct stage_cell {
    char name[32];
    int parent_i;
    _Atomic int64_t calls, wall_ns, cpu_ns, first_ns, last_ns, rows, bytes;
} stage_cell;

typedef struct child_cell {
    int64_t pid; /* 0: free */
    vj_peak_mark self_meanwhile;
    int64_t self_at_start_bytes;
    vj_watch watch;
    int64_t sampled_bytes; /* the most that it and its own were seen with */
    int64_t cpu_ns;        /* of it and its own, when it was asked for last ... */
    int64_t cpu_asked_ns;  /* ... and when that was, since the start */
    int64_t peers_bytes;   /* peaks of children that ended during this one's life */
} child_cell;

struct vj_track {
    int64_t start_ns;
    int64_t start_wall_ns;
    int64_t start_cpu_ns;
    int64_t start_children_cpu_ns;
    vj_usage start;
    vj_peak_mark mark;

    int64_t own_cpu_ns; /* of begin and, at the end, of the sampler */
    vj_watch self;
    vj_lock lock; /* everything below, but for the counters of a stage */
    bool locked_once;
    vj_thread *sampler;
    bool stop;
    bool ended;
    int64_t interval_ms;       /* of looks at the tree; 0: no sampler */
    int64_t point_interval_ms; /* of points: doubles when they are full */
    int64_t next_point_ns;     /* since the start */
    size_t n_points;
    vj_track_point points[VJ_TRACK_MAX_POINTS];
    int64_t peak_sampled_bytes;
    child_cell children[VJ_TRACK_MAX_CHILDREN];
    int64_t n_children_seen;
    int64_t peak_child_bytes;
    int64_t peak_child_group_bytes;
    int64_t peak_bound_bytes;
    _Atomic size_t n_stages;
    stage_cell stages[VJ_TRACK_MAX_STAGES];
    vj_track_figures *figures; /* after the end */
};

static void raise_to(_Atomic int64_t *cell, int64_t value)
{
    int64_t old = atomic_load_explicit(cell, memory_order_relaxed);

    while (old < value && !atomic_compare_exchange_weak(cell, &old, value))
        continue;
}

static void lower_to(_Atomic int64_t *cell, int64_t value)
{
    int64_t old = atomic_load_explicit(cell, memory_order_relaxed);

    while (old > value && !atomic_compare_exchange_weak(cell, &old, value))
        continue;
}

/* ---- sampler ---- */

static void decimate(vj_track *t)
{
    size_t n = 0;

    for (size_t i = 0; i < t->n_points; i += 2)
        t->points[n++] = t->points[i];
    t->n_points = n;
    t->point_interval_ms *= 2;
}

static void add_point(vj_track *t, const vj_track_point *point)
{
    if (t->n_points == VJ_TRACK_MAX_POINTS)
        decimate(t);
    t->points[t->n_points++] = *point;
    /* a little early is in time: the waits of the sampler are not exact */
    t->next_point_ns = point->at_ns + t->point_interval_ms * 1000000 - 500000;
}

/* What a child used between two askings, spread evenly over the points in between. */
static void spread_cpu(vj_track *t, int64_t from_ns, int64_t to_ns, int64_t used_ns)
{
    for (size_t i = t->n_points; i-- > 0 && t->points[i].at_ns > from_ns;)
        t->points[i].cpu_ns += (int64_t)((double)used_ns * (double)(t->points[i].at_ns - from_ns) /
                                         (double)(to_ns - from_ns));
}

/*
 * CPU time of all since the start. The kernel adds up all threads of a child for it, which is the
 * dearest part of a look, so it is asked ten times a second.
 */
static int64_t tree_cpu_ns(vj_track *t, int64_t at_ns, bool is_last)
{
    int64_t ns = vj_usage_cpu_ns() - t->start_cpu_ns;

    if (t->n_children_seen > 0)
        ns += vj_usage_children_cpu_ns() - t->start_children_cpu_ns;
    for (size_t i = 0; i < VJ_TRACK_MAX_CHILDREN && t->n_children_seen > 0; i++)
        if (t->children[i].pid != 0) {
            child_cell *child = &t->children[i];

            if (child->cpu_asked_ns == 0 || is_last || at_ns - child->cpu_asked_ns >= 100000000) {
                int64_t now_ns = VJ_MAX(vj_watch_cpu_ns(&child->watch), child->cpu_ns);

                if (child->cpu_asked_ns != 0 && at_ns > child->cpu_asked_ns)
                    spread_cpu(t, child->cpu_asked_ns, at_ns, now_ns - child->cpu_ns);
                child->cpu_ns = now_ns;
                child->cpu_asked_ns = at_ns;
            }
            ns += child->cpu_ns;
        }
    return ns;
}

/* One look at the tree; whether children are alive. Under the lock. */
static bool take_sample(vj_track *t, bool is_last)
{
    vj_track_point point = {.at_ns = vj_clock_ns() - t->start_ns,
                            .rss_bytes = vj_watch_rss(&t->self)};
    bool any = false;

    for (size_t i = 0; i < VJ_TRACK_MAX_CHILDREN && t->n_children_seen > 0; i++) {
        child_cell *child = &t->children[i];

        if (child->pid == 0)
            continue;
        int64_t bytes = vj_watch_rss(&child->watch);
        child->sampled_bytes = VJ_MAX(child->sampled_bytes, bytes);
        point.rss_bytes += bytes;
        any = true;
    }
    t->peak_sampled_bytes = VJ_MAX(t->peak_sampled_bytes, point.rss_bytes);
    if (is_last || point.at_ns >= t->next_point_ns) {
        point.cpu_ns = tree_cpu_ns(t, point.at_ns, is_last);
        add_point(t, &point);
    }
    return any;
}

static void sampler_main(void *arg)
{
    vj_track *t = arg;

    vj_lock_take(&t->lock);
    while (!t->stop) {
        bool children = take_sample(t, false);
        /* alone, the kernel knows the peak: there are only points to be made */
        vj_lock_wait_ms(&t->lock, children ? t->interval_ms : t->point_interval_ms);
    }
    t->own_cpu_ns += vj_clock_thread_ns();
    vj_lock_give(&t->lock);
}

/* ---- operation ---- */

vj_status vj_track_begin(const vj_track_options *options, vj_track **out, vj_error *err)
{
    static const char *const common[VJ_STAGE_COMMON] = {"read",    "parse",  "keys",
                                                        "payload", "encode", "write"};
    vj_status rc = VJ_E_NOMEM;
    int64_t own_start_ns = vj_clock_thread_ns();
    vj_track *t = vj_zalloc(NULL, sizeof *t, err);
    int64_t interval_ms = options != NULL ? options->sample_interval_ms : 0;

    *out = NULL;
    if (t == NULL || (t->figures = vj_zalloc(NULL, sizeof *t->figures, err)) == NULL)
        goto out;
    VJ_GO(rc, vj_lock_init(&t->lock, err));
    t->locked_once = true;
    for (size_t i = 0; i < VJ_STAGE_COMMON; i++)
        vj_track_stage(t, common[i], -1);
    t->start_wall_ns = vj_clock_wall_ns();
    vj_usage_now(&t->start);
    t->start_cpu_ns = vj_usage_cpu_ns();
    t->start_children_cpu_ns = vj_usage_children_cpu_ns();
    vj_peak_begin(&t->mark);
    vj_watch_begin(&t->self, 0);
    t->start_ns = vj_clock_ns();
    if (interval_ms >= 0) {
        t->interval_ms = interval_ms > 0 ? interval_ms : DEFAULT_INTERVAL_MS;
        t->point_interval_ms = t->interval_ms;
        if ((rc = vj_thread_start(sampler_main, t, &t->sampler, err)) != VJ_OK) {
            vj_peak_end(&t->mark);
            goto out;
        }
    }
    vj_lock_take(&t->lock);
    t->own_cpu_ns += vj_clock_thread_ns() - own_start_ns;
    vj_lock_give(&t->lock);
    *out = t;
    return VJ_OK;
out:
    if (t != NULL)
        t->ended = true; /* nothing is running that _free would have to end */
    vj_track_free(t);
    return rc;
}

static void describe_peak(const vj_track *t, vj_track_figures *f)
{
    const char *self = t->mark.exact ? "kernel high-water mark, reset at the start"
                                     : "sampled: the kernel's high-water mark cannot be reset";

    if (t->n_children_seen == 0)
        snprintf(f->peak_method, sizeof f->peak_method, "%s", self);
    else if (t->interval_ms > 0)
        snprintf(f->peak_method, sizeof f->peak_method,
                 "%s; %lld child process(es) by wait4; their sum sampled every %lld ms", self,
                 (long long)t->n_children_seen, (long long)t->interval_ms);
    else
        snprintf(f->peak_method, sizeof f->peak_method,
                 "%s; %lld child process(es) by wait4; their sum not sampled", self,
                 (long long)t->n_children_seen);
}

static void fill_peak(const vj_track *t, vj_track_figures *f)
{
    f->peak_exact = t->mark.exact && t->n_children_seen == 0;
    f->peak_interval_ms = f->peak_exact ? 0 : t->interval_ms;
    f->peak_self_bytes = VJ_MAX(t->mark.peak_bytes, 0);
    if (!t->mark.exact && t->n_children_seen == 0)
        f->peak_self_bytes = VJ_MAX(f->peak_self_bytes, t->peak_sampled_bytes);
    f->peak_child_bytes = t->peak_child_bytes;
    f->peak_child_group_bytes = t->peak_child_group_bytes;
    f->peak_rss_least_bytes = VJ_MAX(f->peak_self_bytes, f->peak_child_bytes);
    f->peak_rss_bytes = f->peak_rss_least_bytes;
    /* without children the mark is exact and a sample cannot know better */
    if (t->n_children_seen > 0)
        f->peak_rss_bytes = VJ_MAX(f->peak_rss_bytes, t->peak_sampled_bytes);
    f->peak_rss_bound_bytes = VJ_MAX(f->peak_rss_bytes, t->peak_bound_bytes);
    describe_peak(t, f);
}

static int64_t known_difference(int64_t end, int64_t start)
{
    return end < 0 || start < 0 ? -1 : end - start;
}

static void fill_usage(const vj_track *t, const vj_usage *end, vj_track_figures *f)
{
    const vj_usage *start = &t->start;

    f->user_ns = end->user_ns - start->user_ns;
    f->system_ns = end->system_ns - start->system_ns;
    f->cpu_percent = f->wall_ns > 0
                         ? 100.0 * (double)(f->user_ns + f->system_ns) / (double)f->wall_ns
                         : 0;
    f->memory_delta_bytes = end->rss_bytes - start->rss_bytes;
    f->read_bytes = known_difference(end->read_bytes, start->read_bytes);
    f->written_bytes = known_difference(end->written_bytes, start->written_bytes);
    f->disk_read_bytes = known_difference(end->disk_read_bytes, start->disk_read_bytes);
    f->disk_written_bytes = known_difference(end->disk_written_bytes, start->disk_written_bytes);
    f->minor_faults = end->minor_faults - start->minor_faults;
    f->major_faults = end->major_faults - start->major_faults;
    f->voluntary_switches = end->voluntary_switches - start->voluntary_switches;
    f->involuntary_switches = end->involuntary_switches - start->involuntary_switches;
}

static void fill_stages(vj_track *t, vj_track_figures *f)
{
    size_t n = atomic_load(&t->n_stages);
    int moved_to[VJ_TRACK_MAX_STAGES];

    for (size_t i = 0; i < n; i++) {
        stage_cell *cell = &t->stages[i];
        int64_t calls = atomic_load(&cell->calls);

        moved_to[i] = -1;
        if (calls == 0 && i < VJ_STAGE_COMMON)
            continue;
        moved_to[i] = (int)f->n_stages;
        vj_stage_figures *s = &f->stages[f->n_stages++];
        memcpy(s->name, cell->name, sizeof s->name);
        s->parent_i = cell->parent_i >= 0 ? moved_to[cell->parent_i] : -1;
        s->calls = calls;
        s->wall_ns = atomic_load(&cell->wall_ns);
        s->cpu_ns = atomic_load(&cell->cpu_ns);
        s->first_ns = calls > 0 ? atomic_load(&cell->first_ns) : 0;
        s->last_ns = atomic_load(&cell->last_ns);
        s->rows = atomic_load(&cell->rows);
        s->bytes = atomic_load(&cell->bytes);
    }
}

static void stop_sampler(vj_track *t)
{
    vj_lock_take(&t->lock);
    t->stop = true;
    if (t->sampler != NULL)
        take_sample(t, true); /* the curve ends where the operation does */
    vj_lock_wake(&t->lock);
    vj_lock_give(&t->lock);
    vj_thread_join(t->sampler);
    t->sampler = NULL;
}

/* CPU of all starts and stops of stages: how many there were, by what a few take now. */
static int64_t stages_cpu_ns(vj_track *t)
{
    enum { TRIALS = 32 };
    int64_t start_ns = vj_clock_thread_ns();
    int64_t calls = 0;

    for (size_t i = 0; i < atomic_load(&t->n_stages); i++)
        calls += atomic_load(&t->stages[i].calls);
    for (int i = 0; i < TRIALS && calls > 0; i++)
        vj_stage_stop(t, TRIAL_STAGE, vj_stage_start(t), 0, 0);
    return (vj_clock_thread_ns() - start_ns) * calls / TRIALS;
}

void vj_track_end(vj_track *track, vj_track_figures *out)
{
    vj_usage end;
    int64_t own_start_ns = vj_clock_thread_ns();

    if (track == NULL) {
        *out = (vj_track_figures){0};
        return;
    }
    if (!track->ended) {
        vj_track_figures *f = track->figures;

        f->started_wall_ns = track->start_wall_ns;
        f->wall_ns = vj_clock_ns() - track->start_ns;
        vj_usage_now(&end);
        stop_sampler(track);
        for (size_t i = 0; i < VJ_TRACK_MAX_CHILDREN; i++) {
            if (track->children[i].pid != 0)
                vj_track_child_end(track, track->children[i].pid, 0);
        }
        vj_peak_end(&track->mark);
        track->ended = true;
        fill_usage(track, &end, f);
        fill_peak(track, f);
        fill_stages(track, f);
        f->sample_interval_ms = track->point_interval_ms;
        f->measuring_cpu_ns =
            track->own_cpu_ns + stages_cpu_ns(track) + vj_clock_thread_ns() - own_start_ns;
        f->n_points = track->n_points;
        memcpy(f->points, track->points, sizeof f->points);
    }
    *out = *track->figures;
}

void vj_track_free(vj_track *track)
{
    if (track == NULL)
        return;
    if (!track->ended) {
        stop_sampler(track);
        for (size_t i = 0; i < VJ_TRACK_MAX_CHILDREN; i++) {
            if (track->children[i].pid != 0)
                vj_track_child_end(track, track->children[i].pid, 0);
        }
        vj_peak_end(&track->mark);
    }
    vj_watch_end(&track->self);
    if (track->locked_once)
        vj_lock_fini(&track->lock);
    vj_free(track->figures);
    vj_free(track);
}

/* ---- stages ---- */

int vj_track_stage(vj_track *track, const char *name, int parent_i)
{
    int found = -1;

    if (track == NULL)
        return -1;
    vj_lock_take(&track->lock);
    size_t n = atomic_load(&track->n_stages);
    for (size_t i = 0; i < n && found < 0; i++) {
        if (strncmp(track->stages[i].name, name, sizeof track->stages[i].name - 1) == 0)
            found = (int)i;
    }
    if (found < 0 && n < TRIAL_STAGE) {
        stage_cell *cell = &track->stages[n];
        snprintf(cell->name, sizeof cell->name, "%s", name);
        cell->parent_i = parent_i >= 0 && parent_i < (int)n ? parent_i : -1;
        atomic_store(&cell->first_ns, INT64_MAX);
        atomic_store(&track->n_stages, n + 1);
        found = (int)n;
    }
    vj_lock_give(&track->lock);
    return found;
}

vj_stage_mark vj_stage_start(const vj_track *track)
{
    if (track == NULL)
        return (vj_stage_mark){0};
    return (vj_stage_mark){.wall_ns = vj_clock_ns(),
                           .cpu_ns = vj_clock_thread_ns(),
                           .read_bytes = vj_os_thread_bytes_read()};
}

void vj_stage_stop(vj_track *track, int stage_i, vj_stage_mark mark, int64_t rows, int64_t bytes)
{
    if (track == NULL || stage_i < 0 ||
        ((size_t)stage_i >= atomic_load(&track->n_stages) && stage_i != TRIAL_STAGE))
        return;
    stage_cell *cell = &track->stages[stage_i];
    int64_t now = vj_clock_ns();

    atomic_fetch_add(&cell->cpu_ns, vj_clock_thread_ns() - mark.cpu_ns);
    atomic_fetch_add(&cell->wall_ns, now - mark.wall_ns);
    atomic_fetch_add(&cell->calls, 1);
    atomic_fetch_add(&cell->rows, rows);
    atomic_fetch_add(&cell->bytes, bytes != VJ_STAGE_BYTES_READ
                                       ? bytes
                                       : vj_os_thread_bytes_read() - mark.read_bytes);
    lower_to(&cell->first_ns, mark.wall_ns - track->start_ns);
    raise_to(&cell->last_ns, now - track->start_ns);
}

/* ---- children ---- */

static child_cell *find_child(vj_track *t, int64_t pid)
{
    for (size_t i = 0; i < VJ_TRACK_MAX_CHILDREN; i++) {
        if (t->children[i].pid == pid)
            return &t->children[i];
    }
    return NULL;
}

void vj_track_child_begin(vj_track *track, int64_t pid)
{
    if (track == NULL || pid <= 0)
        return;
    vj_lock_take(&track->lock);
    child_cell *cell = find_child(track, 0);
    track->n_children_seen++;
    if (cell != NULL) {
        *cell = (child_cell){.pid = pid, .self_at_start_bytes = vj_usage_rss(0)};
        vj_peak_begin(&cell->self_meanwhile);
        vj_watch_begin(&cell->watch, pid);
    }
    vj_lock_wake(&track->lock); /* the sampler may be in a longer wait */
    vj_lock_give(&track->lock);
}

/*
 * The kernel counts a child's copy of ourselves, which it was between fork and exec, as its own: a
 * figure no larger than that says nothing but that the child stayed below it.
 */
static int64_t own_peak(const child_cell *cell, int64_t max_rss_bytes)
{
    bool is_ours = max_rss_bytes <= cell->self_at_start_bytes / 64 * 65;

    return is_ours ? VJ_MIN(cell->sampled_bytes, max_rss_bytes) : max_rss_bytes;
}

void vj_track_child_end(vj_track *track, int64_t pid, int64_t max_rss_bytes)
{
    if (track == NULL || pid <= 0)
        return;
    vj_lock_take(&track->lock);
    child_cell *cell = find_child(track, pid);
    int64_t self = cell != NULL ? vj_peak_end(&cell->self_meanwhile) : 0;
    int64_t peers = cell != NULL ? cell->peers_bytes : 0;

    track->peak_child_bytes =
        VJ_MAX(track->peak_child_bytes,
               cell != NULL ? own_peak(cell, max_rss_bytes) : max_rss_bytes);
    /* the last of overlapping children to end has all of them in its sum */
    track->peak_bound_bytes = VJ_MAX(track->peak_bound_bytes, self + peers + max_rss_bytes);
    if (cell != NULL) {
        vj_watch_end(&cell->watch);
        cell->pid = 0;
    }
    for (size_t i = 0; i < VJ_TRACK_MAX_CHILDREN; i++) {
        if (track->children[i].pid != 0)
            track->children[i].peers_bytes += max_rss_bytes;
    }
    vj_lock_give(&track->lock);
}

void vj_track_child_group(vj_track *track, int64_t peak_bytes)
{
    if (track == NULL)
        return;
    vj_lock_take(&track->lock);
    track->peak_child_group_bytes = VJ_MAX(track->peak_child_group_bytes, peak_bytes);
    vj_lock_give(&track->lock);
}
