#include "choice.h"
#include "cli.h"

static const struct {
    const char *name;
    const char *table;
} kinds[] = {
    {"threads", "mastra_threads"},
    {"messages", "mastra_messages"},
    {"resources", "mastra_resources"},
    {"runs", "mastra_workflow_snapshot"},
    {"spans", "mastra_ai_spans"},
    {"scores", "mastra_scorers"},
    {"evals", "mastra_evals"},
    {"traces", "mastra_traces"},
    {"locks", "mastra_workflow_run_locks"},
};

#define KIND_COUNT (sizeof kinds / sizeof kinds[0])

static bool is_name(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && memcmp(name, text, len) == 0;
}

static const char *find(const char *text, size_t len)
{
    static const char prefix[] = "mastra_";

    for (size_t i = 0; i < KIND_COUNT; i++) {
        if (is_name(kinds[i].name, text, len) || is_name(kinds[i].table, text, len) ||
            is_name(kinds[i].table + sizeof prefix - 1, text, len)) {
            return kinds[i].table;
        }
    }
    return NULL;
}

int choice_read(struct choice *choice, const char *list)
{
    choice->count = 0;
    for (const char *at = list; at; at++) {
        size_t len = strcspn(at, ",");
        const char *table = find(at, len);

        if (!table) {
            const char *shown = cli_shown(at);
            size_t shown_len = shown == at ? len : strlen(shown);

            return cli_complain(MASTRA_USAGE,
                                "--only knows threads, messages, resources, runs, spans, scores, evals, "
                                "traces and locks, not \"%.*s\"",
                                (int)(shown_len < 100 ? shown_len : 100), shown);
        }
        if (choice->count == CHOICE_MOST) {
            return cli_complain(MASTRA_USAGE, "--only names a table twice");
        }
        choice->names[choice->count++] = mastra_str_of(table);
        at += len;
        if (!*at) {
            break;
        }
    }
    return 0;
}
