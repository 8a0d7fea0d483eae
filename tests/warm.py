"""What the server of `forked.py` imports before it forks."""

import gc
import os

gc.disable()  # until all is imported: nothing of that is garbage
os.environ |= {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}

import torch
import torch._dynamo
import torch.distributed
import torch.multiprocessing

from reposer.generators import RECIPES

torch.set_num_threads(1)
os.fsync = lambda _: None  # as in conftest.py
list(RECIPES)
gc.freeze()  # children do not look through what they share
gc.set_threshold(20_000, 20, 20)
gc.enable()
