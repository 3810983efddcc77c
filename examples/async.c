/* Queues a hundred saves at once; they share a few commits. The callback counts the outcomes. */
#include <mastra/mastra.h>

#include <stdatomic.h>
#include <stdio.h>

static void done(void *user, mastra_status status, mastra_str json, const mastra_error *error)
{
    atomic_int *saved = user;

    (void)json;
    if (status == MASTRA_OK) {
        atomic_fetch_add(saved, 1);
    } else {
        fprintf(stderr, "%s\n", error->message);
    }
}

int main(void)
{
    mastra_error error = MASTRA_ERROR_INIT;
    mastra_store *store = NULL;
    atomic_int saved = 0;
    char args[256];

    if (mastra_open(":memory:", NULL, &store, &error) != MASTRA_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (int i = 0; i < 100; i++) {
        snprintf(args, sizeof args,
                 "{\"messages\":[{\"id\":\"m%d\",\"threadId\":\"t\",\"role\":\"user\",\"content\":\"number "
                 "%d\"}]}",
                 i, i);
        if (mastra_call_async(store, "saveMessages", mastra_str_of(args), 0, done, &saved, &error) !=
            MASTRA_OK) {
            fprintf(stderr, "%s\n", error.message);
        }
    }
    /* Closing waits for what is queued. */
    mastra_close(store, NULL);
    printf("%d saved\n", saved);
    return saved == 100 ? 0 : 1;
}
