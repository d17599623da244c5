"""The command line, ``python -m smtpkit``: one module for each command, loaded when it is used."""
