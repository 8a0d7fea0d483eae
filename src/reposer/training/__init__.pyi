"""What `reposer.training` gives, for type checkers: at run time each is imported when it is first asked for."""

from .loop import TrainingStopped as TrainingStopped
from .loop import train as train
from .objective import Objective as Objective
from .objective import Turn as Turn
from .objective import frozen as frozen
from .recipe import PROBE_RECIPES as PROBE_RECIPES
from .recipe import RECIPES as RECIPES
from .recipe import Adam as Adam
from .recipe import RAdam as RAdam
from .recipe import Recipe as Recipe
from .recipe import Stage as Stage
from .recipe import Start as Start
