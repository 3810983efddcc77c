/*
 * Keeps run locks alive: a thread of the store that renews each kept lock after a third of its time, until it is
 * forgotten (released), lost, or the store closes.
 */
#ifndef DOMAINS_LOCK_KEEPER_H
#define DOMAINS_LOCK_KEEPER_H

#include "domains/run_locks.h"

struct ms_kept_lock;

/*
 * Makes ready to keep a lock, before it is acquired: keeping it afterwards cannot fail. The texts of `lock` are copied,
 * its generation and times are not known yet. Errors: CLOSED, OUT_OF_MEMORY.
 */
mastra_status ms_keeper_prepare(struct ms_call *call, const mastra_run_lock *lock,
                                const mastra_run_lock_args *args, int64_t ttl_ms, struct ms_kept_lock **ret);

/* Frees what was prepared and not kept. NULL is allowed. */
void ms_keeper_discard(struct ms_kept_lock *kept);

/* Keeps the lock, which was acquired with this generation just now. */
void ms_keeper_keep(struct ms_call *call, struct ms_kept_lock *kept, const mastra_run_lock *lock);

/* Renews the lock of this run, owner and generation (0: any) no more, and tells nobody. */
void ms_keeper_forget(struct ms_call *call, const mastra_run_lock *lock);

#endif
