"""A server without TLS that answers as it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from servers.wiretap import Line

__all__ = ["answering"]

_USUAL = {"AUTH": "235 2.7.0 ok", "DATA": "354 go on", "QUIT": "221 bye"}


def answering(answers: Mapping[str, str], heard: list[str]) -> Callable[[Line], object]:
    """For a `Wiretap`: ``answers`` by verb, ``.`` for the content; the rest is taken. What was said is ``heard``."""

    def conversation(line: Line) -> None:
        said = _USUAL | dict(answers)
        line.say(said.get("greeting", "220 mail.test ESMTP"))
        while not heard or heard[-1] != "QUIT":
            heard.append(line.hear())
            verb = heard[-1].partition(" ")[0]
            line.say(*("250-mail.test", "250 AUTH PLAIN") if verb == "EHLO" else (said.get(verb, "250 ok"),))
            if verb == "DATA" and said["DATA"].startswith("354"):
                while line.hear() != ".":
                    pass
                line.say(said.get(".", "250 2.0.0 ok"))

    return conversation
