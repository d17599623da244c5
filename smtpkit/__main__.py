"""``python -m smtpkit``: the command line."""

import sys

from smtpkit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
