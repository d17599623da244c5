"""Real servers on loopback that the tests send to."""
