/* The style sheet, and the comparison at the top of the page. */
#include "track/html_parts.h"

#include <stdio.h>

#include "track/chart.h"

void vj_page_style(vj_page *page)
{
    /* one literal per theme and area; colours are told apart by lightness, too */
    static const char *const css[] = {
        "<style>\n:root{color-scheme:light dark;--bg:#fbfcfd;--card:#fff;--ink:#1c2430;"
        "--dim:#667085;--edge:#dfe4ea;--bad:#b42318;--ok:#197a48;--c0:#2f6fde;--c1:#d9730d;"
        "--c2:#138a72;--c3:#a23fae;--c4:#b8860b;--c5:#c2334d;--c6:#4c5fd5;--c7:#6b7280;"
        "--matched:#2f6fde;--no_position:#c3cad5;--ref_differs:#e8833a;--alt_differs:#f2c14e;"
        "--contig_absent:#8e6bbf;--not_matchable:#7b8794}\n",
        "@media(prefers-color-scheme:dark){:root{--bg:#12161c;--card:#1a2029;--ink:#e6eaf0;"
        "--dim:#98a2b3;--edge:#2c3542;--bad:#ff8a7a;--ok:#5fd39b;--c0:#6ea3ff;--c1:#ffab5e;"
        "--c2:#4fd1b5;--c3:#d78be3;--c4:#e5c04d;--c5:#ff8095;--c6:#97a4ff;--c7:#a3acb9;"
        "--matched:#5b93f5;--no_position:#485262;--ref_differs:#e2884a;--alt_differs:#d9b04a;"
        "--contig_absent:#a98bd8;--not_matchable:#8a95a3}}\n",
        "*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);"
        "font:15px/1.5 system-ui,sans-serif}header,main{max-width:1080px;margin:0 auto;"
        "padding:0 20px}header{padding-top:24px}h1{font-size:26px;margin:0}"
        "h2{font-size:20px;margin:0 0 8px;overflow-wrap:anywhere}h3{font-size:15px;"
        "margin:18px 0 6px}p{margin:4px 0}.dim{color:var(--dim)}\n",
        "section{background:var(--card);border:1px solid var(--edge);border-radius:10px;"
        "padding:18px 20px;margin:16px 0}.wide{overflow-x:auto}table{border-collapse:collapse;"
        "width:100%}th,td{text-align:left;padding:4px 10px 4px 0;vertical-align:top;"
        "border-bottom:1px solid var(--edge);overflow-wrap:anywhere}tr:last-child>*"
        "{border-bottom:0}th{font-weight:600;color:var(--dim);overflow-wrap:normal}"
        ".num{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
        "code{font:13px ui-monospace,monospace;overflow-wrap:anywhere}\n",
        ".tiles{display:flex;flex-wrap:wrap;gap:10px;margin:10px 0}.tile{border:1px solid "
        "var(--edge);border-radius:8px;padding:8px 14px;min-width:120px}.tile b{display:block;"
        "font-size:19px;font-variant-numeric:tabular-nums}.tile span{color:var(--dim);"
        "font-size:13px}.bad{color:var(--bad);font-weight:600}.ok{color:var(--ok)}"
        ".banner{border-left:4px solid var(--bad);padding:6px 12px;margin:8px 0}\n",
        ".c{table-layout:fixed;min-width:520px}.c th:first-child{width:130px}"
        ".m{table-layout:fixed;min-width:640px}.m td:nth-child(1),.m th:nth-child(1){width:18%}"
        ".m td:nth-child(-n+3):nth-child(n+2),.m th:nth-child(-n+3):nth-child(n+2){width:13%}"
        ".m td:nth-child(4),.m th:nth-child(4){width:10%}.bar{width:100%;height:16px;display:block;border-radius:3px}.stack{min-width:260px}.legend span{margin-right:14px;white-space:nowrap}.dot{display:inline-block;"
        "width:11px;height:11px;border-radius:3px;margin-right:5px}details{margin-top:12px}"
        "summary{cursor:pointer;color:var(--dim)}\n",
        ".chart{width:100%;height:auto;max-height:300px}.chart text{font:11px system-ui,"
        "sans-serif;fill:var(--dim)}.grid{stroke:var(--edge)}.limit{stroke:var(--bad);"
        "stroke-dasharray:5 4}.line{fill:none;stroke-width:1.8;stroke-linejoin:round}"
        ".track{fill:var(--edge)}.span{fill:var(--c0);opacity:.35}.busy{fill:var(--c0)}\n",
    };
    static const char *const reasons[] = {"matched",     "no_position",   "ref_differs",
                                          "alt_differs", "contig_absent", "not_matchable"};

    for (size_t i = 0; i < VJ_COUNT(css); i++)
        vj_page_put(page, "%s", css[i]);
    for (int i = 0; i < VJ_CHART_COLORS; i++)
        vj_page_put(page, ".s%d{stroke:var(--c%d)}.d%d{background:var(--c%d)}.f%d{fill:var(--c%d)}"
                          "\n", i, i, i, i, i, i);
    for (size_t i = 0; i < VJ_COUNT(reasons); i++)
        vj_page_put(page, ".r-%s{fill:var(--%s);background:var(--%s)}\n", reasons[i], reasons[i],
                    reasons[i]);
    vj_page_put(page, "</style>\n");
}

