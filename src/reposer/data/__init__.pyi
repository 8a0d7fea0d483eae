"""What `reposer.data` gives, for type checkers: at run time each is imported when it is first asked for."""

from .dataset import DATASETS as DATASETS
from .dataset import FilePairs as FilePairs
from .dataset import PairDataset as PairDataset
from .dataset import PairRow as PairRow
from .dataset import open_dataset as open_dataset
