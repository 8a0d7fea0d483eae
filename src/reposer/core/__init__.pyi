"""What `reposer.core` gives, for type checkers: at run time each is imported when it is first asked for."""

from .errors import BadInput as BadInput
from .errors import quoted as quoted
from .face import FaceLines as FaceLines
from .framing import Framing as Framing
from .generator import Explanation as Explanation
from .generator import Generated as Generated
from .generator import Generator as Generator
from .generator import Layer as Layer
from .pose import Pose as Pose
from .registry import Registry as Registry
from .samples import Batch as Batch
from .samples import Clip as Clip
from .samples import ClipBatch as ClipBatch
from .samples import ClipSample as ClipSample
from .samples import Sample as Sample
from .skeleton import SKELETONS as SKELETONS
from .skeleton import Skeleton as Skeleton
from .view import View as View
