"""The page's addresses: what a visitor may ask, and what is answered.

Everything of a visitor lies below `/api/visits/SECRET/`, under a name that only their page knows.
"""

import asyncio
import errno
import json
import logging
import math
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from reposer import __version__
from reposer.core.choices import Background, CanvasChoice, OtherSide
from reposer.data.poses.presets import preset, preset_names
from reposer.engines.presets import DEFAULT_MODEL, PRESETS

from .admission import refused
from .bodies import Refused, declared_bytes, json_of, save
from .jobs import Full, Job, Lane
from .models import Model
from .visits import VISIT_SECONDS, Visit, Visits

MOST_PHOTO_BYTES = 40_000_000
MOST_CLIP_BYTES = 200_000_000
SECONDS = {"look": 60.0, "person": 60.0, "fit": 60.0, "generate": 180.0, "track": 900.0, "animate": 3600.0}
"""How long each kind of job may run."""
OURS = ("index.html", "style.css", "page.js", "editor.js", "result.js", "clip.js", "api.js", "icon.svg")
KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
DOWNLOADS = {
    "reposed.png": "image/png",
    "reposed-provenance.png": "image/png",
    "reposed-provenance.npz": "application/octet-stream",
    "pose.json": "application/json",
    "source.json": "application/json",
    "reposed.mp4": "video/mp4",
    "track.json": "application/json",
    "photo": "application/octet-stream",
    "clip": "application/octet-stream",
}
"""Files of a visitor that are saved under their name."""
SHOWN = {
    "view.jpg": "image/jpeg",
    "view.png": "image/png",
    "flow.png": "image/png",
    "visibility.png": "image/png",
    "provenance.png": "image/png",
    "places.bin": "application/octet-stream",
}
"""Files of a visitor that the page shows."""
BACKGROUNDS, CANVASES, OTHER_SIDES = map(get_args, (Background, CanvasChoice, OtherSide))
SAMPLE_NAMES = {
    "green-shirt.jpg": "A man in a green shirt, outdoors",
    "lilac-shirt.jpg": "A woman in a lilac shirt, in a studio",
    "orange-shirt.jpg": "A man in an orange shirt, from the side",
}
_LONGEST_NAME = 120
_UNUSUAL = re.compile(r'[\x00-\x1f\x7f"]')
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_LEFT = "This page was left, so its pictures were deleted. Load it again."

Answer = Callable[[Request], Awaitable[Response]]


@dataclass
class Page:
    """What the page needs: the visitors, a lane for pictures and one for clips, and the models that may be chosen.

    on_loopback: whether only this machine reaches it. device: the one that was asked for, if any.
    """

    visits: Visits
    pictures: Lane
    clips: Lane
    models: Mapping[str, Model]
    on_loopback: bool = True
    device: str | None = None
    about: dict[str, Any] = field(default_factory=dict)

    def close(self) -> None:
        """End the processes and delete what visitors left."""
        self.pictures.close()
        self.clips.close()
        self.visits.close()


def routes(page: Page) -> list[Route]:
    """The addresses of the page."""
    visit = "/api/visits/{visit}"

    def route(path: str, answer: Callable[[Page, Visit, Request], Awaitable[Response]], method: str) -> Route:
        return Route(visit + path, _of_visitor(page, answer), methods=[method])

    return [
        Route("/", _file("index.html"), methods=["GET"]),
        *(Route(f"/{name}", _file(name), methods=["GET"]) for name in OURS if name != "index.html"),
        Route("/samples/{name}", _sample_picture, methods=["GET"]),
        Route("/api/about", _for_page(page, _about), methods=["GET"]),
        Route("/api/visits", _for_page(page, _begin), methods=["POST"]),
        Route(visit + "/leave", _for_page(page, _leave), methods=["POST"]),
        route("/photos", _take_photo, "POST"),
        route("/samples/{sample}", _take_sample, "POST"),
        route("/photos/{photo}/person", _choose_person, "POST"),
        route("/photos/{photo}/fit", _fit, "POST"),
        route("/photos/{photo}/generate", _generate, "POST"),
        route("/others", _take_other, "POST"),
        route("/clips", _take_clip, "POST"),
        route("/photos/{photo}/animate", _animate, "POST"),
        route("/jobs/{job}", _job, "GET"),
        route("/jobs/{job}", _cancel, "DELETE"),
        route("/files/{thing}/{file}", _visitors_file, "GET"),
    ]


