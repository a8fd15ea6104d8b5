"""``python -m deepcluster_sk`` is the command ``deepcluster``."""

import sys

from deepcluster_sk.cli import main

if __name__ == "__main__":
    sys.exit(main())