/* ---- several runs side by side ---- */

typedef enum unit { UNIT_TEXT, UNIT_COUNT, UNIT_SIZE, UNIT_TIME, UNIT_PERCENT } unit;

static void put_value(vj_page *page, const json_t *object, const char *key, unit u)
{
    double value = 0;

    if (u == UNIT_TEXT)
        vj_page_text(page, vj_page_string(object, key), 200);
    else if (!vj_page_number(object, key, &value))
        vj_page_put(page, "–");
    else if (u == UNIT_COUNT)
        vj_page_put_count(page, value);
    else if (u == UNIT_SIZE)
        vj_page_put_size(page, value);
    else if (u == UNIT_TIME)
        vj_page_put_time(page, value);
    else
        vj_page_put(page, "%.4g %%", value);
}

/* A row of the comparison: the value of each run, with a bar relative to the largest. */
static void compare_row(vj_page *page, const char *label, const char *part, const char *key,
                        unit u)
{
    double max = 0;

    for (size_t i = 0; i < page->n_runs; i++)
        max = VJ_MAX(max, vj_page_count(vj_page_get(page->runs[i], part), key));
    vj_page_put(page, "<tr><th>%s</th>", label);
    for (size_t i = 0; i < page->n_runs; i++) {
        const json_t *object = part[0] != '\0' ? vj_page_get(page->runs[i], part)
                                               : page->runs[i];
        double value = vj_page_count(object, key);

        vj_page_put(page, "<td>");
        put_value(page, object, key, u);
        if (u != UNIT_TEXT && max > 0)
            vj_page_put(page, "<svg class=\"bar\" style=\"height:6px\" viewBox=\"0 0 100 6\" "
                              "preserveAspectRatio=\"none\"><rect class=\"track\" width=\"100\" "
                              "height=\"6\"/><rect class=\"f%zu\" width=\"%.2f\" height=\"6\"/>"
                              "</svg>", i % VJ_CHART_COLORS, 100 * value / max);
        vj_page_put(page, "</td>");
    }
    vj_page_put(page, "</tr>\n");
}

void vj_page_compare(vj_page *page)
{
    if (page->n_runs < 2)
        return;
    vj_page_put(page, "<section><h2>Side by side</h2><div class=\"wide\"><table class=\"c\">"
                      "<tr><th></th>");
    for (size_t i = 0; i < page->n_runs; i++) {
        vj_page_put(page, "<th><i class=\"dot d%zu\"></i>", i % VJ_CHART_COLORS);
        vj_page_text(page, page->names[i], 80);
        vj_page_put(page, "</th>");
    }
    vj_page_put(page, "</tr>\n");
    compare_row(page, "verb", "", "verb", UNIT_TEXT);
    compare_row(page, "engine", "", "engine", UNIT_TEXT);
    compare_row(page, "result", "", "status", UNIT_TEXT);
    compare_row(page, "sample", "metadata", "sample_name", UNIT_TEXT);
    compare_row(page, "wall time", "resources", "wall_seconds", UNIT_TIME);
    compare_row(page, "user CPU", "resources", "user_cpu_seconds", UNIT_TIME);
    compare_row(page, "system CPU", "resources", "system_cpu_seconds", UNIT_TIME);
    compare_row(page, "CPU use", "resources", "cpu_percent", UNIT_PERCENT);
    compare_row(page, "peak memory", "resources", "peak_rss_bytes", UNIT_SIZE);
    compare_row(page, "bytes read", "resources", "read_bytes", UNIT_SIZE);
    compare_row(page, "bytes written", "resources", "written_bytes", UNIT_SIZE);
    compare_row(page, "rows out", "rows", "rows_out", UNIT_COUNT);
    compare_row(page, "output size", "output", "bytes", UNIT_SIZE);
    compare_row(page, "content hash", "output", "content_hash", UNIT_TEXT);
    vj_page_put(page, "</table></div></section>\n");
}
