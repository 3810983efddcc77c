"""Nobody waits for a lock: a thread looks at what takes long, and has whoever is in the way give up."""

import threading
import time

from wire import Backend, Gone, SqlError

TICK = 0.02
# Who keeps a process waiting, and for a row (a transaction, a tuple) or for a whole table.
BLOCKERS = """SELECT b.pid, EXISTS (SELECT FROM pg_locks WHERE pid = {0} AND NOT granted AND locktype = 'relation')
    FROM unnest(pg_blocking_pids({0})) AS b (pid)"""


class Watch:
    def __init__(self, double):
        self.double = double
        self.backend = Backend(double.server)

    def run(self):
        while True:
            time.sleep(TICK)
            now = time.monotonic()
            limit = self.double.settings["lock_wait"]
            for session in self.double.all_sessions():
                since = session.since
                if since and now - since > limit and session.backend and self.look(session, since):
                    break

    def look(self, waiter, since):
        """Gives true where a circle was broken: others of it need not be looked at before that has come about."""
        for pid, whole in self.backend.query(BLOCKERS.format(waiter.backend.pid)):
            holder = next((s for s in self.double.all_sessions() if s.backend and s.backend.pid == int(pid)), None)
            if waiter.since != since:
                break
            if not holder:
                # A superuser's session of a test's, which will end.
                continue
            if holder.busy.acquire(blocking=False):
                try:
                    # Who is at work will commit and win; only who dawdles is in the way.
                    if time.monotonic() - holder.idle > self.double.settings["lock_wait"]:
                        self.push(holder, whole == "t")
                finally:
                    holder.busy.release()
            elif self.backend.query(f"SELECT FROM unnest(pg_blocking_pids({pid}))"):
                # It waits itself, perhaps for the waiter.
                waiter.conflict.victim = True
                self.backend.query(f"SELECT pg_cancel_backend({waiter.backend.pid})")
                return True
        return False

    def push(self, holder, whole):
        if holder.backend.status != b"T" or holder.conflict.dead:
            return
        try:
            holder.conflict.die() if whole else holder.conflict.give_up()
        except (SqlError, Gone, OSError) as error:
            self.double.note("broken", str(error))
            holder.cut()


class Jobs:
    """Ends asynchronous builds of indexes."""

    def __init__(self, double):
        self.double = double
        self.backend = Backend(double.server)
        self.lock = threading.Lock()
        self.wanted = threading.Event()

    def expect(self):
        """A job was given."""
        self.wanted.set()

    def finish(self, age):
        with self.lock:
            if int(self.backend.query(f"SELECT sys.double_finish({age})")[0][0]):
                self.double.bump(None)
            return self.backend.query("SELECT FROM sys.jobs WHERE status IN ('submitted', 'processing')")

    def finish_all(self):
        self.finish(-1)

    def run(self):
        while True:
            self.wanted.wait()
            self.wanted.clear()
            while self.finish(self.double.settings["index_delay"]):
                time.sleep(TICK)
