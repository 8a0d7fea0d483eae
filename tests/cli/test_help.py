import subprocess
import sys

import pytest

from reposer.cli import COMMANDS, main


def test_the_help_imports_no_torch():
    code = "import sys; from reposer.cli import main; main(['--help']); sys.exit('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert all(command in result.stdout for command in COMMANDS)


def test_an_unknown_command_names_the_nearest(capsys):
    assert main(["trian"]) == 2
    assert "Did you mean 'train'" in capsys.readouterr().err


def test_an_unknown_recipe_names_the_nearest(capsys):
    assert main(["train", "gfla-mni"]) == 2
    error = capsys.readouterr().err
    assert "Did you mean gfla-mini" in error and error.count("\n") == 1


@pytest.mark.parametrize("command", [["recipes"], ["models"], ["data", "list"]])
def test_what_there_is_can_be_listed(command, capsys):
    assert main(command) == 0
    assert "gfla" in capsys.readouterr().out or command == ["data", "list"]
