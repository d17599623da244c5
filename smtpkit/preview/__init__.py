"""See a mail as its reader does, without sending it: ``show(message)``."""

from smtpkit.preview.exhibit import Viewable
from smtpkit.preview.show import render, show

__all__ = ["Viewable", "render", "show"]
