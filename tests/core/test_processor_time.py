import multiprocessing
import time

from reposer.core.processes import processor_seconds


def test_processor_time_includes_children_that_run_and_those_that_ended_once_and_no_sleep():
    before = processor_seconds()
    time.sleep(0.05)
    assert processor_seconds() - before < 0.05
    earlier = _of_children()
    context = multiprocessing.get_context("fork")
    heard, said = context.Pipe(duplex=False)
    go_on = context.Event()
    child = context.Process(target=_computes, args=(said, go_on))
    child.start()
    its_own = heard.recv()
    running = _of_children() - earlier
    go_on.set()
    child.join()
    ended = _of_children() - earlier
    assert its_own >= 0.3
    for counted in (running, ended):  # its end takes a little, and the system counts in hundredths
        assert its_own - 0.05 < counted < its_own + 0.15, (its_own, running, ended)


def _of_children():
    own = time.process_time()
    return processor_seconds() - own


def _computes(said, go_on):
    while time.process_time() < 0.3:
        pass
    said.send(time.process_time())
    go_on.wait()
