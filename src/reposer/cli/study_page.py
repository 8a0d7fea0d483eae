"""Serves the page of a study until Ctrl-C."""

from pathlib import Path

from reposer.core.terminal import Terminal
from reposer.study import Answers, Asking, Folders, Study
from reposer.web.server import WebServer
from reposer.web.study import study_application


def serve(study: Study, folders: Folders, out: Path, host: str, port: int) -> int:
    """Serve the study at this address; the participants' answers go to the file `out`."""
    answers = Answers(out, study)
    try:
        server = WebServer(host, port, study_application(Asking(study, folders, answers)))
        Terminal(stderr=True).say(f"The study is at {server.url} until Ctrl-C; answers in {out}")
        try:
            server.serve_forever()
        except KeyboardInterrupt as stop:
            people, count = answers.count()
            stop.args = (f"stopped; {people} people, {count} answers. The same command goes on.",)
            raise
    finally:
        answers.close()
    return 0
