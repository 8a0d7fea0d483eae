"""A process for the queue's tests: no network, only what a job says."""

import os
import time


def work(connection, options):
    warm = options.get("warm")
    connection.send(("ready", {"device": "warmed" if warm else "none", "expected": {"kind": 50.0} if warm else {}}))
    while True:
        try:
            kind, about = connection.recv()
        except EOFError:
            return
        if about.get("sleep"):
            connection.send(("progress", {"done": 1, "of": 2}))
            time.sleep(about["sleep"])
        if about.get("die"):
            os._exit(3)
        done = {"kind": kind, "pid": os.getpid(), "parent": os.getppid()}
        connection.send(("failed", about["fail"]) if "fail" in about else ("done", done))