def application(page: Page, more: list[Route] | None = None) -> Starlette:
    """The page as an application; closing it deletes everything."""
    page.visits.gone = lambda visit: _end_jobs(page, visit)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        tidying = asyncio.create_task(_tidy(page))
        try:
            yield
        finally:
            tidying.cancel()
            page.close()

    return Starlette(routes=[*routes(page), *(more or [])], lifespan=lifespan, exception_handlers=HANDLERS)


async def _tidy(page: Page) -> None:
    while True:
        await asyncio.sleep(VISIT_SECONDS / 60)
        page.visits.expire()
        page.visits.sweep()


async def _not_answered(request: Request, error: Exception) -> Response:
    if isinstance(error, Refused):
        return refused(error.status, error.message)
    if isinstance(error, HTTPException):
        return refused(error.status_code, HTTPStatus(error.status_code).phrase.lower())
    if isinstance(error, OSError) and error.errno in _FULL:
        return refused(HTTPStatus.INSUFFICIENT_STORAGE, "This could not be stored; there is no room on the disk.")
    # for whoever runs the server; the page gets no path and no line of code
    logging.getLogger(__name__).error("A request was not answered as it should be", exc_info=error)
    return refused(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong that should not. Try again.")


HANDLERS: Mapping[Any, Any] = {
    Refused: _not_answered,
    HTTPException: _not_answered,
    OSError: _not_answered,
    Exception: _not_answered,
}


def _for_page(page: Page, answer: Callable[[Page, Request], Awaitable[Response]]) -> Answer:
    async def bound(request: Request) -> Response:
        return await answer(page, request)

    return bound


def _of_visitor(page: Page, answer: Callable[[Page, Visit, Request], Awaitable[Response]]) -> Answer:
    """The answer for a visitor who is known; others are refused."""

    async def bound(request: Request) -> Response:
        visit = page.visits.find(request.path_params["visit"])
        if visit is None:
            raise Refused(
                HTTPStatus.GONE, "This page was left for an hour, so its pictures were deleted. Load it again."
            )
        try:
            return await answer(page, visit, request)
        except FileNotFoundError:
            if visit.left:  # while this was answered
                raise Refused(HTTPStatus.GONE, _LEFT) from None
            raise

    return bound


def _file(name: str) -> Answer:
    content = files(__package__).joinpath("page", name).read_bytes()
    kind = f"{KINDS[Path(name).suffix]}; charset=utf-8"

    async def answer(request: Request) -> Response:
        return Response(content, media_type=kind)

    return answer


async def _sample_picture(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in SAMPLE_NAMES:
        raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here")
    return Response(_sample(name), media_type="image/jpeg")


def _sample(name: str) -> bytes:
    return files(__package__).joinpath("samples", name).read_bytes()


async def _about(page: Page, request: Request) -> Response:
    """What the page shows before anything is chosen."""
    presets = {}
    for name in preset_names():
        pose = preset(name)
        places = zip(pose.skeleton.joints, pose.xy.tolist(), pose.visible.tolist(), strict=True)
        presets[name] = {joint: xy if seen else None for joint, xy, seen in places}
    limbs = [[a, b] for a, b in preset("standing").skeleton.limbs if "ear" not in b or "eye" in a]
    return JSONResponse(
        {
            "version": __version__,
            "samples": SAMPLE_NAMES,
            "presets": {
                "size": list(preset("standing").size),
                "joints": list(preset("standing").skeleton.joints),
                "limbs": limbs,
                "poses": presets,
            },
            "models": {name: model.to_plain() for name, model in page.models.items()},
            "qualities_of": DEFAULT_MODEL,
            "device": page.pictures.ready.get("device"),
            "ready": bool(page.pictures.ready),
            "expected": {**page.clips.expected, **page.pictures.expected},
            "visitors": len(page.visits),
            "local": page.on_loopback,
            "most": {"photo": MOST_PHOTO_BYTES, "clip": MOST_CLIP_BYTES},
        }
    )


async def _begin(page: Page, request: Request) -> Response:
    visit = page.visits.begin()
    if visit is None:
        raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "Too many people are here already. Try again in a while.")
    return JSONResponse({"visit": visit.name}, HTTPStatus.CREATED)


async def _leave(page: Page, request: Request) -> Response:
    page.visits.leave(request.path_params["visit"])
    return Response(status_code=HTTPStatus.NO_CONTENT)


def _end_jobs(page: Page, visit: Visit) -> None:
    for job in visit.jobs.values():
        _lane(page, job).cancel(job)


def _lane(page: Page, job: Job) -> Lane:
    return page.clips if job.kind in ("track", "animate") else page.pictures


def _new(visit: Visit, kind: str, coming: int = 0) -> tuple[str, Path]:
    if not visit.has_room(coming):
        raise Refused(
            HTTPStatus.INSUFFICIENT_STORAGE, "Your pictures take too much room. Load the page again to begin anew."
        )
    return visit.place(kind)


def _submit(page: Page, visit: Visit, kind: str, **about: Any) -> Response:
    if visit.left:  # while a file was sent
        raise Refused(HTTPStatus.GONE, _LEFT)
    job = Job(visit.name, kind, {"root": str(page.visits.root), **about}, SECONDS[kind])
    try:
        _lane(page, job).submit(job)
    except Full:
        raise Refused(
            HTTPStatus.SERVICE_UNAVAILABLE, "Too much is waiting to be made already. Try again in a while."
        ) from None
    visit.remember(job)
    return JSONResponse({"job": job.number, "thing": about.get("thing")}, HTTPStatus.ACCEPTED)


async def _take_photo(page: Page, visit: Visit, request: Request) -> Response:
    return await _taken(page, visit, request, "photo", MOST_PHOTO_BYTES, "look")


async def _take_clip(page: Page, visit: Visit, request: Request) -> Response:
    return await _taken(page, visit, request, "clip", MOST_CLIP_BYTES, "track")


async def _taken(page: Page, visit: Visit, request: Request, kind: str, most: int, job: str) -> Response:
    """Store a file that was sent, under a name of ours, and look at it."""
    thing, folder = await _stored(visit, request, kind, kind, most)
    try:
        return _submit(page, visit, job, out=str(folder), thing=thing, **{kind: str(folder / kind)})
    except Refused:
        (folder / kind).unlink(missing_ok=True)
        raise


async def _stored(visit: Visit, request: Request, kind: str, file: str, most: int) -> tuple[str, Path]:
    """A new thing with the file that was sent, under a name of ours; its title is the sender's name for it."""
    coming = declared_bytes(request, most)
    thing, folder = _new(visit, kind, coming)
    with visit.reserved(coming):
        await save(request, folder / file, most)
    visit.titles[thing] = plain_name(unquote(request.headers.get("x-name", "")), file)
    return thing, folder


async def _take_sample(page: Page, visit: Visit, request: Request) -> Response:
    name = request.path_params["sample"]
    if name not in SAMPLE_NAMES:
        raise Refused(HTTPStatus.NOT_FOUND, "there is no such sample")
    thing, folder = _new(visit, "photo")
    (folder / "photo").write_bytes(_sample(name))
    visit.titles[thing] = name
    try:
        return _submit(page, visit, "look", out=str(folder), thing=thing, photo=str(folder / "photo"))
    except Refused:
        (folder / "photo").unlink(missing_ok=True)
        raise


def plain_name(name: str, otherwise: str) -> str:
    """A visitor's file name for a download or a command: no folder, no control character. `_quoted` does the rest."""
    last = re.split(r"[/\\]", name)[-1]
    safe = _UNUSUAL.sub("_", last).strip(". -")[-_LONGEST_NAME:]
    return safe or otherwise


def _thing(visit: Visit, name: str) -> Path:
    if name not in visit.things:
        raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here")
    return visit.things[name]


def _photo(visit: Visit, request: Request) -> Path:
    folder = _thing(visit, request.path_params["photo"])
    if not (folder / "photo").is_file():
        raise Refused(HTTPStatus.NOT_FOUND, "there is no such photo")
    return folder / "photo"


async def _choose_person(page: Page, visit: Visit, request: Request) -> Response:
    box = (await json_of(request)).get("box")
    if not (isinstance(box, list) and len(box) == 4 and all(map(_is_number, box))):
        raise Refused(HTTPStatus.BAD_REQUEST, "a box of four numbers was expected")
    return _submit(page, visit, "person", photo=str(_photo(visit, request)), box=box)


async def _fit(page: Page, visit: Visit, request: Request) -> Response:
    """A preset, the pose of another photo, or that of a file that was imported, for the person of a photo."""
    said = await json_of(request)
    _photo(visit, request)
    _, folder = _new(visit, "fit")
    source = _write_pose(folder / "source.json", said.get("source"), "source")
    if isinstance(said.get("preset"), str):
        if said["preset"] not in preset_names():
            raise Refused(HTTPStatus.NOT_FOUND, "there is no such pose")
        return _submit(page, visit, "fit", source=source, preset=said["preset"])
    if isinstance(said.get("other"), str):
        other = _thing(visit, said["other"]) / "photo"
        return _submit(page, visit, "fit", source=source, from_photo=str(other))
    if "file" not in said:
        raise Refused(HTTPStatus.BAD_REQUEST, "a preset, another photo or a pose file was expected")
    (folder / "file.json").write_text(json.dumps(said["file"]))
    return _submit(page, visit, "fit", source=source, from_file=str(folder / "file.json"))


async def _take_other(page: Page, visit: Visit, request: Request) -> Response:
    """Store another photo, whose pose will be asked for."""
    thing, _ = await _stored(visit, request, "other", "photo", MOST_PHOTO_BYTES)
    return JSONResponse({"thing": thing}, HTTPStatus.CREATED)


async def _generate(page: Page, visit: Visit, request: Request) -> Response:
    said = await json_of(request)
    photo = _photo(visit, request)
    model, background, canvas = (said.get(key) for key in ("model", "background", "canvas"))
    other_side = said.get("other_side", "mirrored")
    if not _is_model(page, model) or background not in BACKGROUNDS or canvas not in CANVASES:
        raise Refused(HTTPStatus.BAD_REQUEST, "a model, a background and a canvas were expected")
    if other_side not in OTHER_SIDES:
        raise Refused(HTTPStatus.BAD_REQUEST, "the body's other side is mirrored or plain")
    about = {"photo": str(photo), "model": model, "background": background, "canvas": canvas, "other_side": other_side}
    about |= {"quality": _quality(said)}
    return _make(page, visit, request, "generate", about, {"source": said.get("source"), "pose": said.get("pose")})


async def _animate(page: Page, visit: Visit, request: Request) -> Response:
    said = await json_of(request)
    photo, fps = _photo(visit, request), said.get("fps")
    if not isinstance(said.get("clip"), str) or not _is_model(page, said.get("model")):
        raise Refused(HTTPStatus.BAD_REQUEST, "a clip and a model were expected")
    if fps is not None and not (_is_number(fps) and 1 <= fps <= 60):
        raise Refused(HTTPStatus.BAD_REQUEST, "1 to 60 frames per second can be made")
    clip = _thing(visit, said["clip"])
    if not (clip / "track.json").is_file():
        raise Refused(HTTPStatus.NOT_FOUND, "there is no such clip")
    about = {"photo": str(photo), "model": said["model"], "fps": fps, "quality": _quality(said)}
    about |= {"clip": str(clip / "clip"), "track": str(clip / "track.json")}
    return _make(page, visit, request, "animate", about, {"source": said.get("source")})


def _make(
    page: Page, visit: Visit, request: Request, kind: str, about: Mapping[str, Any], poses: Mapping[str, object]
) -> Response:
    """Submit a job that makes something of a photo. poses: by name; each becomes a file beside the result."""
    thing, folder = _new(visit, "result")
    visit.titles[thing] = visit.titles[request.path_params["photo"]]
    files_of = {name: _write_pose(folder / f"{name}.json", pose, name) for name, pose in poses.items()}
    return _submit(page, visit, kind, out=str(folder), thing=thing, **about, **files_of)


def _is_model(page: Page, name: object) -> bool:
    return isinstance(name, str) and name in page.models


def _quality(said: Mapping[str, Any]) -> str | None:
    """The preset of model and size that was asked for, which only the default model has; None for the usual."""
    quality = said.get("quality")
    if quality is None:
        return None
    if not isinstance(quality, str) or quality not in PRESETS:
        raise Refused(HTTPStatus.BAD_REQUEST, f"a quality is one of {', '.join(PRESETS)}")
    if said["model"] != DEFAULT_MODEL:
        raise Refused(HTTPStatus.BAD_REQUEST, f"a quality goes with the model {DEFAULT_MODEL} only")
    return quality


def _is_number(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:  # an integer that no float holds
        return False


def _write_pose(path: Path, pose: object, what: str) -> str:
    """Writes a pose that the page sent as a file in our own form; the process that reads it checks its values."""
    if not isinstance(pose, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, f"a {what} was expected")
    kept = {key: pose.get(key) for key in ("skeleton", "size", "joints")}
    path.write_text(json.dumps(kept, indent=1) + "\n")
    return str(path)


def _found_job(visit: Visit, request: Request) -> Job:
    job = visit.jobs.get(request.path_params["job"])
    if job is None:
        raise Refused(HTTPStatus.NOT_FOUND, "there is no such job")
    return job


async def _job(page: Page, visit: Visit, request: Request) -> Response:
    """How a job goes."""
    job = _found_job(visit, request)
    lane = _lane(page, job)
    said: dict[str, Any] = {"state": job.state, "progress": job.progress}
    if job.state in ("waiting", "running"):
        left = lane.left(job)
        said |= {"before": lane.before(job), "left": None if left is None else round(left, 1)}
        said |= {"elapsed": round(time.monotonic() - job.began, 1) if job.began else 0.0}
    if job.state == "done":
        said |= {"result": job.result, "command": command_of(page, visit, job)}
    if job.state == "failed":
        said |= {"error": job.error}
    return JSONResponse(said)


async def _cancel(page: Page, visit: Visit, request: Request) -> Response:
    job = _found_job(visit, request)
    _lane(page, job).cancel(job)
    return Response(status_code=HTTPStatus.NO_CONTENT)


def command_of(page: Page, visit: Visit, job: Job) -> str:
    """The command line that makes the same result from the files that the page saves."""
    if job.kind not in ("generate", "animate"):
        return ""
    photo = _quoted(visit.titles.get(str(job.about["thing"]), "photo"))
    model = page.models[str(job.about["model"])].named
    if not page.on_loopback:  # others need not know the folders of this machine
        model = Path(model).name
    chosen = "" if model == DEFAULT_MODEL else f" --model {_quoted(model)}"
    chosen += f" --preset {job.about['quality']}" if job.about.get("quality") else ""
    chosen += f" --device {_quoted(page.device)}" if page.device else ""
    if job.kind == "animate":
        fps = "" if job.about["fps"] is None else f" --fps {job.about['fps']!r}"
        clip = _quoted(visit.titles.get(Path(str(job.about["clip"])).parent.name, "clip"))
        said = f"reposer animate {photo} --source-pose source.json --driving {clip} --track track.json --largest 1280"
        return f"{said}{fps}{chosen} --out reposed.mp4"
    options = "".join(f" --{name} {job.about[name]}" for name in ("background", "canvas") if job.about[name] != "keep")
    options += " --other-side plain" if job.about["other_side"] == "plain" else ""
    return (
        f"reposer transfer {photo} --source-pose source.json --pose pose.json{chosen}{options} --provenance "
        f"--out reposed.png"
    )


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[\w./\-]+", text) else "'" + text.replace("'", "'\\''") + "'"


async def _visitors_file(page: Page, visit: Visit, request: Request) -> Response:
    """One of the visitor's own files; the name is one of a list, so no path can be in it."""
    name = request.path_params["file"]
    path = _thing(visit, request.path_params["thing"]) / name
    if name not in DOWNLOADS and name not in SHOWN:
        raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here")
    if not path.is_file():
        raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here yet")
    if name in SHOWN:
        return _Sent(path, media_type=SHOWN[name])
    if request.query_params.get("show") == "1":  # a video in the page
        return _Sent(path, media_type=DOWNLOADS[name])
    title = visit.titles.get(request.path_params["thing"], name) if name in ("photo", "clip") else name
    return _Sent(path, media_type=DOWNLOADS[name], filename=title)


class _Sent(FileResponse):
    """A file; if the visitor left while it was sent, that is no error."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except (FileNotFoundError, RuntimeError) as error:
            raise Refused(HTTPStatus.NOT_FOUND, "there is nothing here any more") from error
