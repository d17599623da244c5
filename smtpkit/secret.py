"""What must not be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from smtpkit.errors import UsageError

if TYPE_CHECKING:
    from typing import Any, Self

__all__ = ["Secret", "SecretOctets", "hidden", "not_pickled"]


class Secret:
    """A password or token. It shows itself nowhere but to who calls `reveal`."""

    __slots__ = ("_text", "doubt")

    def __init__(self, text: str, doubt: str = "") -> None:
        self._text = text
        self.doubt: str = doubt
        """Why it may not be what the server wants, for who reads that it was refused; mostly empty."""

    def reveal(self) -> str:
        """The text."""
        return self._text

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise not_pickled("a password or token")


class SecretOctets(bytes):
    """Octets on their way to the server that show themselves in no ``repr``, as of the variables in a traceback."""

    def __repr__(self) -> str:
        return "<secret>"


def hidden(**given: object) -> dict[str, Any]:
    """What was ``given``, each text as a `Secret`: for keyword arguments that may stand in a traceback."""
    return {name: Secret(each) if isinstance(each, str) else each for name, each in given.items()}


def not_pickled(what: str) -> UsageError:
    """The error for what is not to leave the process."""
    return UsageError(
        f"{what} cannot be pickled: it would be there for everyone to read",
        stage="configure",
        hint="Make the mailer in the process that sends, for example by Mailer.from_env().",
    )
