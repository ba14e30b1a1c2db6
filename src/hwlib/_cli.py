"""The command ``hwlib``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import hwlib
from hwlib import _train, datasets
from hwlib.datasets._archives import holder, read_intact
from hwlib.homework import _command as homework

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; None takes those of the process.

    Returns:
        The exit status: 0, 1 if something failed, 130 if it was interrupted.
    """
    arguments = _parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
    except (datasets.DataError, ModuleNotFoundError, OSError) as error:
        print(f"hwlib: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("hwlib: interrupted", file=sys.stderr)
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hwlib", description="The tools of the homework book.")
    parser.add_argument("--version", action="version", version=f"hwlib {hwlib.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_data(commands)
    _train.add(commands)
    homework.add(commands)
    return parser


def _add_data(commands: Commands) -> None:
    data = commands.add_parser("data", help="the data sets: what is here, is it intact, get it")
    data.set_defaults(run=_list)
    actions = data.add_subparsers(title="actions", metavar="ACTION")
    actions.add_parser("list", help="what is here (the default)").set_defaults(run=_list)
    for name, run, text in [
        ("verify", _verify, "check the MD5 of every archive"),
        ("fetch", _fetch, "download what is missing or broken, and check it"),
    ]:
        action = actions.add_parser(name, help=text)
        names = ", ".join(datasets.ARCHIVES)
        action.add_argument(
            "names", nargs="*", type=_archive_name, metavar="NAME", help=f"{names}; default: all"
        )
        action.set_defaults(run=run)


def _archive_name(text: str) -> str:
    if text not in datasets.ARCHIVES:
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(datasets.ARCHIVES)}")
    return text


def _list(_: argparse.Namespace) -> int:
    rows = [("name", "images", "where", "state")]
    for name, collection in datasets.ARCHIVES.items():
        n_images = collection.archives[0].shape[0] + collection.archives[2].shape[0]
        folder = holder(name)
        where, state = ("not here", "-") if folder is None else (str(folder), _state(name))
        rows.append((name, f"{n_images:,}", where, state))
    rows.append(("digits", "1,797", "scikit-learn", "-"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, images, where, state in rows:
        print(f"{name:{widths[0]}}  {images:>{widths[1]}}  {where:{widths[2]}}  {state}")
    return 0


def _state(name: str) -> str:
    broken = any(fault for _, fault in _faults(name))
    return "broken: see hwlib data verify" if broken else "verified"


def _verify(arguments: argparse.Namespace) -> int:
    status = 0
    for name in arguments.names or datasets.ARCHIVES:
        for file, fault in _faults(name):
            print(f"{name}  {file}  {fault or 'ok'}")
            status |= fault is not None
    return status


def _faults(name: str) -> Iterator[tuple[str, str | None]]:
    """Each archive of a data set with what is wrong with it, or None."""
    folder = holder(name)
    for archive in datasets.ARCHIVES[name].archives:
        fault = None if folder else "not here"
        if folder:
            try:
                read_intact(folder / archive.file, archive)
            except datasets.DataError as error:
                fault = str(error)
        yield archive.file, fault


def _fetch(arguments: argparse.Namespace) -> int:
    for name in arguments.names or datasets.ARCHIVES:
        print(f"{name}: all archives verified in {datasets.fetch(name)}")
    return 0
