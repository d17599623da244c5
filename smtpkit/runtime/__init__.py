"""Everything that touches the world: sockets, TLS, threads, event loops and clocks. Nothing above imports those.

The conversation is written once, as ``async def``, and is handed a `Runtime`: `blocking`
never suspends, so `run` drives a coroutine through without an event loop; `aio` awaits for
real; `simulated` has a virtual clock.
"""
