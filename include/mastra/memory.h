/*
 * Agent memory: threads, messages and resources.
 *
 * All functions here are thread-safe. `error` may be NULL. Inputs are borrowed for the call. Outputs are written
 * only on success; each is released as a whole by its _free function, may be used from any thread after that, and
 * stays valid after the store was closed. A `ret_` pointer may be NULL when the result is not wanted.
 *
 * Besides the errors that a function lists, each may return INVALID_ARGUMENT (a field that is missing, not UTF-8,
 * holds U+0000 where ids, titles, roles and types may not, or is not valid JSON where JSON is expected; nothing has
 * been written), BUSY, READ_ONLY, FULL, CORRUPT, CANNOT_OPEN, TIMEOUT, CLOSED, FORKED and OUT_OF_MEMORY.
 */
#ifndef MASTRA_MEMORY_H
#define MASTRA_MEMORY_H

#include <mastra/store.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Records. Inputs begin from the _INIT macro; fields are only ever appended. */

typedef struct mastra_thread {
    size_t size;
    mastra_str id;
    mastra_str resource_id;
    mastra_str title;
    mastra_str metadata; /* JSON text, kept character for character; absent: none */
    mastra_time created_at;
    mastra_time updated_at;
} mastra_thread;

#define MASTRA_THREAD_INIT                                                                                   \
    {                                                                                                        \
        sizeof(mastra_thread), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, MASTRA_TIME_NONE,                 \
            MASTRA_TIME_NONE                                                                                 \
    }

typedef struct mastra_message {
    size_t size;
    mastra_str id;
    mastra_str thread_id;
    mastra_str content; /* plain text, or the text of a JSON object or array; kept character for character */
    mastra_str role;
    mastra_str type; /* absent in inputs: "v2" */
    mastra_time created_at;
    mastra_str resource_id;
} mastra_message;

#define MASTRA_MESSAGE_INIT                                                                                  \
    {                                                                                                        \
        sizeof(mastra_message), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, MASTRA_TIME_NONE,     \
        {                                                                                                    \
            NULL, 0                                                                                          \
        }                                                                                                    \
    }

typedef struct mastra_resource {
    size_t size;
    mastra_str id;
    mastra_str working_memory; /* any text, never parsed; absent: none */
    mastra_str metadata;       /* JSON text; absent: none */
    mastra_time created_at;
    mastra_time updated_at;
} mastra_resource;

#define MASTRA_RESOURCE_INIT                                                                                 \
    {                                                                                                        \
        sizeof(mastra_resource), {NULL, 0}, {NULL, 0}, {NULL, 0}, MASTRA_TIME_NONE, MASTRA_TIME_NONE         \
    }

/*
 * Patches: `values` holds the key and the new values, `set` says which of them are meant; a field without its bit keeps
 * what is stored. A field whose bit is set and whose value is absent: working memory and a message's resource become
 * null, a message's type and createdAt take their defaults, a thread's title and all metadata keep what is stored; for
 * others it is an error.
 */
#define MASTRA_THREAD_SET_TITLE    (UINT64_C(1) << 2)
#define MASTRA_THREAD_SET_METADATA (UINT64_C(1) << 3)

typedef struct mastra_thread_patch {
    size_t size;
    uint64_t set;
    mastra_thread values;
} mastra_thread_patch;

#define MASTRA_THREAD_PATCH_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_thread_patch), 0, MASTRA_THREAD_INIT                                                   \
    }

#define MASTRA_MESSAGE_SET_THREAD_ID   (UINT64_C(1) << 1)
#define MASTRA_MESSAGE_SET_CONTENT     (UINT64_C(1) << 2)
#define MASTRA_MESSAGE_SET_ROLE        (UINT64_C(1) << 3)
#define MASTRA_MESSAGE_SET_TYPE        (UINT64_C(1) << 4)
#define MASTRA_MESSAGE_SET_CREATED_AT  (UINT64_C(1) << 5)
#define MASTRA_MESSAGE_SET_RESOURCE_ID (UINT64_C(1) << 6)

typedef struct mastra_message_patch {
    size_t size;
    uint64_t set;
    mastra_message values;
} mastra_message_patch;

#define MASTRA_MESSAGE_PATCH_INIT                                                                            \
    {                                                                                                        \
        sizeof(mastra_message_patch), 0, MASTRA_MESSAGE_INIT                                                 \
    }

#define MASTRA_RESOURCE_SET_WORKING_MEMORY (UINT64_C(1) << 1)
#define MASTRA_RESOURCE_SET_METADATA       (UINT64_C(1) << 2)

