import multiprocessing
import time

from reposer.core.processes import processor_seconds


def test_processor_time_includes_children_that_run_and_those_that_ended_and_no_sleep():
    before = processor_seconds()
    time.sleep(0.05)
    assert processor_seconds() - before < 0.05
    context = multiprocessing.get_context("fork")
    heard, go_on = context.Event(), context.Event()
    child = context.Process(target=_computes, args=(heard, go_on))
    child.start()
    heard.wait()
    own = time.process_time()
    running = processor_seconds() - own
    go_on.set()
    child.join()
    ended = processor_seconds() - own
    assert running > 0.15 and ended > 0.15, (running, ended)


def _computes(heard, go_on):
    began = time.process_time()
    while time.process_time() - began < 0.2:
        pass
    heard.set()
    go_on.wait()
