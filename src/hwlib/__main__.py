"""``python -m hwlib`` is the command ``hwlib``."""

import sys

from hwlib._cli import main

sys.exit(main())