typedef struct mastra_resource_patch {
    size_t size;
    uint64_t set;
    mastra_resource values;
} mastra_resource_patch;

#define MASTRA_RESOURCE_PATCH_INIT                                                                           \
    {                                                                                                        \
        sizeof(mastra_resource_patch), 0, MASTRA_RESOURCE_INIT                                               \
    }

/* Order. */

typedef enum mastra_order_field {
    MASTRA_ORDER_DEFAULT = 0,
    MASTRA_ORDER_CREATED_AT = 1,
    MASTRA_ORDER_UPDATED_AT = 2, /* threads only; elsewhere the default order */
} mastra_order_field;

/* Opaque lists; items and page are borrowed from them. An index out of range gives NULL; the page is never NULL. */
typedef struct mastra_thread_list mastra_thread_list;
typedef struct mastra_message_list mastra_message_list;
typedef struct mastra_resource_list mastra_resource_list;

MASTRA_API size_t mastra_thread_list_count(const mastra_thread_list *list);
MASTRA_API const mastra_thread *mastra_thread_list_at(const mastra_thread_list *list, size_t index);
MASTRA_API const mastra_page *mastra_thread_list_page(const mastra_thread_list *list);
MASTRA_API void mastra_thread_list_free(mastra_thread_list *list); /* NULL is allowed */

MASTRA_API size_t mastra_message_list_count(const mastra_message_list *list);
MASTRA_API const mastra_message *mastra_message_list_at(const mastra_message_list *list, size_t index);
MASTRA_API const mastra_page *mastra_message_list_page(const mastra_message_list *list);
MASTRA_API void mastra_message_list_free(mastra_message_list *list); /* NULL is allowed */

MASTRA_API size_t mastra_resource_list_count(const mastra_resource_list *list);
MASTRA_API const mastra_resource *mastra_resource_list_at(const mastra_resource_list *list, size_t index);
MASTRA_API const mastra_page *mastra_resource_list_page(const mastra_resource_list *list);
MASTRA_API void mastra_resource_list_free(mastra_resource_list *list); /* NULL is allowed */

/* Each releases a record that a function below returned by itself (never one that a list lends). NULL is allowed. */
MASTRA_API void mastra_thread_free(mastra_thread *thread);
MASTRA_API void mastra_resource_free(mastra_resource *resource);

/* Threads. */

/*
 * Creates or wholly replaces the thread with this id. Required: id, resource_id. Title defaults to "", both times
 * to now. Mastra: saveThread.
 */
MASTRA_API mastra_status mastra_save_thread(mastra_store *store, const mastra_thread *thread,
                                            mastra_thread **ret_thread, mastra_error *error);

/*
 * Saves a thread whose id, when absent, is a new UUID; title defaults to "", both times to now.
 * Mastra: createThread.
 */
MASTRA_API mastra_status mastra_create_thread(mastra_store *store, const mastra_thread *thread,
                                              mastra_thread **ret_thread, mastra_error *error);

/*
 * Reads one thread; *ret_thread is NULL when there is none, or when `resource_id` is present and is not the thread's.
 * Mastra: getThreadById.
 */
MASTRA_API mastra_status mastra_get_thread_by_id(mastra_store *store, mastra_str thread_id,
                                                 mastra_str resource_id, mastra_thread **ret_thread,
                                                 mastra_error *error);

/*
 * Changes title (absent: kept) and metadata (a JSON object whose members are laid over the stored ones, one level
 * deep); updatedAt becomes now. Loses no concurrent update. Errors: NOT_FOUND. Mastra: updateThread.
 */
MASTRA_API mastra_status mastra_update_thread(mastra_store *store, const mastra_thread_patch *patch,
                                              mastra_thread **ret_thread, mastra_error *error);

/* Deletes a thread and its messages; an unknown id is no error. Mastra: deleteThread. */
MASTRA_API mastra_status mastra_delete_thread(mastra_store *store, mastra_str thread_id, mastra_error *error);

typedef struct mastra_list_threads_args {
    size_t size;
    mastra_str resource_id; /* absent: all */
    mastra_str metadata; /* JSON object; every member must equal the thread's of that name, type included */
    int64_t page;
    int64_t per_page;
    mastra_order_field order_by;
    mastra_direction direction;
    int64_t offset; /* with `limit`, instead of page and per_page */
    int64_t limit;  /* MASTRA_PER_PAGE_DEFAULT: page and per_page rule */
} mastra_list_threads_args;

#define MASTRA_LIST_THREADS_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_list_threads_args), {NULL, 0}, {NULL, 0}, 0, MASTRA_PER_PAGE_DEFAULT,                  \
            MASTRA_ORDER_DEFAULT, MASTRA_DIRECTION_DEFAULT, 0, MASTRA_PER_PAGE_DEFAULT                       \
    }

