"""What a result's files say of it: the note in the metadata, the mark, and where its pixels come from."""

import hashlib
import xml.etree.ElementTree as ET

import numpy as np
import pytest
import torch
from PIL import Image

from reposer.core.composition import COPIED, INVENTED, KINDS, Provenance
from reposer.data.generated_note import MARK, SOURCE_TYPE, GeneratedNote, digest, marked
from reposer.data.pictures import read_picture, write_picture
from reposer.data.provenance_files import COLOURS, told_shares, write_provenance
from tests.test_pipeline import smooth_photo

NOTE = GeneratedNote("Reposer 9.9", "a <model> & \"more\" 'so'", "ab" * 32, {"photo": "cd" * 32, "pose": "ef" * 32})


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_the_note_is_found_in_the_file_and_is_well_formed(tmp_path, name):
    write_picture(tmp_path / name, smooth_photo((60, 40)), xmp=NOTE.xmp())
    with Image.open(tmp_path / name) as image:
        packet = image.info.get("XML:com.adobe.xmp") or image.info["xmp"]
    packet = packet if isinstance(packet, str) else packet.decode()
    root = ET.fromstring(packet[packet.index("<x:xmpmeta") : packet.index("<?xpacket end")])
    about = next(root.iter("{http://www.w3.org/1999/02/22-rdf-syntax-ns#}Description"))
    assert about.get("{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType") == SOURCE_TYPE
    assert about.get("{http://ns.adobe.com/xap/1.0/}CreatorTool") == "Reposer 9.9"
    assert about.get("{urn:reposer:generated:1}model") == NOTE.model
    assert about.get("{urn:reposer:generated:1}modelSha256") == "ab" * 32
    assert [e.text for e in root.iter("{urn:reposer:generated:1}role")] == ["photo", "pose"]
    assert [e.text for e in root.iter("{urn:reposer:generated:1}sha256")] == ["cd" * 32, "ef" * 32]


def test_the_note_changes_no_pixel_and_without_one_there_is_none(tmp_path):
    write_picture(tmp_path / "a.png", smooth_photo((60, 40)), xmp=NOTE.xmp())
    write_picture(tmp_path / "b.png", smooth_photo((60, 40)))
    assert torch.equal(read_picture(tmp_path / "a.png"), read_picture(tmp_path / "b.png"))
    assert b"xmpmeta" not in (tmp_path / "b.png").read_bytes()


def test_the_mark_changes_the_bottom_right_corner_alone_and_is_light_on_dark():
    for channels in (3, 4):
        picture = torch.full((400, 600, channels), 255, dtype=torch.uint8)
        result = marked(picture)
        changed = (result != picture).any(-1).nonzero()
        assert result.shape == picture.shape and len(changed) > 500
        assert changed[:, 0].min() > 370 and changed[:, 1].min() > 450
        assert result[-3, -3, 0] < 130
    assert marked(torch.zeros(3, 5, 3, dtype=torch.uint8)).shape == (3, 5, 3) and MARK


def test_a_digest_is_the_files_checksum_and_a_folders_follows_its_files(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    assert digest(tmp_path / "a") == hashlib.sha256(b"1").hexdigest()
    before = digest(tmp_path)
    (tmp_path / "b").write_bytes(b"2")
    assert digest(tmp_path) != before


def test_a_picture_with_alpha_is_written_as_such(tmp_path):
    picture = torch.randint(0, 256, (20, 30, 4), dtype=torch.uint8)
    write_picture(tmp_path / "a.png", picture)
    assert torch.equal(torch.from_numpy(np.array(Image.open(tmp_path / "a.png"))), picture)


def test_provenance_files_say_what_the_value_says(tmp_path):
    origin = Provenance.untouched((12, 8))
    origin.kind[:6], origin.kind[6:9] = INVENTED, COPIED
    origin.place[:6], origin.photo[:6] = torch.nan, 255
    write_provenance(tmp_path / "a.png", tmp_path / "a.npz", origin)
    with np.load(tmp_path / "a.npz") as arrays:
        assert list(arrays["kinds"]) == list(KINDS)
        assert (arrays["kind"] == origin.kind.numpy()).all() and (arrays["photo"] == origin.photo.numpy()).all()
        assert np.array_equal(arrays["place"], origin.place.numpy(), equal_nan=True)
    picture = read_picture(tmp_path / "a.png")
    assert tuple(picture[0, 0].tolist()) == COLOURS["invented"] and tuple(picture[-1, 0].tolist()) == COLOURS["kept"]
    assert told_shares(origin).startswith(
        "50.0% of the picture is invented (67% of what changed); 25.0% is copied from elsewhere in the photo, 0.0% "
        "from the other side of the body, 0.0% is filled background, 25.0% stays."
    )
