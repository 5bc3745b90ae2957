"""The error that every other error of unblur derives from."""


class UnblurError(Exception):
    """Something is wrong with the input or the machine, not with the program.

    Its message names the thing and says what was expected and what to do.
    """
