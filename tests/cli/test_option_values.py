"""Numbers that no option can mean are refused by the option's name, before anything is read."""

import pytest

from reposer.cli import main

PHOTO = "not-there.png"
ANIMATE = ["animate", PHOTO, "--driving", "not-there"]
VIEWS = ["views", PHOTO, "--model", "not-there"]
SCORE = ["score", "not-there", "--targets", "not-there"]
STUDY = ["study", "real-or-generated", "--real", "not-there", "--generated", "a=not-there"]
WHOLE = ["0", "-1"]
NUMBERS = ["0", "-1", "inf", "-inf", "nan"]
WRONG = {
    "demo --person": (["demo"], ["-1", "50000"]),
    "animate --largest": (ANIMATE, [*WHOLE, "1000000000"]),
    "animate --quality": (ANIMATE, [*WHOLE, "52"]),
    "animate --seed": (ANIMATE, ["-1", str(2**63)]),
    "animate --driving-size": (ANIMATE, ["0 5", "5 -1", "1000000000 5"]),
    "views --azimuth": (VIEWS, ["inf", "nan", "1e300"]),
    "views --elevation": (VIEWS, ["-inf", "nan"]),
    "views --steps": (VIEWS, [*WHOLE, "1000000000"]),
    "views --frames-per-view": (VIEWS, WHOLE),
    "views --largest": (VIEWS, WHOLE),
    "views --quality": (VIEWS, WHOLE),
    "train --threads": (["train", "gfla-mini"], WHOLE),
    "train --max-minutes": (["train", "gfla-mini"], NUMBERS),
    "train --batch-size": (["train", "gfla-mini"], WHOLE),
    "train --save-every": (["train", "gfla-mini"], WHOLE),
    "train --accumulation": (["train", "gfla-mini"], [*WHOLE, "100"]),
    "train --keep": (["train", "gfla-mini"], ["-1"]),
    "train --validation-pairs": (["train", "gfla-mini"], ["-1"]),
    "train --log-every": (["train", "gfla-mini"], WHOLE),
    "train --picture-every": (["train", "gfla-mini"], ["-1"]),
    "train --workers": (["train", "gfla-mini"], ["-1"]),
    "train --ema": (["train", "gfla-mini"], ["-1", "inf", "nan", "1"]),
    "train --seed": (["train", "gfla-mini"], ["-1", str(2**64)]),
    "evaluate --batch-size": (["evaluate", "not-there"], WHOLE),
    "score --workers": (SCORE, ["-1", "1000000"]),
    "score --pose-size": (SCORE, ["0 5", "5 -1"]),
    "score --strip": (SCORE, WHOLE),
    "leaderboard --pictures": (["leaderboard"], WHOLE),
    "leaderboard --minutes": (["leaderboard"], NUMBERS),
    "leaderboard --processor-minutes": (["leaderboard"], NUMBERS),
    "leaderboard --people": (["leaderboard"], WHOLE),
    "leaderboard --pairs": (["leaderboard"], WHOLE),
    "study --trials": (STUDY, WHOLE),
    "study --practice": (STUDY, ["-1"]),
    "study --checks": (STUDY, ["-1"]),
    "study --failed-checks": (STUDY, ["-1"]),
    "study --show-seconds": (STUDY, ["-1", "inf", "nan"]),
    "study --seed": (STUDY, ["-1"]),
    "study --port": (STUDY, ["-1", "65536"]),
    "data synthesize --size": (["data", "synthesize", "out"], ["0 0", "-1 5", "100000 100000"]),
    "data synthesize --people": (["data", "synthesize", "out"], ["-1"]),
    "data synthesize --test-people": (["data", "synthesize", "out"], ["-1"]),
    "data synthesize --views": (["data", "synthesize", "out"], ["1", *WHOLE]),
    "data synthesize --workers": (["data", "synthesize", "out"], WHOLE),
    "data synthesize --seed": (["data", "synthesize", "out"], ["-1", str(2**63)]),
    "data card --people": (["data", "card"], WHOLE),
    "data card --workers": (["data", "card"], WHOLE),
    "data card --size": (["data", "card"], ["0 5"]),
    "data synthesize-objects --size": (["data", "synthesize-objects", "out"], ["0 5"]),
    "data synthesize-objects --objects": (["data", "synthesize-objects", "out"], WHOLE),
    "data synthesize-objects --test-objects": (["data", "synthesize-objects", "out"], WHOLE),
}


@pytest.mark.parametrize("option, value", [(option, value) for option in WRONG for value in WRONG[option][1]])
def test_a_number_that_no_option_can_mean_is_refused(option, value, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    command, name = WRONG[option][0], option.split()[-1]
    recipes_words = {"--batch-size": "batch", "--ema": "EMA"}  # the recipe's own check speaks of its fields
    word = recipes_words.get(name, name.strip("-")) if command[0] == "train" else name
    assert main([*command, name, *value.split()]) == 2
    said = capsys.readouterr().err
    assert said.startswith("reposer: ") and said.count("\n") == 1, said
    assert word in said, said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "command",
    [
        ["leaderboard", "--systems"],
        ["compare", "one.json", "other.json", "--names"],
        ["data", "synthesize-objects", "out", "--split"],
        ["study", "real-or-generated", "--real", "not-there", "--generated"],
    ],
)
def test_a_list_without_a_value_is_neither_all_nor_none(command, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(command) == 2
    said = capsys.readouterr().err
    assert said == f"reposer: {command[-1]} came without a value. Name at least one, or leave the option out.\n"
    assert not list(tmp_path.iterdir())
