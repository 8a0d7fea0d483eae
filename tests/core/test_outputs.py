"""What could not be written is refused before the work, in one sentence that names the path."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from reposer.core import BadInput
from reposer.core.outputs import check_output_file, check_output_folder


def refusal(check, path, **options):
    with pytest.raises(BadInput) as caught:
        check(path, **options)
    said = str(caught.value)
    assert str(path) in said and "\n" not in said
    return said


def test_what_can_be_written_passes_and_leaves_nothing(tmp_path):
    (tmp_path / "old.png").write_bytes(b"old")
    check_output_file(tmp_path / "old.png", endings=(".png", ".jpg"))
    check_output_file(tmp_path / "new" / "folder" / "NEW.PNG", endings=(".png", ".jpg"))
    check_output_folder(tmp_path)
    check_output_folder(tmp_path / "new" / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["old.png"]
    assert (tmp_path / "old.png").read_bytes() == b"old"


def test_another_ending_is_refused_with_the_endings_that_there_are(tmp_path):
    said = refusal(check_output_file, tmp_path / "a.gif", endings=(".png", ".jpg", ".jpeg"))
    assert said.startswith("--out ") and ".png, .jpg or .jpeg" in said


def test_a_file_where_a_folder_is_expected_and_a_folder_where_a_file_is(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    assert "is a folder" in refusal(check_output_file, tmp_path)
    assert "is a file" in refusal(check_output_folder, tmp_path / "file")
    for check in (check_output_file, check_output_folder):
        assert f"below {tmp_path / 'file'}, which is a file" in refusal(check, tmp_path / "file" / "a" / "b")


@pytest.mark.parametrize("name", ["x" * 300, "é" * 150, f"{'x' * 300}/a", f"a/{'x' * 300}"])
def test_a_name_that_is_too_long_is_refused(tmp_path, name):
    for check in (check_output_file, check_output_folder):
        assert "too long" in refusal(check, tmp_path / name)


def test_a_name_with_a_byte_of_zero_is_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be written"):
        check_output_file(tmp_path / "a\0b")


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here")
def test_a_place_that_takes_no_files_is_refused_for_root_too():
    assert "cannot be written in the folder /proc" in refusal(check_output_file, Path("/proc/a.png"))
    assert "cannot be written in the folder /proc" in refusal(check_output_folder, Path("/proc/a/b"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_device_is_never_written_over():
    for name in ("/dev/full", "/dev/null"):
        assert "device or a pipe" in refusal(check_output_file, Path(name))


def test_a_read_only_folder_is_refused(tmp_path, monkeypatch):
    def refuses(**options):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(options["dir"]))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuses)
    for check in (check_output_file, check_output_folder):
        said = refusal(check, tmp_path / "a.png")
        assert f"in the folder {tmp_path}: read-only file system" in said


def test_an_input_is_never_written_over_through_links_either(tmp_path):
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"photo")
    (tmp_path / "link.png").symlink_to("photo.png")
    os.link(photo, tmp_path / "second.png")
    (tmp_path / "folder").symlink_to(tmp_path)
    for name in ("photo.png", "link.png", "second.png", "folder/photo.png"):
        said = refusal(check_output_file, tmp_path / name, inputs=(None, "a-shipped-model", photo))
        assert f"is {photo} itself, which is read" in said
    check_output_file(tmp_path / "other.png", inputs=(None, "a-shipped-model", photo))


def test_links_that_lead_nowhere_or_in_a_circle_are_refused(tmp_path):
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    assert "leads nowhere" in refusal(check_output_file, tmp_path / "nowhere" / "a.png")
    for path in (tmp_path / "circle", tmp_path / "circle" / "a.png"):
        refusal(check_output_file, path)


def test_too_little_room_is_refused_where_the_system_knows_its_room(tmp_path, monkeypatch):
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 5_000_000, 5_000_000))
    check_output_folder(tmp_path)
    assert "needs 6.0 MB at least; only 5.0 are free" in refusal(check_output_folder, tmp_path, room=6_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 0))
    check_output_folder(tmp_path, room=6_000_000)


def test_a_way_up_from_a_folder_that_is_not_there_yet_leads_where_it_will(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(b"mine")
    up = Path("new") / ".." / "photo.png"
    assert "is photo.png itself" in refusal(check_output_file, up, inputs=["photo.png"])
    for check in (check_output_file, check_output_folder):
        assert "photo.png, which is a file" in refusal(check, up / "out.png")
    check_output_file(Path("new") / ".." / "out.png")
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]


def test_what_has_no_option_of_its_own_is_told_to_take_another_place(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    said = refusal(check_output_folder, tmp_path / "file" / "out", option="the folder")
    assert said.startswith("the folder ") and said.endswith("Give another name or place.")
