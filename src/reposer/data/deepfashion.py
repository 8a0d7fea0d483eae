"""DeepFashion in-shop people, in the layout of PATN and GFLA."""

from pathlib import Path

from jaxtyping import UInt8
from torch import Tensor

from reposer.core import Framing, Skeleton
from reposer.core.choices import Frame, PictureForm
from reposer.core.skeleton import OPENPOSE_18

from .dataset import CACHE_BYTES, DATASETS, Asked, FilePairs, PairRow, PictureMemory, SplitFiles, check_pairs, sole_file
from .fashion_pictures import picture_form, whole_picture
from .lists import FASHION_SIZE, fashion_frame, read_annotation, read_pairs
from .pairs import name_identity
from .pictures import read_picture

SPLITS = ("train", "val", "test")
RESIZED, PLAIN = ("fasion-resize", "fashion-resize"), ("fasion", "fashion")


@DATASETS.register("deepfashion")
class DeepFashion(FilePairs):
    """DeepFashion, and any folder in its layout: pictures by split, a list of joints, a list of pairs.

    `ROOT/{train,test}/*.jpg`, `ROOT/{fasion,fashion}[-resize]-{annotation,pairs}-{train,test}.csv`. Poses are those of
    the 256x176 picture. A picture may have any size of that shape and is scaled to it, as the authors do with their
    high-resolution files. For a picture of another shape it must be known how it contains the 256x176 one.

    frame: the picture to which the list's joints refer; None = by the file's name, else by its joints
    (`lists.fashion_frame`).
    pictures: how files of another shape contain the picture; None = by their pixels (`fashion_pictures.picture_form`).
    """

    looks_for = "{fasion,fashion}[-resize]-annotation-{train,test}.csv beside folders train and test"
    picture_size = FASHION_SIZE
    takes_declared = True

    def __init__(
        self,
        root: Path | str,
        split: str,
        framing: Framing | None = None,
        frame: Frame | None = None,
        pictures: PictureForm | None = None,
        *,
        skeleton: Skeleton = OPENPOSE_18,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        self.root, self.split, self.framing = Path(root), split, framing
        self.memory = PictureMemory(cache_bytes)
        files = self.files(self.root, split)
        annotation = sole_file(files.annotations, self.root, f"fasion-resize-annotation-{split}.csv", self.looks_for)
        pairs_path = sole_file(files.pairs, self.root, f"fasion-resize-pairs-{split}.csv", self.looks_for)
        self.frame = fashion_frame(annotation, frame)
        self.poses = read_annotation(annotation, frame=self.frame).convert(skeleton)
        pairs = read_pairs(pairs_path)
        self.pictures = self.root / split
        check_pairs(pairs_path, pairs, self.poses, self.pictures)
        names = {name for pair in pairs for name in pair}
        self.form = picture_form(self.pictures, names, pictures)
        self.rows = [PairRow(source, target, name_identity(source)) for source, target in pairs]

    @staticmethod
    def identity_of(name: str) -> str:
        return name_identity(name)

    @classmethod
    def recognises(cls, root: Path) -> bool:
        return any(cls.files(root, split).annotations for split in SPLITS)

    @classmethod
    def open(cls, root: Path, split: str, framing: Framing | None, asked: Asked) -> "DeepFashion":
        return cls(root, split, framing, asked.frame, asked.pictures, skeleton=asked.skeleton)

    @staticmethod
    def files(root: Path, split: str) -> SplitFiles:
        """The existing files of a split, under any spelling."""

        def there(kind: str) -> tuple[Path, ...]:
            candidates = (root / f"{spelling}-{kind}-{split}.csv" for spelling in RESIZED + PLAIN)
            return tuple(path for path in candidates if path.is_file())

        pictures = root / split
        return SplitFiles(there("annotation"), there("pairs"), pictures if pictures.is_dir() else None)

    def picture_path(self, name: str) -> Path:
        return self.pictures / name

    def picture(self, name: str) -> UInt8[Tensor, "h w 3"]:
        path = self.picture_path(name)
        return whole_picture(read_picture(path), self.form, path)
