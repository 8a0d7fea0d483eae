"""Changed files and options of every kind: no traceback, no odd exit code, no half file, no input touched, bounded
memory.

To look at one case: python -m tests.hostile.show NUMBER
"""

import shutil

import pytest

from tests.hostile.cases import ForkServer, faults, lay, listing, options_of
from tests.hostile.commands import COMMANDS
from tests.hostile.valid_files import write_valid_files

IN_A_TEST = len(COMMANDS)  # each command once
FEW, MANY = 6 * IN_A_TEST, 5_500

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def valid(tmp_path_factory):
    return write_valid_files(tmp_path_factory.mktemp("hostile") / "valid")


@pytest.fixture(scope="module")
def server(valid):
    server = ForkServer(valid)
    yield server
    server.close()


@pytest.fixture(scope="module")
def options(server, tmp_path_factory):
    return options_of(server, tmp_path_factory.mktemp("help"))


def run_cases(numbers, options, valid, server, folder):
    """Every fault of these cases, in words."""
    found = []
    for number in numbers:
        place = folder / str(number)
        case = lay(number, options, valid, place)
        before = listing(place)
        answer = server.run(case.arguments, place)
        wrong = faults(case, answer, before, place)
        if wrong:
            found.append(f"{case}\n    {'; '.join(wrong)}\n{answer['said'][-1500:]}")
        shutil.rmtree(place)
    return found


def test_the_commands_succeed_as_long_as_nothing_is_changed(valid, server, tmp_path):
    for name, command in COMMANDS.items():
        place = tmp_path / name.replace(" ", "-")
        place.mkdir()
        for there in command.inputs:
            copy = shutil.copytree if (valid / there).is_dir() else shutil.copy
            copy(valid / there, place / there)
        answer = server.run(list(command.arguments), place)
        assert answer["code"] == command.expected, f"{name}: {answer['said']}"
        for output in command.outputs:
            assert (place / output).exists(), f"{name}: no {output}"


@pytest.mark.parametrize("start", range(0, FEW, IN_A_TEST))
def test_changed_inputs_are_refused_in_words_or_used_and_harm_nothing(start, options, valid, server, tmp_path):
    numbers = range(start, min(start + IN_A_TEST, FEW))
    found = run_cases(numbers, options, valid, server, tmp_path)
    assert not found, f"{len(found)} of {len(numbers)} cases:\n\n" + "\n\n".join(found)


@pytest.mark.nightly
@pytest.mark.parametrize("start", range(FEW, MANY, 5 * IN_A_TEST))
def test_many_more_changed_inputs_harm_nothing(start, options, valid, server, tmp_path):
    numbers = range(start, min(start + 5 * IN_A_TEST, MANY))
    found = run_cases(numbers, options, valid, server, tmp_path)
    assert not found, f"{len(found)} of {len(numbers)} cases:\n\n" + "\n\n".join(found)
