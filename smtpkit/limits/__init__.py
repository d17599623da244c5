"""How much an account may send."""

from smtpkit.limits.daily import DailyLimit, preset_limits
from smtpkit.limits.memory import MemoryStore
from smtpkit.limits.store import Reservation, Store

__all__ = ["DailyLimit", "MemoryStore", "Reservation", "Store", "preset_limits"]
