"""A `Truth` on a real port, with a thread for each connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.runtime.loopback import Loopback

if TYPE_CHECKING:
    import ssl

    from truth import Truth


class Truthful(Loopback):
    """SMTP on a free port of 127.0.0.1, within ``with``. More than ``most`` connections at a time get 421.

    With ``context`` it can do STARTTLS, if its `Truth` offers it.
    """

    def __init__(self, truth: Truth, most: int = 1000, context: ssl.SSLContext | None = None) -> None:
        super().__init__(truth.dial, context, most=most)
        self.truth = truth