/* Threads, by default newest first, 100 to a page. `args` NULL: all defaults. Mastra: listThreads. */
MASTRA_API mastra_status mastra_list_threads(mastra_store *store, const mastra_list_threads_args *args,
                                             mastra_thread_list **ret_threads, mastra_error *error);

/* The same with a resource_id that is required. Mastra: listThreadsByResourceId. */
MASTRA_API mastra_status mastra_list_threads_by_resource_id(mastra_store *store,
                                                            const mastra_list_threads_args *args,
                                                            mastra_thread_list **ret_threads,
                                                            mastra_error *error);

/*
 * Gives a thread and all its messages to another resource. Errors: NOT_FOUND. Mastra: updateThreadResourceId.
 */
MASTRA_API mastra_status mastra_update_thread_resource_id(mastra_store *store, mastra_str thread_id,
                                                          mastra_str resource_id, mastra_thread **ret_thread,
                                                          mastra_error *error);

typedef struct mastra_clone_thread_args {
    size_t size;
    mastra_str source_thread_id;
    mastra_str new_thread_id; /* absent or empty: a new UUID */
    mastra_str resource_id;   /* absent or empty: the source's */
    mastra_str title;         /* absent or empty: "Clone of <title>", or "" when the source has none */
    mastra_str metadata;      /* JSON object; gets a member "clone" */
    int64_t message_limit;    /* the newest so many; 0 or less: all */
    mastra_time start_date;   /* inclusive; MASTRA_TIME_NONE: open */
    mastra_time end_date;
    const mastra_str *message_ids; /* only these; none: all */
    size_t message_id_count;
} mastra_clone_thread_args;

#define MASTRA_CLONE_THREAD_INIT                                                                             \
    {                                                                                                        \
        sizeof(mastra_clone_thread_args), {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}, 0,          \
            MASTRA_TIME_NONE, MASTRA_TIME_NONE, NULL, 0                                                      \
    }

/* A thread copied with its messages. Everything it lends lives until mastra_clone_free. */
typedef struct mastra_clone mastra_clone;

MASTRA_API const mastra_thread *mastra_clone_thread_of(const mastra_clone *clone);
MASTRA_API size_t mastra_clone_count(const mastra_clone *clone);
MASTRA_API const mastra_message *mastra_clone_message_at(const mastra_clone *clone, size_t index);
MASTRA_API mastra_str mastra_clone_source_id_at(const mastra_clone *clone, size_t index);
MASTRA_API void mastra_clone_free(mastra_clone *clone); /* NULL is allowed */

/*
 * Copies a thread and the chosen messages under new ids, all or nothing. Errors: NOT_FOUND (the source), CONFLICT (the
 * new id exists). Mastra: cloneThread, copyThread.
 */
MASTRA_API mastra_status mastra_clone_thread(mastra_store *store, const mastra_clone_thread_args *args,
                                             mastra_clone **ret_clone, mastra_error *error);

/* Messages. */

/*
 * Creates or replaces messages by id, all or none, and moves updatedAt of every thread they belong to to now. Required
 * in each: id, thread_id, role, content. A message saved again keeps its first createdAt. Of several messages with one
 * id in the call, the last wins with the createdAt of the first. Messages of one call keep their order among equal
 * createdAt. The list holds what was given, by createdAt, without duplicates. An empty batch does nothing.
 * Errors: NOT_FOUND on backends that insist on the thread (PostgreSQL, Aurora DSQL). Mastra: saveMessages.
 */
MASTRA_API mastra_status mastra_save_messages(mastra_store *store, const mastra_message *const *messages,
                                              size_t count, mastra_message_list **ret_messages,
                                              mastra_error *error);

/* A message to include with its neighbours, whether or not the page holds it and whichever its thread is. */
typedef struct mastra_include {
    size_t size;
    mastra_str id;
    int64_t with_previous; /* messages before it in its thread; less than 0 counts as 0 */
    int64_t with_next;
} mastra_include;

#define MASTRA_INCLUDE_INIT                                                                                  \
    {                                                                                                        \
        sizeof(mastra_include), {NULL, 0}, 0, 0                                                              \
    }

