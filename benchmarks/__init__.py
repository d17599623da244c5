"""Benchmarks of smtpkit beside the standard library and peers: ``make bench``."""
