"""The side channel: lines on a Unix socket."""

import json
import socket
import threading
import time

from iam import Key

KINDS = ("conflict", "cut-before", "cut-after")


class Control:
    def __init__(self, double, path):
        self.double = double
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen(16)

    def serve(self):
        while True:
            asker, _ = self.socket.accept()
            threading.Thread(target=self.talk, args=(asker,), daemon=True).start()

    def talk(self, asker):
        with asker, asker.makefile("rw", encoding="utf-8") as lines:
            for line in lines:
                lines.write(self.answer(line) + "\n")
                lines.flush()

    def answer(self, line):
        words = line.split()
        act = getattr(self, "do_" + words[0].replace("-", "_"), None) if words else None
        if not act:
            return f"error: unknown: {line.strip()}"
        try:
            said = act(*words[1:])
        except (TypeError, ValueError, KeyError) as error:
            return f"error: {line.strip()}: {error}"
        return "ok" if said is None else f"ok {said}"

    def do_set(self, name, value):
        self.double.set(name, value)

    def do_get(self, name):
        value = self.double.settings[name]
        return {True: "on", False: "off"}[value] if isinstance(value, bool) else value

    def do_reset(self):
        self.double.reset()

    def do_fail(self, number, kind):
        if kind not in KINDS or int(number) < 1:
            raise ValueError("no such fault")
        self.double.fail(int(number), kind)

    def do_drop(self):
        self.double.drop()

    def do_schema_changed(self):
        self.double.bump(None)

    def do_key(self, name, secret, *more):
        said = dict(word.split("=", 1) for word in more)
        key = Key(secret, said.pop("session", None))
        key.actions = set(said.pop("actions", "DbConnect,DbConnectAdmin").split(","))
        key.arn = said.pop("arn", key.arn)
        expires = said.pop("expires", None)
        key.expires = time.time() + float(expires) if expires else None
        if said:
            raise ValueError(f"unknown {sorted(said)[0]}")
        self.double.keys[name] = key

    def do_forget(self, name):
        del self.double.keys[name]

    def do_count(self, name):
        return self.double.count(name)

    def do_log(self, number="20"):
        return json.dumps(list(self.double.journal)[-int(number):], ensure_ascii=False)

    def do_finish_jobs(self):
        self.double.jobs.finish_all()
