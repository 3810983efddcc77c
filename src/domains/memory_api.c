/* The typed functions of <mastra/memory.h>: each begins a call, runs the domain's function, ends the call. */
#include "domains/api.h"
#include "domains/memory.h"

MS_MEMORY_OPS(MS_OP_DEFINE)

mastra_status mastra_save_thread(mastra_store *store, const mastra_thread *thread, mastra_thread **ret_thread,
                                 mastra_error *error)
{
    MS_RUN(save_thread, ms_save_thread, thread, ret_thread);
}

mastra_status mastra_create_thread(mastra_store *store, const mastra_thread *thread,
                                   mastra_thread **ret_thread, mastra_error *error)
{
    MS_RUN(create_thread, ms_create_thread, thread, ret_thread);
}

mastra_status mastra_get_thread_by_id(mastra_store *store, mastra_str thread_id, mastra_str resource_id,
                                      mastra_thread **ret_thread, mastra_error *error)
{
    MS_RUN(get_thread_by_id, ms_get_thread_by_id, thread_id, resource_id, ret_thread);
}

mastra_status mastra_update_thread(mastra_store *store, const mastra_thread_patch *patch,
                                   mastra_thread **ret_thread, mastra_error *error)
{
    MS_RUN(update_thread, ms_update_thread, patch, mastra_str_of(NULL), ret_thread);
}

mastra_status mastra_delete_thread(mastra_store *store, mastra_str thread_id, mastra_error *error)
{
    MS_RUN(delete_thread, ms_delete_thread, thread_id);
}

mastra_status mastra_list_threads(mastra_store *store, const mastra_list_threads_args *args,
                                  mastra_thread_list **ret_threads, mastra_error *error)
{
    MS_RUN(list_threads, ms_list_threads, args, ret_threads);
}

mastra_status mastra_list_threads_by_resource_id(mastra_store *store, const mastra_list_threads_args *args,
                                                 mastra_thread_list **ret_threads, mastra_error *error)
{
    MS_RUN(list_threads_by_resource_id, ms_list_threads_by_resource_id, args, ret_threads);
}

mastra_status mastra_update_thread_resource_id(mastra_store *store, mastra_str thread_id,
                                               mastra_str resource_id, mastra_thread **ret_thread,
                                               mastra_error *error)
{
    MS_RUN(update_thread_resource_id, ms_update_thread_resource_id, thread_id, resource_id, ret_thread);
}

mastra_status mastra_clone_thread(mastra_store *store, const mastra_clone_thread_args *args,
                                  mastra_clone **ret_clone, mastra_error *error)
{
    MS_RUN(clone_thread, ms_clone_thread, args, ret_clone);
}

mastra_status mastra_save_messages(mastra_store *store, const mastra_message *const *messages, size_t count,
                                   mastra_message_list **ret_messages, mastra_error *error)
{
    MS_RUN(save_messages, ms_save_messages, messages, count, ret_messages);
}

mastra_status mastra_list_messages(mastra_store *store, const mastra_list_messages_args *args,
                                   mastra_message_list **ret_messages, mastra_error *error)
{
    MS_RUN(list_messages, ms_list_messages, args, ret_messages);
}

mastra_status mastra_list_messages_by_resource_id(mastra_store *store, const mastra_list_messages_args *args,
                                                  mastra_message_list **ret_messages, mastra_error *error)
{
    MS_RUN(list_messages_by_resource_id, ms_list_messages_by_resource_id, args, ret_messages);
}

mastra_status mastra_list_messages_by_id(mastra_store *store, const mastra_str *message_ids, size_t count,
                                         mastra_message_list **ret_messages, mastra_error *error)
{
    MS_RUN(list_messages_by_id, ms_list_messages_by_id, message_ids, count, ret_messages);
}

mastra_status mastra_update_messages(mastra_store *store, const mastra_message_patch *const *patches,
                                     size_t count, mastra_message_list **ret_messages, mastra_error *error)
{
    MS_RUN(update_messages, ms_update_messages, patches, count, mastra_str_of(NULL), ret_messages);
}

mastra_status mastra_delete_messages(mastra_store *store, const mastra_str *message_ids, size_t count,
                                     mastra_error *error)
{
    MS_RUN(delete_messages, ms_delete_messages, message_ids, count);
}

mastra_status mastra_get_resource_by_id(mastra_store *store, mastra_str resource_id,
                                        mastra_resource **ret_resource, mastra_error *error)
{
    MS_RUN(get_resource_by_id, ms_get_resource_by_id, resource_id, ret_resource);
}

mastra_status mastra_save_resource(mastra_store *store, const mastra_resource *resource,
                                   mastra_resource **ret_resource, mastra_error *error)
{
    MS_RUN(save_resource, ms_save_resource, resource, ret_resource);
}

mastra_status mastra_update_resource(mastra_store *store, const mastra_resource_patch *patch,
                                     mastra_resource **ret_resource, mastra_error *error)
{
    MS_RUN(update_resource, ms_update_resource, patch, mastra_str_of(NULL), ret_resource);
}

mastra_status mastra_list_resources(mastra_store *store, const mastra_list_resources_args *args,
                                    mastra_resource_list **ret_resources, mastra_error *error)
{
    MS_RUN(list_resources, ms_list_resources, args, ret_resources);
}
