/* Backing up a store. The public header says what it does. */
#include "domains/checkup.h"

#include "base/error.h"
#include "store/store.h"

struct backup {
    const char *path;
    mastra_backup_fn tell;
    void *user;
};

static mastra_status write_backup(struct ms_unit *unit, void *arg)
{
    const struct backup *backup = arg;
    const struct ms_backend_ops *ops = unit->session->backend->ops;

    return ops->backup(unit->session, backup->path, backup->tell, backup->user, unit->error);
}

static mastra_status back_up(struct ms_call *call, const char *path, mastra_backup_fn tell, void *user)
{
    struct backup backup = {path, tell, user};
    const struct ms_backend_ops *ops = call->store->backend->ops;

    if (!path || !path[0]) {
        return ms_error_argument(&call->error, "path", mastra_str_of(path), "must name a file");
    }
    if (!ops->backup) {
        return ms_error_set(&call->error, MASTRA_NOT_SUPPORTED,
                            "a %s store is backed up by the means of its database, or by export or copy",
                            ops->name);
    }
    return ms_read(call, MS_READ_SNAPSHOT, write_backup, &backup, NULL);
}

mastra_status mastra_backup(mastra_store *store, const char *path, mastra_backup_fn tell, void *user,
                            mastra_error *error)
{
    MS_RUN(backup, back_up, path, tell, user);
}
