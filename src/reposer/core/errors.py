"""The one error that a person who uses Reposer can mend."""


class BadInput(ValueError):
    """Something that came from outside cannot be used.

    The message is one sentence or two: what came, what was expected, the way out. The command line prints it
    and exits with code 2; in Python it is an ordinary ValueError.
    """
