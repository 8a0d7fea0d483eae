"""Models shared through the Hugging Face Hub: a local server answers as the hub's own API does."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch

import reposer
from reposer.core import BadInput
from reposer.generators import load, model_file, save
from reposer.generators.patn import PATNConfig
from reposer.generators.sharing import write_repository
from reposer.nn.weights import write_safetensors

COMMIT = "0" * 39 + "1"


@pytest.fixture
def weights(tmp_path):
    path = tmp_path / "own.safetensors"
    save(PATNConfig.mini().tiny().build(), path, {"licence": "Apache-2.0", "recipe": "patn-mini", "step": 3})
    return path


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """The files of its repositories, by "OWNER/NAME"."""
    from huggingface_hub import constants

    repositories: dict[str, dict[str, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments):
            pass

        def answer(self, status, body=b"", **headers):
            self.send_response(status)
            for key, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(key.replace("_", "-"), value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def plain(self, value):
            self.answer(200, json.dumps(value).encode(), Content_Type="application/json")

        def do_GET(self):
            if self.path.startswith("/api/models/"):
                known = self.path.removeprefix("/api/models/") in repositories
                return (
                    self.plain({"id": self.path, "private": False})
                    if known
                    else self.answer(404, X_Error_Code="RepoNotFound")
                )
            owner, name, kind, revision, *file = [*self.path.strip("/").split("/"), "", "", ""]
            files = repositories.get(f"{owner}/{name}") if kind == "resolve" else None
            if files is None:
                return self.answer(404, X_Error_Code="RepoNotFound")
            if revision not in ("main", COMMIT):
                return self.answer(404, X_Error_Code="RevisionNotFound")
            body = files.get(file[0])
            if body is None:
                return self.answer(404, X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT)
            self.answer(200, body, X_Repo_Commit=COMMIT, ETag=f'"{hashlib.sha1(body).hexdigest()}"')

        do_HEAD = do_GET

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Authorization"] != "Bearer own-token":
                return self.answer(401)
            if self.path == "/api/repos/create":
                said = json.loads(body)
                name = f"{said['organization']}/{said['name']}"
                repositories.setdefault(name, {})
                return self.plain({"url": f"{endpoint}/{name}"})
            if self.path == "/api/validate-yaml":
                return self.plain({"errors": [], "warnings": []})
            name, verb = self.path.removeprefix("/api/models/").rsplit("/", 2)[:2]
            if verb == "preupload":
                files = [{"path": f["path"], "uploadMode": "regular"} for f in json.loads(body)["files"]]
                return self.plain({"files": [f | {"shouldIgnore": False, "oid": None} for f in files]})
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    repositories[name][line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            self.plain({"commitOid": COMMIT, "commitUrl": f"{endpoint}/{name}/commit/{COMMIT}"})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", "own-token")
    yield repositories
    server.shutdown()
    server.server_close()


def same_weights(one, other):
    assert one.config == other.config
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(name == again and torch.equal(a, b) for (name, a), (again, b) in pairs)


@pytest.mark.slow
def test_a_model_that_was_pushed_is_loaded_by_its_address(hub, weights):
    address = reposer.push_to_hub(weights, "studio/walker", scores={"psnr (dB)": 21.5})
    assert address == "hf://studio/walker"
    assert set(hub["studio/walker"]) == {"generator.safetensors", "config.json", "README.md"}
    assert same_weights(reposer.load(address), load(weights))
    assert same_weights(load(f"{address}@{COMMIT}/generator.safetensors"), load(weights))


def test_a_private_model_is_not_added_to_a_public_repository(hub, weights):
    reposer.push_to_hub(weights, "studio/own", private=True)
    assert b"--model hf://studio/own " in hub["studio/own"]["README.md"]
    before = dict(hub["studio/own"])
    with pytest.raises(BadInput, match="is there already, and public"):  # as the server says of every repository
        reposer.push_to_hub(weights, "studio/own", scores={"l1": 0.1}, private=True)
    assert hub["studio/own"] == before


def test_weights_of_something_else_are_no_repository(tmp_path):
    write_safetensors(
        tmp_path / "a.safetensors", {"a": torch.zeros(1)}, {"reposer": '{"family": "patn", "config": {}}'}
    )
    with pytest.raises(BadInput, match="its header lacks framing, skeleton"):
        write_repository(tmp_path / "a.safetensors", tmp_path / "repository")


def test_what_is_on_this_machine_needs_no_connection(hub, weights, monkeypatch):
    from huggingface_hub import constants

    reposer.push_to_hub(weights, "studio/walker")
    file = model_file("hf://studio/walker")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert model_file("hf://studio/walker") == file
    with pytest.raises(BadInput, match="hf://studio/other is not on this machine, and the hub was not reached"):
        load("hf://studio/other")


def test_what_the_hub_does_not_have_is_said_in_a_sentence(hub, weights, monkeypatch):
    reposer.push_to_hub(weights, "studio/walker")
    for address, reason in (
        ("hf://studio/nobody", "There is no hf://studio/nobody on the hub, or it is private"),
        ("hf://studio/walker@never", "has no revision 'never'"),
        ("hf://studio/walker/other.safetensors", "has no file other.safetensors"),
        ("hf://walker", "no address of a model"),
        ("hf:/studio/walker", "no address of a model"),
        ("hf://studio/../../etc", "no address of a model"),
        ("hf://studio/walker/model.bin", "no address of a model"),
    ):
        with pytest.raises(BadInput, match=reason):
            load(address)
    hub["studio/walker"]["pickled.safetensors"] = b"\x80\x04N."
    with pytest.raises(BadInput, match=r"pickled\.safetensors"):
        load("hf://studio/walker/pickled.safetensors")
    monkeypatch.setenv("HF_TOKEN", "another-token")
    with pytest.raises(BadInput, match="hf://studio/runner could not be written"):
        reposer.push_to_hub(weights, "studio/runner")


def test_a_repository_is_also_a_folder_and_its_card_says_what_the_weights_say(weights, tmp_path):
    write_repository(weights, tmp_path / "repository", {"psnr (dB)": 21.5})
    assert same_weights(load(tmp_path / "repository"), load(weights))
    assert json.loads((tmp_path / "repository/config.json").read_text())["family"] == "patn"
    card = (tmp_path / "repository/README.md").read_text()
    head, body = card.split("---\n")[1:]
    assert "license: apache-2.0" in head and "library_name: reposer" in head
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    for line in ("| recipe | patn-mini |", "| trained on | not said in the file |", "| psnr (dB) | 21.5 |", sha256):
        assert line in body
