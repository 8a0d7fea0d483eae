"""Shares generators on the Hugging Face Hub, as repositories that `hub.fetched` reads.

A repository holds the weights as `generator.safetensors`, whose header alone says how the network is built, the same
header as `config.json` for people to read, and a model card, `README.md`. Nothing in it is code.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from reposer import __version__
from reposer.core import BadInput, quoted
from reposer.core.disk import whole_file
from reposer.nn.weights import read_about, read_header, sha256

from .hub import SCHEME, TOOL, WEIGHTS, first_line, parsed
from .model_files import ENTRIES, model_file

CONFIG, CARD = "config.json", "README.md"


def write_repository(
    weights: Path, folder: Path, scores: Mapping[str, float] | None = None, name: str = "OWNER/NAME"
) -> None:
    """Writes what a repository of this model holds into a folder.

    weights: a `.safetensors` of Reposer. scores: numbers for the card, by the names that the reader shall see. name: of
    the repository, for the card.
    """
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
    address = f"{SCHEME}{name}"
    found = parsed(address)
    if found["revision"] or found["file"]:
        raise BadInput(f"A model is shared as OWNER/NAME; {quoted(name)} came.")
    from huggingface_hub import HfApi
    from huggingface_hub.errors import LocalTokenNotFoundError

    api = HfApi(os.environ.get("HF_ENDPOINT"), **TOOL)
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
        except Exception as error:  # its client has used two libraries for HTTP, with errors of their own
            raise BadInput(f"{address} could not be written: {first_line(error)}") from error
    return address


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
