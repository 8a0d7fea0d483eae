"""Serves the page of a study until Ctrl-C."""

from pathlib import Path

from reposer.core import BadInput
from reposer.core.terminal import Terminal
from reposer.study import Answers, Folders, Study, StudyServer


def serve(study: Study, folders: Folders, out: Path, host: str, port: int) -> int:
    """Serve the study at this address; the participants' answers go to the file `out`."""
    answers = Answers(out, study)
    console = Terminal(stderr=True)
    try:
        with StudyServer((host, port), study, folders, answers) as server:
            console.say(f"The study is at {server.url} until Ctrl-C; answers in {out}")
            try:
                server.serve_forever()
            except KeyboardInterrupt as stop:
                people, count = answers.count()
                stop.args = (f"stopped; {people} people, {count} answers. The same command goes on.",)
                raise
    except (OSError, OverflowError) as error:
        raise BadInput(f"No page can be served at {host}:{port} ({error}); give another --port or --host.") from None
    finally:
        answers.close()
    return 0