typedef struct mastra_list_messages_args {
    size_t size;
    const mastra_str *thread_ids; /* of listMessages: at least one; elsewhere ignored */
    size_t thread_id_count;
    mastra_str resource_id; /* absent: any */
    const mastra_include *const *include;
    size_t include_count;
    mastra_time start_date; /* MASTRA_TIME_NONE: open */
    mastra_time end_date;
    bool start_exclusive;
    bool end_exclusive;
    bool skip_total;     /* includeTotal: false; `total` is then what the pages so far hold */
    mastra_str metadata; /* JSON object compared with content.metadata: strings, numbers, booleans, null */
    int64_t page;
    int64_t per_page;
    mastra_order_field order_by;
    mastra_direction direction;
} mastra_list_messages_args;

#define MASTRA_LIST_MESSAGES_INIT                                                                            \
    {                                                                                                        \
        sizeof(mastra_list_messages_args), NULL, 0, {NULL, 0}, NULL, 0, MASTRA_TIME_NONE, MASTRA_TIME_NONE,  \
            false, false, false, {NULL, 0}, 0, MASTRA_PER_PAGE_DEFAULT, MASTRA_ORDER_DEFAULT,                \
            MASTRA_DIRECTION_DEFAULT                                                                         \
    }

/* Messages of one or several threads, by default oldest first, 40 to a page. Mastra: listMessages. */
MASTRA_API mastra_status mastra_list_messages(mastra_store *store, const mastra_list_messages_args *args,
                                              mastra_message_list **ret_messages, mastra_error *error);

/* Messages of a resource over all its threads; resource_id is required. Mastra: listMessagesByResourceId. */
MASTRA_API mastra_status mastra_list_messages_by_resource_id(mastra_store *store,
                                                             const mastra_list_messages_args *args,
                                                             mastra_message_list **ret_messages,
                                                             mastra_error *error);

/* The messages with these ids, oldest first; unknown ids are left out. Mastra: listMessagesById. */
MASTRA_API mastra_status mastra_list_messages_by_id(mastra_store *store, const mastra_str *message_ids,
                                                    size_t count, mastra_message_list **ret_messages,
                                                    mastra_error *error);

/*
 * Changes messages, all or none; unknown ids are left out. Content that is a JSON object is laid over a stored object
 * one level deep, and so is its member "metadata"; other content replaces. Threads left and entered get updatedAt now.
 * The list holds every message asked for that exists, as it is after the change. Mastra: updateMessages.
 */
MASTRA_API mastra_status mastra_update_messages(mastra_store *store,
                                                const mastra_message_patch *const *patches, size_t count,
                                                mastra_message_list **ret_messages, mastra_error *error);

/*
 * Deletes messages, all or none; unknown ids are ignored; updatedAt of the threads concerned becomes now.
 * Mastra: deleteMessages.
 */
MASTRA_API mastra_status mastra_delete_messages(mastra_store *store, const mastra_str *message_ids,
                                                size_t count, mastra_error *error);

/*
 * The readable text of a message, whatever form its content has: the text parts on lines of their own, other parts as
 * "[tool-invocation getWeather]". To be released with mastra_json_free. Errors: OUT_OF_MEMORY.
 */
MASTRA_API mastra_status mastra_message_text(const mastra_message *message, char **ret_text, size_t *ret_len,
                                             mastra_error *error);

/* Resources. */

/* Reads one resource; *ret_resource is NULL when there is none. Mastra: getResourceById. */
MASTRA_API mastra_status mastra_get_resource_by_id(mastra_store *store, mastra_str resource_id,
                                                   mastra_resource **ret_resource, mastra_error *error);

/* Creates or wholly replaces a resource. Required: id. Both times default to now. Mastra: saveResource. */
MASTRA_API mastra_status mastra_save_resource(mastra_store *store, const mastra_resource *resource,
                                              mastra_resource **ret_resource, mastra_error *error);

/*
 * Sets working memory (when its bit is set) and lays metadata (a JSON object) over the stored members; updatedAt
 * becomes now. A missing resource is created. Loses no concurrent update. Mastra: updateResource.
 */
MASTRA_API mastra_status mastra_update_resource(mastra_store *store, const mastra_resource_patch *patch,
                                                mastra_resource **ret_resource, mastra_error *error);

typedef struct mastra_list_resources_args {
    size_t size;
    int64_t page;
    int64_t per_page;
} mastra_list_resources_args;

#define MASTRA_LIST_RESOURCES_INIT                                                                           \
    {                                                                                                        \
        sizeof(mastra_list_resources_args), 0, MASTRA_PER_PAGE_DEFAULT                                       \
    }

/* Resources, newest first, 100 to a page. `args` NULL: all defaults. Not an operation of Mastra: listResources. */
MASTRA_API mastra_status mastra_list_resources(mastra_store *store, const mastra_list_resources_args *args,
                                               mastra_resource_list **ret_resources, mastra_error *error);

#ifdef __cplusplus
}
#endif

#endif
