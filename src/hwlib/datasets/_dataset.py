"""Data sets as arrays."""

from __future__ import annotations

import html
import os
import warnings
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hwlib.datasets._archives import ARCHIVES, DIGITS, find, lookup
from hwlib.datasets._download import UnavailableError, fetch
from hwlib.datasets._unpacking import read


class FallbackWarning(UserWarning):
    """Handwritten digits stand in for a data set that is not here.

    Its message starts with "Built without", so that ``PYTHONWARNINGS`` can name it.
    """


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled grey pictures of 28 × 28 pixels, in two parts. All arrays are read-only.

    Attributes:
        name: The data set that the arrays hold.
        requested: The data set that was asked for: another one only where digits stand in.
        classes: The names of the classes; label k is ``classes[k]``.
        train_images: (n_train, 28, 28), uint8, 0 to 255.
        train_labels: (n_train,), int64.
        test_images: (n_test, 28, 28), uint8, 0 to 255.
        test_labels: (n_test,), int64.
    """

    name: str
    requested: str
    classes: tuple[str, ...]
    train_images: NDArray[np.uint8] = field(repr=False)
    train_labels: NDArray[np.int64] = field(repr=False)
    test_images: NDArray[np.uint8] = field(repr=False)
    test_labels: NDArray[np.int64] = field(repr=False)

    def __post_init__(self) -> None:
        for array in (self.train_images, self.train_labels, self.test_images, self.test_labels):
            array.setflags(write=False)

    @property
    def is_fallback(self) -> bool:
        """Whether other pictures stand in for those that were asked for."""
        return self.name != self.requested


@dataclass(frozen=True)
class Notice:
    """A box for the top of a page, or nothing.

    Attributes:
        html: The markup that a notebook shows.
        text: The same in plain text.
    """

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def load(name: str, root: str | os.PathLike[str] | None = None) -> Dataset:
    """Load a data set; where it is looked for, :mod:`hwlib.datasets` says.

    ``"digits"`` are the 1,797 pictures of scikit-learn's ``load_digits``: 8 × 8 pixels of 0
    to 16, here scaled to 0 to 255, each pixel repeated 3 × 3, with a margin of 2, so that what
    reads MNIST reads them. Within each class every fifth picture is a test picture: 1,437 to train
    on and 360 to test on, the same ones always.

    Args:
        name: ``"fashion-mnist"``, ``"mnist"`` or ``"digits"``.
        root: A folder to look in first.

    Returns:
        The data set, or the digits with ``requested=name`` where it is not to be had.

    Raises:
        DataError: An archive is missing among others, cut short, damaged or another file; a folder
            does not exist or cannot be written to; or the data set is not to be had and
            ``HWLIB_REQUIRE_DATA=1`` is set.
        ValueError: There is no data set of that name.

    Warns:
        FallbackWarning: The digits stand in.

    Example:
        >>> from hwlib import datasets
        >>> datasets.load("digits").train_images.shape
        (1437, 28, 28)
    """
    if name == "digits":
        return _load_digits(name)
    collection = lookup(name)
    try:
        folder = find(name, root) or fetch(name, root)
    except UnavailableError as error:
        if os.environ.get("HWLIB_REQUIRE_DATA") == "1":
            raise
        warnings.warn(
            f"Built without the archives of {collection.title}: the handwritten digits of "
            f"scikit-learn stand in. {error}",
            FallbackWarning,
            stacklevel=2,
        )
        return _load_digits(name)
    arrays = [read(folder / archive.file, archive) for archive in collection.archives]
    return _assemble(name, name, collection.classes, *arrays)


def notice(dataset: Dataset) -> Notice:
    """What a page says at its top about the data that it was built with.

    Returns:
        A box where digits stand in for other pictures; else an empty one.
    """
    if not dataset.is_fallback:
        return Notice("", "")
    lead = f"These pages were built without the archives of {ARCHIVES[dataset.requested].title}."
    rest = (
        "The pictures and the numbers are those of the handwritten digits that scikit-learn "
        "carries; the text speaks of other pictures. To get the data, run "
    )
    command = f"hwlib data fetch {dataset.requested}"
    return Notice(
        f'<div class="hw-notice" role="note"><p><strong>{html.escape(lead)}</strong> '
        f"{html.escape(rest)}<code>{html.escape(command)}</code>, and build again.</p></div>",
        f"{lead} {rest}`{command}`, and build again.",
    )


def _load_digits(requested: str) -> Dataset:
    from sklearn.datasets import load_digits

    digits = load_digits()
    scaled = np.rint(digits.images * (255 / 16)).astype(np.uint8)
    images = np.pad(scaled.repeat(3, axis=1).repeat(3, axis=2), ((0, 0), (2, 2), (2, 2)))
    test = np.zeros(len(images), bool)
    test[np.argsort(digits.target, kind="stable")[::5]] = True
    return _assemble(
        "digits",
        requested,
        DIGITS,
        images[~test],
        digits.target[~test],
        images[test],
        digits.target[test],
    )


def _assemble(
    name: str,
    requested: str,
    classes: tuple[str, ...],
    train_images: NDArray[np.uint8],
    train_labels: NDArray[np.integer],
    test_images: NDArray[np.uint8],
    test_labels: NDArray[np.integer],
) -> Dataset:
    """A data set whose labels have the type that everything expects."""
    return Dataset(
        name,
        requested,
        classes,
        train_images,
        train_labels.astype(np.int64),
        test_images,
        test_labels.astype(np.int64),
    )
