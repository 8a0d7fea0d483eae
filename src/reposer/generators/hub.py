"""Generators from the Hugging Face Hub, through its own client: `hf://OWNER/NAME` wherever a model is named."""

import os
import re
from pathlib import Path
from typing import Any

from reposer import __version__
from reposer.core import BadInput, quoted

SCHEME = "hf://"
WEIGHTS = "generator.safetensors"
TOOL: dict[str, Any] = {"library_name": "reposer", "library_version": __version__}
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
    found = parsed(str(address))
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
            hf_hub_download(name, file, revision=found["revision"], endpoint=os.environ.get("HF_ENDPOINT"), **TOOL)
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
        raise BadInput(f"{address} could not be fetched: {first_line(error)}") from error


def parsed(address: str) -> dict[str, str | None]:
    """The name, revision and file of an address on the hub; BadInput if it is none."""
    found = _ADDRESS.fullmatch(address)
    if found is None:
        raise BadInput(
            f"{quoted(address)} is no address of a model on the hub; hf://OWNER/NAME was expected, or "
            f"hf://OWNER/NAME@REVISION/FILE.safetensors."
        )
    return found.groupdict()


def first_line(error: BaseException) -> str:
    """What an error of the hub's client says, at most 200 characters of it."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
