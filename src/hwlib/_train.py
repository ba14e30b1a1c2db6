"""The command ``hwlib train``: a network from a recipe, in a folder where a stopped run goes on."""

from __future__ import annotations

import argparse
import csv
import io
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from hwlib import datasets
from hwlib._files import alone, write_whole

if TYPE_CHECKING:
    from hwlib import mlp

CHECKPOINT, NETWORK, HISTORY = "checkpoint.pt", "network.pt", "history.csv"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the others."""
    train = commands.add_parser(
        "train",
        help="train the dense network by a recipe",
        description="Train a dense network by a recipe of hwlib.mlp, and measure it on the test "
        f"set. The folder receives {NETWORK}, for hwlib.mlp.load; {HISTORY}, the losses and "
        f"accuracies after each epoch; and {CHECKPOINT}, from which a run that was stopped goes "
        "on with --resume, to the same weights.",
    )
    names = (*datasets.ARCHIVES, "digits")
    train.add_argument(
        "--dataset", choices=names, default="fashion-mnist", help="default: %(default)s"
    )
    train.add_argument(
        "--recipe", default="quick", help="homework, quick or tuned (default: %(default)s)"
    )
    train.add_argument(
        "--seed", type=_seed, default=0, help="of the weights and of the training (default: 0)"
    )
    train.add_argument("--device", help="such as cpu or cuda:1; default: the fastest one here")
    train.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder")
    train.add_argument("--resume", action="store_true", help="go on with the run in the folder")
    train.set_defaults(run=run)


def _seed(text: str) -> int:
    if not text.isdecimal() or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer from 0 to 2^63 - 1")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Train, and write what came of it."""
    try:
        return _run(arguments)
    except (ValueError, FloatingPointError) as error:
        print(f"hwlib: {error}", file=sys.stderr)
        return 1


def _run(arguments: argparse.Namespace) -> int:
    from hwlib import mlp  # noqa: F401 - what is missing is said before anything is done

    folder: Path = arguments.output
    _check(folder, arguments.resume)
    data = _load(arguments.dataset)
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder, "trains"):
        _check(folder, arguments.resume)  # again: another run may have ended meanwhile
        history = _train(arguments, data)
    print(
        f"{folder / NETWORK}: test accuracy {history.test_accuracy[-1]:.2%}, "
        f"{len(history.test_loss) - 1} epochs of {arguments.recipe}, seed {arguments.seed}"
    )
    return 0


def _train(arguments: argparse.Namespace, data: datasets.Dataset) -> mlp.History:
    """Train, and write all files."""
    from hwlib import mlp

    folder: Path = arguments.output
    network = mlp.build((784, *mlp.SIZES[1:-1], len(data.classes)), seed=arguments.seed)
    checkpoint = folder / CHECKPOINT
    history = mlp.train(
        network,
        data,
        arguments.recipe,
        seed=arguments.seed,
        device=arguments.device,
        checkpoint=checkpoint,
    )
    mlp.save(network, folder / NETWORK)
    write_whole(folder / HISTORY, _table(history).encode(), "history")
    Path(f"{checkpoint}.teacher").unlink(missing_ok=True)  # it has nothing left to teach
    return history


def _check(folder: Path, resume: bool) -> None:
    """Nothing in the folder is replaced that does not come from the run that goes on."""
    there = [name for name in (CHECKPOINT, NETWORK, HISTORY) if (folder / name).exists()]
    if not there or (resume and CHECKPOINT in there):
        return
    remedy = "name another folder"
    if CHECKPOINT in there:
        remedy = f"go on with --resume, or {remedy}"
    elif resume:
        remedy = f"there is no {CHECKPOINT} to go on from, so {remedy}"
    raise ValueError(f"{folder} already holds {', '.join(there)}: {remedy}")


def _load(name: str) -> datasets.Dataset:
    """The data set itself: what stands in for it elsewhere is not what was asked for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", datasets.FallbackWarning)
        data = datasets.load(name)
    if data.is_fallback:
        raise datasets.DataError(
            f"the archives of {name} are not here and could not be downloaded: "
            f"see hwlib data fetch {name}"
        )
    return data


def _table(history: mlp.History) -> str:
    """Comma-separated, a row for each epoch, numbers that read back as they were."""
    columns = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("epoch", *columns))
    values = (getattr(history, name).tolist() for name in columns)
    writer.writerows((epoch, *row) for epoch, row in enumerate(zip(*values, strict=True)))
    return text.getvalue()
