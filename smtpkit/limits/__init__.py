"""How much an account may send."""

from smtpkit.limits.daily import DailyLimit
from smtpkit.limits.limit import Limit
from smtpkit.limits.memory import MemoryStore
from smtpkit.limits.preset import preset_limits
from smtpkit.limits.rate import RateLimit
from smtpkit.limits.redis import RedisStore
from smtpkit.limits.sqlite import SqliteStore
from smtpkit.limits.status import LimitStatus
from smtpkit.limits.store import Count, Reservation, Store
from smtpkit.limits.window import Window

__all__ = [
    "Count",
    "DailyLimit",
    "Limit",
    "LimitStatus",
    "MemoryStore",
    "RateLimit",
    "RedisStore",
    "Reservation",
    "SqliteStore",
    "Store",
    "Window",
    "preset_limits",
]
