"""The failures that a user can act on."""

from typing import Any


class JojoError(Exception):
    """A failure that the user can act on: one line that names the thing, and a hint that names an action.

    Library code raises it, `cli.main` prints it and exits with `exit_code`.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint

    def __reduce__(self) -> tuple[Any, ...]:
        """Let it come from another process, whatever a subclass is made of."""
        return _restored, (type(self), self.args, self.__dict__)


class UsageError(JojoError):
    """What the command line alone shows to be wrong: a bad name, a number out of range, colliding outputs."""

    exit_code = 2


class CheckpointError(JojoError):
    """A weight, code or style file that does not hold what it should."""


def _restored(kind: type[JojoError], args: tuple[Any, ...], fields: dict[str, Any]) -> JojoError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(fields)
    return error
