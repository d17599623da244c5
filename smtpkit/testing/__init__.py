"""For the tests of those who use this package."""

__all__: list[str] = []
