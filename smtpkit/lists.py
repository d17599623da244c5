"""The list that a message belongs to, and how to leave it (RFC 2369, RFC 2919, RFC 8058)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpkit.errors import InvalidHeader, InvalidMessage
from smtpkit.fields import BaseMessage
from smtpkit.mime.characters import refuse_breaks, require_text
from smtpkit.mime.identifiers import checked_list_id, unsubscribe_urls

if TYPE_CHECKING:
    from typing import Self

__all__ = ["ListMethods"]


class ListMethods(BaseMessage):
    """How a message says which list it belongs to."""

    __slots__ = ()

    def list_id(self, identifier: str, name: str = "") -> Self:
        """List-ID: the list that this mail belongs to, by which people sort it (RFC 2919).

        ``identifier`` looks like a host name in a domain of yours, such as ``news.example.com``.

        Raises:
            InvalidMessage: it does not.
            InvalidHeader: a name with CR, LF or NUL.
        """
        require_text("the id of a list", identifier, InvalidMessage)
        require_text("the name of a list", name, InvalidHeader)
        return self._with(
            {"list_id": (checked_list_id(identifier), refuse_breaks("the name of a list", name, InvalidHeader))}
        )

    def list_unsubscribe(self, url: str | None = None, mailto: str | None = None, *, one_click: bool = True) -> Self:
        """List-Unsubscribe: how to leave a list, by web page, by mail or both (RFC 2369 §3.2).

        With an https ``url`` and ``one_click`` the mail also has List-Unsubscribe-Post (RFC 8058): your page
        must then unsubscribe on a POST without asking, and the DKIM signature must cover both fields (§4).

        Raises:
            InvalidHeader: neither is given, a URL that cannot stand there, or one click without https.
            InvalidAddress: ``mailto`` has no valid address.
        """
        value = unsubscribe_urls(url, mailto, one_click)
        return self._with({"list_unsubscribe": value, "one_click": one_click and url is not None})
