"""The command ``hwlib homework``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def add(commands: Commands) -> None:
    """Add the command to the others."""
    homework = commands.add_parser("homework", help="write the notebooks of the homework")
    homework.add_argument(
        "--edition",
        choices=("student", "solution", "instructor"),
        help="which notebooks: with holes, filled in, or as the source for nbgrader",
    )
    homework.add_argument("--output", type=Path, metavar="DIR", help="where they go")
    homework.add_argument(
        "--course", type=Path, metavar="DIR", help="lay out a course for nbgrader there instead"
    )
    homework.set_defaults(run=_run, usage=homework.error)


def _run(arguments: argparse.Namespace) -> int:
    _check_usage(arguments)
    if arguments.course is not None:
        from hwlib.homework._course import lay_out

        written = lay_out(arguments.course)
    else:
        from hwlib.homework._editions import write

        written = write(arguments.edition, arguments.output)
    for path in written:
        print(path)
    return 0


def _check_usage(arguments: argparse.Namespace) -> None:
    """Either an edition and where it goes, or a course."""
    single = (arguments.edition, arguments.output)
    if arguments.course is not None and single != (None, None):
        arguments.usage("--course takes neither --edition nor --output: it writes the sources")
    if arguments.course is None and None in single:
        arguments.usage("give --edition and --output, or --course")
