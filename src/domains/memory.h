/*
 * The memory domain: what saving, listing and changing threads, messages and resources means. The public header says
 * what each operation does; these are the same with the call in place of store and error.
 */
#ifndef DOMAINS_MEMORY_H
#define DOMAINS_MEMORY_H

#include "domains/api.h"

#include <mastra/memory.h>

#define MS_MEMORY_OPS(X)                                                                                     \
    X(save_thread, "saveThread", "SAVE_THREAD", true, true)                                                  \
    X(create_thread, "createThread", "CREATE_THREAD", true, true)                                            \
    X(get_thread_by_id, "getThreadById", "GET_THREAD_BY_ID", false, true)                                    \
    X(update_thread, "updateThread", "UPDATE_THREAD", true, true)                                            \
    X(delete_thread, "deleteThread", "DELETE_THREAD", true, true)                                            \
    X(list_threads, "listThreads", "LIST_THREADS", false, true)                                              \
    X(list_threads_by_resource_id, "listThreadsByResourceId", "LIST_THREADS_BY_RESOURCE_ID", false, true)    \
    X(update_thread_resource_id, "updateThreadResourceId", "UPDATE_THREAD_RESOURCE_ID", true, true)          \
    X(clone_thread, "cloneThread", "CLONE_THREAD", true, false)                                              \
    X(copy_thread, "copyThread", "CLONE_THREAD", true, false)                                                \
    X(save_messages, "saveMessages", "SAVE_MESSAGES", true, true)                                            \
    X(list_messages, "listMessages", "LIST_MESSAGES", false, true)                                           \
    X(list_messages_by_resource_id, "listMessagesByResourceId", "LIST_MESSAGES_BY_RESOURCE_ID", false, true) \
    X(list_messages_by_id, "listMessagesById", "LIST_MESSAGES_BY_ID", false, true)                           \
    X(update_messages, "updateMessages", "UPDATE_MESSAGES", true, true)                                      \
    X(delete_messages, "deleteMessages", "DELETE_MESSAGES", true, true)                                      \
    X(get_resource_by_id, "getResourceById", "GET_RESOURCE_BY_ID", false, true)                              \
    X(save_resource, "saveResource", "SAVE_RESOURCE", true, true)                                            \
    X(update_resource, "updateResource", "UPDATE_RESOURCE", true, true)                                      \
    X(list_resources, "listResources", "LIST_RESOURCES", false, true)

MS_MEMORY_OPS(MS_OP_DECLARE)

mastra_status ms_save_thread(struct ms_call *call, const mastra_thread *thread, mastra_thread **ret);
mastra_status ms_create_thread(struct ms_call *call, const mastra_thread *thread, mastra_thread **ret);
/* The thread that ms_create_thread would save, its texts borrowed from `given` and the call. */
mastra_status ms_build_thread(struct ms_call *call, const mastra_thread *given, mastra_thread *ret);
mastra_status ms_get_thread_by_id(struct ms_call *call, mastra_str thread_id, mastra_str resource_id,
                                  mastra_thread **ret);
/* Here and below `unset` is JSON: an array of names of members of the stored metadata to take away, or absent. */
mastra_status ms_update_thread(struct ms_call *call, const mastra_thread_patch *patch, mastra_str unset,
                               mastra_thread **ret);
mastra_status ms_delete_thread(struct ms_call *call, mastra_str thread_id);
mastra_status ms_list_threads(struct ms_call *call, const mastra_list_threads_args *args,
                              mastra_thread_list **ret);
mastra_status ms_list_threads_by_resource_id(struct ms_call *call, const mastra_list_threads_args *args,
                                             mastra_thread_list **ret);
mastra_status ms_update_thread_resource_id(struct ms_call *call, mastra_str thread_id, mastra_str resource_id,
                                           mastra_thread **ret);
mastra_status ms_clone_thread(struct ms_call *call, const mastra_clone_thread_args *args, mastra_clone **ret);

mastra_status ms_save_messages(struct ms_call *call, const mastra_message *const *messages, size_t count,
                               mastra_message_list **ret);
mastra_status ms_list_messages(struct ms_call *call, const mastra_list_messages_args *args,
                               mastra_message_list **ret);
mastra_status ms_list_messages_by_resource_id(struct ms_call *call, const mastra_list_messages_args *args,
                                              mastra_message_list **ret);
mastra_status ms_list_messages_by_id(struct ms_call *call, const mastra_str *ids, size_t count,
                                     mastra_message_list **ret);
/* An object of such arrays, by the ids of messages. */
mastra_status ms_update_messages(struct ms_call *call, const mastra_message_patch *const *patches,
                                 size_t count, mastra_str unset, mastra_message_list **ret);
mastra_status ms_delete_messages(struct ms_call *call, const mastra_str *ids, size_t count);

mastra_status ms_get_resource_by_id(struct ms_call *call, mastra_str resource_id, mastra_resource **ret);
mastra_status ms_save_resource(struct ms_call *call, const mastra_resource *resource, mastra_resource **ret);
mastra_status ms_update_resource(struct ms_call *call, const mastra_resource_patch *patch, mastra_str unset,
                                 mastra_resource **ret);
mastra_status ms_list_resources(struct ms_call *call, const mastra_list_resources_args *args,
                                mastra_resource_list **ret);

#endif
