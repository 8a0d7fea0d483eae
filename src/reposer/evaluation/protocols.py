"""The named protocols: how each line of papers made its numbers, and ours.

The other projects' protocols follow their code, READMEs and issue threads, as each fact says. None of them is a
recommendation: they make published numbers reproducible, and show how far a score moves when nothing but the protocol
changes.
"""

from dataclasses import replace

from .geometry import Geometry
from .protocol import PROTOCOLS, Fact, Protocol

FASHION, SQUARE, LARGE, MARKET = (256, 176), (256, 256), (512, 352), (128, 64)
RECALLED = "recalled, not checked again"
# Many projects share one FID code: a torchvision network, inputs far from [-1, 1], the train set as reference.
PEERS_FID = Fact(
    "FID through torchvision's network on inputs of about [-0.03, 0.43], against the training pictures",
    "the peer's code (a copy of GFLA's)",
)
PAIRS_PATN = Fact("8,570 pairs of PATN's list", "the paper's abstract and the list itself")


RECONSTRUCTION_V1 = PROTOCOLS.add(
    "reposer-v1-reconstruction",
    Protocol("reposer-v1-reconstruction", metrics=("psnr", "ssim-gaussian1.5", "l1", "l1-limbs")),
)
"""How near the generated target is to the true one, as 8-bit pictures without padding; all pairs weigh alike."""

LEADERBOARD_V1 = PROTOCOLS.add(
    "reposer-v1-leaderboard",
    Protocol("reposer-v1-leaderboard", metrics=(*RECONSTRUCTION_V1.metrics, "perceptual-people-body")),
)
"""The same, and the distance of features of a network that no training loss uses."""

KEPT = Geometry(FASHION, "pil-bicubic", "keep-aspect")
CLEAN = (
    "psnr",
    "ssim-gaussian1.5",
    "l1",
    "l1-limbs",
    "lpips-alex",
    "lpips-vgg",
    "fid",
    "kid",
    "fid-train",
    "kid-train",
)
WHOLE_SUITE = ("structural", "semantic", "faces")
SHIPPED = {
    "joints": "people-joints",
    "faces": "people-faces",
    "face-embedder": "people-face-identity",
    "person-embedder": "people-identity",
    "attributes": "people-attributes",
}

PROTOCOLS.add(
    "reposer-v1",
    Protocol(
        "reposer-v1",
        metrics=CLEAN,
        generated=KEPT,
        target=KEPT,
        reference=KEPT,
        reference_set="train",
        suite=WHOLE_SUITE,
        estimators={
            "joints": "keypointrcnn",
            "faces": "opencv-yunet",
            "face-embedder": "opencv-sface",
            "person-embedder": "resnet50-inshop",
            "attributes": "resnet50-attributes",
        },
        facts=(
            Fact("PNG, antialiased bicubic from the file of highest resolution, aspect kept", "ours"),
            Fact("FID and KID against the pairs' targets and against the training pictures", "ours"),
            Fact("standard Inception, pictures in [-1, 1]; nothing is dropped or padded", "ours"),
        ),
    ),
)

REPOSER_V1 = PROTOCOLS["reposer-v1"]
PROTOCOLS.add(
    "reposer-v2",
    replace(
        REPOSER_V1,
        name="reposer-v2",
        estimators={**REPOSER_V1.estimators, "joints": "movenet"},
        facts=(*REPOSER_V1.facts, Fact("reposer-v1 with joints by MoveNet, which ships with Reposer", "ours")),
    ),
)
PROTOCOLS.add(
    "reposer-v2-poses",
    Protocol(
        "reposer-v2-poses",
        metrics=CLEAN[:4],
        generated=KEPT,
        target=KEPT,
        suite=("structural",),
        estimators={"joints": "movenet"},
        facts=(
            Fact("real pictures without any file from elsewhere: pixels, and joints by MoveNet, which ships", "ours"),
        ),
    ),
)

PROTOCOLS.add(
    "reposer-v1-synthetic",
    Protocol(
        "reposer-v1-synthetic",
        metrics=CLEAN[:4],
        suite=WHOLE_SUITE,
        estimators=SHIPPED,
        facts=(
            Fact(
                "synthetic people: pictures as they are, networks that ship with Reposer, nothing else needed", "ours"
            ),
            Fact("no network of this protocol was part of a training loss here", "ours"),
        ),
    ),
)

