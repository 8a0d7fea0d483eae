"""The person in a picture, by its file name."""


def name_identity(name: str) -> str:
    """The person and clothes of a picture: its name up to the last `_`, or without its suffix if it has no `_`."""
    return name.rpartition("_")[0] or name.rpartition(".")[0] or name


def market_identity(name: str) -> str | None:
    """The person of a Market-1501 picture: its name up to the first `_`; None for junk and distractors."""
    person = name.partition("_")[0]
    return None if person in ("-1", "0000") else person
