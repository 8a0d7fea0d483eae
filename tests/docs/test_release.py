"""The release: one version everywhere, a wheel with what it needs and nothing else, an import that loads nothing."""

import subprocess
import sys
import zipfile

import pytest

from scripts import release

METADATA = """Metadata-Version: 2.4
Name: reposer
Version: 1.0
Summary: x
"""


def test_the_version_is_the_same_everywhere_and_the_changelog_has_it():
    assert list(release.version_faults()) == []


def test_another_version_and_a_release_without_a_day_are_faults(tmp_path, monkeypatch):
    (tmp_path / "src/reposer").mkdir(parents=True)
    (tmp_path / "src/reposer/__init__.py").write_text('__version__ = "2.0"\n')
    (tmp_path / "pyproject.toml").write_text('version = "2.0"\n')
    (tmp_path / "CITATION.cff").write_text("version: 1.9\n")
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## [1.9] - soon\n")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    found = "\n".join(release.version_faults())
    assert "CITATION.cff has no line 'version: 2.0'" in found and "pyproject" not in found
    assert "begin with [Unreleased]" in found and "is not 2.0" in found and "'soon', not YYYY-MM-DD" in found


def test_a_wheel_that_lacks_weights_or_holds_tests_is_refused(tmp_path):
    wheel = tmp_path / "reposer-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("reposer/py.typed", "")
        archive.writestr("tests/test_x.py", "")
        archive.writestr("reposer-1.0.dist-info/METADATA", METADATA)
    found = list(release.wheel_faults(wheel))
    assert "reposer/weights/trueflow.safetensors is not in the wheel" in found
    assert "tests is in the wheel, and is not ours to install" in found
    assert "the metadata has no License-Expression" in found and "the metadata has no Classifier" in found
    assert not any("py.typed" in fault or "Summary" in fault for fault in found)


def test_importing_reposer_loads_the_standard_library_alone():
    code = "import sys; before = set(sys.modules); import reposer; print(*sorted(set(sys.modules) - before))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert said and {name.split(".")[0] for name in said} <= {"reposer", *sys.stdlib_module_names}


def test_a_build_begins_without_what_an_earlier_one_left(tmp_path, monkeypatch):
    (tmp_path / "src/reposer").mkdir(parents=True)
    (tmp_path / "src/reposer/__init__.py").write_text('__version__ = "2.0"\n')
    (tmp_path / "build/lib/reposer").mkdir(parents=True)
    (tmp_path / "build/lib/reposer/gone.py").touch()
    there = []
    monkeypatch.setattr(release, "ROOT", tmp_path)
    monkeypatch.setattr(release.subprocess, "run", lambda *of, **how: there.append((tmp_path / "build/lib").exists()))
    release.build(tmp_path)
    assert there == [False]


def test_only_a_release_is_refused_for_its_speed(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(release, "_seconds", lambda command, folder: 9.0 if command[-1] != "pass" else 0.0)
    assert list(release.speed_faults(tmp_path / "python", tmp_path, judged=False)) == []
    assert "reposer --help: 9.000 s" in capsys.readouterr().out
    assert len(list(release.speed_faults(tmp_path / "python", tmp_path, judged=True))) == 2


@pytest.mark.nightly
def test_the_wheel_works_in_an_environment_outside_of_the_repository(tmp_path):
    assert release.main(["--borrow", "--any-speed", "--out", str(tmp_path)]) == 0