CROPPED = Geometry(FASHION, "pil-bicubic", "keep-aspect")
PROTOCOLS.add(
    "patn2019",
    Protocol(
        "patn2019",
        metrics=("ssim-gaussian1.5-range", "is"),
        generated=CROPPED,
        target=CROPPED,
        white_sides=40,
        facts=(
            PAIRS_PATN,
            Fact("low-resolution files with white sides, cut to columns 40 to 216", "PATN's code"),
            Fact("white sides are put back on before SSIM: 256x256", "PATN's code"),
            Fact("SSIM's data range is the brightest minus the darkest level of the generated picture", "PATN's code"),
            Fact("the paper's PCKh comes from another detector than ours: see the suite's pckh-patn", "PATN's code"),
        ),
    ),
)
PROTOCOLS.add(
    "patn2019-market",
    Protocol(
        "patn2019-market",
        person=MARKET,
        metrics=("ssim-gaussian1.5-range", "is", "ssim-gaussian1.5-range-masked-polygons", "is-masked-polygons"),
        generated=Geometry(MARKET),
        target=Geometry(MARKET),
        facts=(
            Fact("12,000 pairs of PATN's list", RECALLED),
            Fact(
                "masked forms: both pictures black outside the target's mask: along each of 23 lines a rectangle that "
                "reaches 4 pixels to either side, a disc of radius 4 on every visible joint, then closed by a square "
                "of 5",
                "PATN's code and GFLA's; PATN's released pictures were not scored here",
            ),
            Fact("pairs whose target has no joint have an empty mask: left out and counted", "ours"),
        ),
    ),
)
WITH_SIDES = Geometry(SQUARE, fit="keep-aspect")
PROTOCOLS.add(
    "pg2-2017",
    Protocol(
        "pg2-2017",
        metrics=(
            "ssim-uniform7",
            "is",
            "psnr",
            "l1",
            "ssim-uniform7-masked-source",
            "is-masked-source",
            "ssim-uniform7-masked-target",
            "is-masked-target",
        ),
        generated=WITH_SIDES,
        target=WITH_SIDES,
        facts=(
            Fact("12,800 pairs that the authors sampled", RECALLED),
            Fact("low-resolution files of 256x256 with their white sides; narrower ones get them", "inferred"),
            Fact(
                "the sides of padded files are put on anew, white, so that they are never scored", "ours: a difference"
            ),
            Fact("SSIM with a uniform window of 7, the sample covariance and data range 255", "PG2's code"),
            Fact("the paper masks with the target's pose, its code loads the source's: both are here", "PG2's code"),
            Fact("both pictures are black outside of the mask, which lifts the masked SSIM", "PG2's code"),
        ),
    ),
)
PROTOCOLS.add(
    "pg2-2017-market",
    Protocol(
        "pg2-2017-market",
        person=MARKET,
        metrics=PROTOCOLS["pg2-2017"].metrics,
        generated=Geometry(MARKET),
        target=Geometry(MARKET),
        facts=tuple(fact for fact in PROTOCOLS["pg2-2017"].facts if "white sides" not in fact.text),
    ),
)
PROTOCOLS.add(
    "gfla2020",
    Protocol(
        "gfla2020",
        metrics=("ssim-uniform51", "ssim-gaussian1.5-range", "lpips-alex", "fid-peers"),
        generated=Geometry(SQUARE),
        target=Geometry(SQUARE),
        reference=Geometry(SQUARE),
        reference_set="train",
        file_format="jpeg",
        tails={"lpips-alex": 64, "fid-peers": 64},
        facts=(
            PAIRS_PATN,
            Fact("high-resolution files squashed to 256x256", "GFLA's code and an issue thread"),
            Fact("reference files: bicubic and JPEG", "the author in an issue thread"),
            Fact("the Gaussian SSIM's data range is the generated picture's own", "GFLA's code"),
            Fact("LPIPS is a mean of batch means without the last incomplete batch", "GFLA's code"),
            PEERS_FID,
        ),
    ),
)
PROTOCOLS.add(
    "dptn2022",
    Protocol(
        "dptn2022",
        metrics=("ssim-uniform51", "ssim-gaussian1.5-range", "psnr", "lpips-alex", "fid-peers"),
        generated=CROPPED,
        target=CROPPED,
        reference=CROPPED,
        reference_set="train",
        white_sides=40,
        tails={"fid-peers": 64},
        facts=(
            PAIRS_PATN,
            Fact("low-resolution files with white sides, cut to columns 40 to 216", "DPTN's code"),
            Fact("both SSIMs and PSNR are taken after white sides are put back on", "DPTN's code"),
            Fact("whether LPIPS and FID see the white sides was not seen; here they do", "inferred"),
            PEERS_FID,
        ),
    ),
)
SQUASHED = Geometry(FASHION)
PROTOCOLS.add(
    "nted2022",
    Protocol(
        "nted2022",
        metrics=("ssim-uniform51", "ssim-gaussian1.5-range", "lpips-alex", "fid-peers"),
        generated=SQUASHED,
        target=SQUASHED,
        reference=SQUASHED,
        reference_set="train",
        tails={"lpips-alex": 64, "fid-peers": 64},
        facts=(
            PAIRS_PATN,
            Fact("high-resolution files squashed to 256x176 by PIL bicubic, stored as PNG", "NTED's code"),
            Fact("metrics are those of GFLA's script", "inferred: the repository has none of its own"),
            PEERS_FID,
        ),
    ),
)
PROTOCOLS.add(
    "pidm2023",
    Protocol(
        "pidm2023",
        metrics=("ssim-gaussian1.2-range", "lpips-alex", "fid-peers"),
        generated=SQUASHED,
        target=SQUASHED,
        reference=Geometry(FASHION, "cv2-linear"),
        reference_set="train",
        tails={"lpips-alex": 64, "fid-peers": 64},
        facts=(
            PAIRS_PATN,
            Fact("pictures are generated at 256x256 and resized to 256x176", "the author in an issue thread"),
            Fact("SSIM with a Gaussian of 1.2", "PIDM's code"),
            Fact("SSIM's data range is the generated picture's own", "copies of GFLA's script; inferred for PIDM"),
            Fact(
                "reference resized by cv2 without antialiasing; the author advises PIL bicubic", "PIDM's code, an issue"
            ),
            PEERS_FID,
        ),
    ),
)
PROTOCOLS.add(
    "cfld2024",
    Protocol(
        "cfld2024",
        metrics=("ssim-uniform51", "ssim-gaussian1.5-range", "psnr", "lpips-alex", "fid-peers"),
        generated=SQUASHED,
        target=SQUASHED,
        reference=SQUASHED,
        reference_set="train",
        rounding="down",
        facts=(
            PAIRS_PATN,
            Fact("generated at 512x512, then bicubic with antialiasing down to 256x176", "CFLD's code"),
            Fact("bytes are cut, not rounded; scored in memory, no file in between", "CFLD's code"),
            Fact("no batch is dropped", "CFLD's code"),
            Fact("the Gaussian SSIM's data range is the generated picture's own", "inferred from GFLA's script"),
            Fact("both SSIMs are printed; which one the paper's is was not seen", "CFLD's code"),
            PEERS_FID,
        ),
    ),
)
PROTOCOLS.add(
    "pcdm2024",
    Protocol(
        "pcdm2024",
        metrics=("ssim-gaussian1.2-range", "lpips-alex-range01", "fid-peers"),
        generated=SQUASHED,
        target=SQUASHED,
        reference=Geometry(FASHION, "cv2-cubic"),
        reference_set="train",
        tails={"lpips-alex-range01": 128, "fid-peers": 128},
        facts=(
            PAIRS_PATN,
            Fact("LPIPS is given pictures in [0, 1] where it expects [-1, 1]: too low", "PCDMs' code"),
            Fact("reference resized by cv2 cubic without antialiasing", "PCDMs' code"),
            PEERS_FID,
        ),
    ),
)
PROTOCOLS.add(
    "leffa2025",
    Protocol(
        "leffa2025",
        person=LARGE,
        metrics=("ssim-torchmetrics", "lpips-squeeze", "fid"),
        generated=Geometry(LARGE, "pil-lanczos"),
        target=Geometry(LARGE, "pil-lanczos"),
        facts=(
            Fact("Lanczos to 512x352", "Leffa's code; the size from its tables"),
            Fact("FID through the standard network against the test set's true pictures", "Leffa's code"),
            Fact("LPIPS through SqueezeNet", "Leffa's code"),
            Fact("clean-fid's own resizing to 299x299 is replaced by the standard network's", "ours: a difference"),
        ),
    ),
)
