"""What the server of `forked.py` imports before it forks."""

import gc
import os
import signal

gc.disable()  # until all is imported: nothing of that is garbage
os.environ |= {"CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}

import torch  # noqa: E402
import torch._dynamo  # noqa: E402
import torch.distributed  # noqa: E402
import torch.multiprocessing  # noqa: E402

from reposer.generators import RECIPES  # noqa: E402

torch.set_num_threads(1)
os.fsync = lambda _: None  # as in conftest.py
list(RECIPES)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # it may have been begun by code that is deaf to it
gc.freeze()  # children do not look through what they share
gc.set_threshold(20_000, 20, 20)
gc.enable()
