"""Loading large libraries at the start of a command."""

import gc
import sys

import pytest

from reposer.cli.startup import WithoutCollector


@pytest.mark.parametrize("on", [True, False])
@pytest.mark.parametrize("fails", [False, True])
def test_a_library_is_loaded_once_without_the_collector_which_is_then_as_before(tmp_path, monkeypatch, on, fails):
    content = "import gc\nfound = gc.isenabled()\nkept = [[] for _ in range(5000)]\n" + ("1 / 0\n" if fails else "")
    (tmp_path / "some_library.py").write_text(content)
    (tmp_path / "other_library.py").write_text(content.replace("1 / 0", ""))
    monkeypatch.setattr(sys, "meta_path", [WithoutCollector("some_library"), *sys.meta_path])
    monkeypatch.syspath_prepend(tmp_path)
    was_on, frozen = gc.isenabled(), gc.get_freeze_count()
    try:
        (gc.enable if on else gc.disable)()
        import other_library

        assert other_library.found == on and gc.get_freeze_count() <= frozen
        if fails:
            with pytest.raises(ZeroDivisionError):
                import some_library
        else:
            import some_library

            assert not some_library.found and gc.get_freeze_count() >= frozen + 5000
        assert gc.isenabled() == on
        assert not any(isinstance(finder, WithoutCollector) for finder in sys.meta_path)
    finally:
        (gc.enable if was_on else gc.disable)()
        for name in ("some_library", "other_library"):
            sys.modules.pop(name, None)
