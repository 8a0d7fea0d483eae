"""The container file's lines, which no image is built from in CI: each is carried out in a folder."""

import pytest

from scripts import container, release
from scripts.container import LineFailed, carry_out, lines, sent


@pytest.mark.nightly
def test_each_line_of_the_container_file_can_be_carried_out(tmp_path, capsys):
    carry_out(release.build(tmp_path), tmp_path / "image", borrow=True)
    said = capsys.readouterr().out
    assert f"reposer --version: reposer {release.version()}" in said and "RUN pip install" in said
    assert (tmp_path / "image/environment/bin/reposer").is_file() and not list((tmp_path / "image/tmp").iterdir())


def test_the_build_is_sent_what_it_copies_and_nothing_else():
    copied = [
        name
        for keyword, rest in lines((release.ROOT / container.FILE).read_text())
        if keyword == "COPY"
        for name in rest.split()[:-1]
    ]
    assert copied and all(sent(name.replace("*", "0.2.0-py3-none-any")) for name in copied)
    assert not any(
        sent(name) for name in ("runs/x/state.pt", ".venv/bin/python", "src/reposer/__init__.py", "dist/x.txt")
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("COPY gone.txt /tmp/", "copies gone.txt, which is not there"),
        ("COPY README.md /tmp/", "copies README.md, which .dockerignore leaves out"),
        ("RUN useradd --create-home somebody\nUSER reposer", "runs as reposer, whom no line before made"),
        ("RUN apt-get install x", "is not checked here: RUN apt-get install x"),
        ("COPY constraints.txt \\\n  /tmp/", "leaves constraints.txt in /tmp"),
    ],
)
def test_a_line_that_cannot_be_carried_out_is_named(text, fault, tmp_path, monkeypatch):
    monkeypatch.setattr(container, "ROOT", tmp_path)
    (tmp_path / container.FILE).write_text(f"# A comment.\nFROM python\n{text}\n")
    (tmp_path / container.IGNORED).write_text((release.ROOT / container.IGNORED).read_text())
    for name in ("README.md", "constraints.txt"):
        (tmp_path / name).touch()
    monkeypatch.setattr(container.subprocess, "run", lambda *words, **options: None)  # no environment is needed
    with pytest.raises(LineFailed, match=fault):
        carry_out(tmp_path / "reposer-1.0-py3-none-any.whl", tmp_path / "image", borrow=True)
