"""Sizes in words, and what a process has had."""

from pathlib import Path

import pytest

from reposer.core import BadInput
from reposer.core.memory import Need, memory_of_machine, own_peak, size_in_bytes, size_in_words


def test_a_size_is_a_number_and_a_unit():
    assert size_in_bytes("--max-memory", "4G") == size_in_bytes("--max-memory", " 4 gb ") == 4e9
    assert size_in_bytes("--max-memory", "800M") == 8e8 and size_in_bytes("--max-memory", "1.5GiB") == 1.5 * 2**30
    assert size_in_words(1.44e9) == "1.4 GB" and size_in_words(8e8) == "800 MB"


@pytest.mark.parametrize(
    "nonsense",
    ["", "4", "G", "-4G", "0G", "1K", "4 G G", "1e3M", "nan", "infG", "4,5G", "four G", "9" * 400 + "G", "1000000T"],
)
def test_what_is_no_size_is_refused_with_an_example(nonsense):
    with pytest.raises(BadInput, match=r"--max-memory is .*for example 800M, 4G or 1\.5GiB"):
        size_in_bytes("--max-memory", nonsense)


def test_a_need_is_the_sum_of_its_parts_and_says_what_was_chosen_for_it():
    need = Need(
        {"a": 1e9, "b": 0.4e9}, disk=3e8, changed=("--workers 1 instead of 2",), beside="beside what is not known"
    )
    assert need.memory == 1.4e9
    assert need.in_words().startswith(
        "needs about 1.4 GB of memory, 300 MB of disk, beside what is not known; chosen for --max-memory: --workers 1 "
    )
    assert "; this machine has" in Need({"a": 2.0 * memory_of_machine()}).in_words()


def test_what_a_process_has_had_is_told_also_where_the_kernel_leaves_its_line_out(monkeypatch):
    assert 10e6 < own_peak() < memory_of_machine()
    monkeypatch.setattr(Path, "read_text", lambda self: "Name:\tpython\nVmRSS:\t 1 kB\n")
    assert 10e6 < own_peak() < memory_of_machine()
