"""Generators on the Hugging Face Hub, through its own client: `hf://OWNER/NAME` wherever a model is named.

A repository holds the weights as `generator.safetensors`, whose header alone says how the network is built, the same
header as `config.json` for people to read, and a model card, `README.md`. Nothing in it is code.
"""

import json
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reposer import __version__
from reposer.core import BadInput, quoted
from reposer.core.disk import whole_file
from reposer.nn.weights import read_about, read_header, sha256

SCHEME = "hf://"
WEIGHTS, CONFIG, CARD = "generator.safetensors", "config.json", "README.md"
_TOOL: dict[str, Any] = {"library_name": "reposer", "library_version": __version__}
_ADDRESS = re.compile(r"hf://(?P<name>[\w.-]+/[\w.-]+?)(@(?P<revision>[\w./-]+?))?(/(?P<file>[\w.-]+\.safetensors))?")


def on_hub(name: str | Path) -> bool:
    """Whether a model's name is an address on the hub."""
    return str(name).startswith("hf:")


def fetched(address: str | Path) -> Path:
    """The weights at `hf://OWNER/NAME[@REVISION][/FILE.safetensors]` in the hub's cache on this machine, downloaded if
    they are not there yet.

    HF_TOKEN, HF_ENDPOINT, HF_HOME and HF_HUB_OFFLINE mean what they mean to the hub's own client. BadInput: no such
    repository, revision or file; no access; no connection and nothing in the cache.
    """
    found = _parsed(str(address))
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    name, file = str(found["name"]), found["file"] or WEIGHTS
    try:
        return Path(
            hf_hub_download(name, file, revision=found["revision"], endpoint=os.environ.get("HF_ENDPOINT"), **_TOOL)
        )
    except GatedRepoError as error:
        raise BadInput(
            f"{address} asks for your consent first: open its page on the hub, then set HF_TOKEN."
        ) from error
    except RepositoryNotFoundError as error:
        raise BadInput(f"There is no {address} on the hub, or it is private: set HF_TOKEN if it is yours.") from error
    except RevisionNotFoundError as error:
        raise BadInput(f"{name} has no revision {quoted(found['revision'])} on the hub.") from error
    except LocalEntryNotFoundError as error:
        raise BadInput(
            f"{address} is not on this machine, and the hub was not reached. Connect once, or give a `.safetensors`."
        ) from error
    except EntryNotFoundError as error:
        raise BadInput(
            f"{name} has no file {file} on the hub; models of Reposer have it. Name another: hf://{name}/FILE.safetensors."
        ) from error
    except Exception as error:  # its client has used two libraries for HTTP, with errors of their own
        raise BadInput(f"{address} could not be fetched: {_first_line(error)}") from error


def write_repository(
    weights: Path, folder: Path, scores: Mapping[str, float] | None = None, name: str = "OWNER/NAME"
) -> None:
    """Writes what a repository of this model holds into a folder.

    weights: a `.safetensors` of Reposer. scores: numbers for the card, by the names that the reader shall see. name: of
    the repository, for the card.
    """
    from reposer.generators import ENTRIES

    about = read_about(read_header(weights), weights)
    if missing := [entry for entry in ENTRIES if entry not in about]:
        raise BadInput(f"{weights} is no generator of Reposer: its header lacks {', '.join(missing)}.")
    folder.mkdir(parents=True, exist_ok=True)
    with weights.open("rb") as file, whole_file(folder / WEIGHTS) as draft:
        shutil.copyfileobj(file, draft)
    texts = {CONFIG: json.dumps(about, indent=2) + "\n", CARD: _card(name, weights, about, scores or {})}
    for file_name, text in texts.items():
        with whole_file(folder / file_name) as draft:
            draft.write(text.encode())


def push_to_hub(
    model: str | Path, name: str, *, scores: Mapping[str, float] | None = None, private: bool = False
) -> str:
    """Shares a model as the repository OWNER/NAME on the hub, which is made if it is not there; returns its address.
    private: refused if the repository is there and public.

    model: a shipped model's name, a `.safetensors`, a run's folder, or hf://OWNER/NAME. scores: see `write_repository`.
    The token of HF_TOKEN, or of `hf auth login`, must allow to write.
    """
    from reposer.generators import model_file

    address = f"{SCHEME}{name}"
    found = _parsed(address)
    if found["revision"] or found["file"]:
        raise BadInput(f"A model is shared as OWNER/NAME; {quoted(name)} came.")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import LocalTokenNotFoundError

    api = HfApi(os.environ.get("HF_ENDPOINT"), **_TOOL)
    with TemporaryDirectory() as draft:
        write_repository(model_file(model), Path(draft), scores, name)
        try:
            if private and api.repo_exists(name) and not api.repo_info(name).private:
                raise BadInput(
                    f"{address} is there already, and public. Make it private on its page, or give another name."
                )
            api.create_repo(name, private=private, exist_ok=True)
            api.upload_folder(repo_id=name, folder_path=draft, commit_message=f"Reposer {__version__}")
        except BadInput:
            raise
        except LocalTokenNotFoundError as error:
            raise BadInput(
                "The hub takes models of people it knows: set HF_TOKEN to a token that may write."
            ) from error
        except Exception as error:  # as above
            raise BadInput(f"{address} could not be written: {_first_line(error)}") from error
    return address


def _parsed(address: str) -> dict[str, str | None]:
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise BadInput(
            f"{quoted(address)} is no address of a model on the hub; hf://OWNER/NAME was expected, or "
            f"hf://OWNER/NAME@REVISION/FILE.safetensors."
        )
    return found.groupdict()


def _card(name: str, weights: Path, about: Mapping[str, Any], scores: Mapping[str, float]) -> str:
    """The model card. What the weights' header does not say is said to be unknown."""
    licence = str(about.get("licence", "")).lower()
    head = ["---", "library_name: reposer", "pipeline_tag: image-to-image"]
    head += [f"license: {licence}" if licence else "license: other", "tags:", "- pose-transfer", "---"]
    size = "x".join(str(side) for side in about["framing"]["size"])
    facts = {
        "family": about["family"],
        "picture": f"{size} pixels (height x width)",
        "skeleton": about["skeleton"],
        "recipe": about.get("recipe", "not said in the file"),
        "trained on": about.get("data", "not said in the file"),
        "steps": about.get("step", "not said in the file"),
        "licence": about.get("licence", "not said in the file"),
        "SHA-256 of the weights": sha256(weights),
    }
    lines = [
        *head,
        "",
        f"# {about['family']}",
        "",
        "Puts the person of a photo into another pose.",
        "",
        "| | |",
        "|---|---|",
    ]
    lines += [f"| {key} | {_cell(value)} |" for key, value in facts.items()]
    if scores:
        lines += ["", "| measure | value |", "|---|---:|"]
        lines += [f"| {_cell(key)} | {value:.4g} |" for key, value in scores.items()]
    lines += [
        "",
        "```",
        f"reposer transfer photo.jpg --pose other_photo.jpg --model {SCHEME}{name} --out result.png",
        "```",
        "",
        "Generate pictures of people only with their consent.",
        "",
    ]
    return "\n".join(lines)


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
