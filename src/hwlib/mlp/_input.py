"""Pictures and labels: from arrays of any numeric type to checked tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray


def pixels(images: ArrayLike, n_inputs: int) -> torch.Tensor:
    """Pictures as rows of grey levels in [0, 1], by the rule of :mod:`hwlib.mlp`.

    Args:
        images: (n, …) with ``n_inputs`` entries in each picture, of any real dtype.
        n_inputs: Entries per picture that the network takes.

    Returns:
        (n, n_inputs), float32, on the CPU; a copy.

    Raises:
        TypeError: The dtype is not a real number type.
        ValueError: The shape does not fit, there is no picture, or a pixel is out of range.
    """
    images = np.asarray(images)
    if images.dtype.kind not in "buif":
        raise TypeError(
            f"images must be an array of real numbers, not of dtype {images.dtype}: "
            "give grey levels as uint8 (0 to 255) or as floats (0 to 1)"
        )
    _check_shape(images, n_inputs)
    whole = images.dtype.kind in "ui"
    _check_range(images, 255 if whole else 1)
    rows = np.array(images, dtype=np.float32, order="C").reshape(len(images), n_inputs)
    if whole:
        rows /= 255
    return torch.from_numpy(rows)


def classes(labels: ArrayLike, n_images: int, n_classes: int) -> torch.Tensor:
    """Labels as a checked int64 tensor.

    Args:
        labels: (n_images,), integers.
        n_images: How many pictures they belong to.
        n_classes: Labels lie in 0 … n_classes − 1.

    Raises:
        TypeError: The dtype is not an integer type.
        ValueError: The count does not fit, or a label is out of range.
    """
    labels = np.asarray(labels)
    if labels.dtype.kind not in "ui":
        raise TypeError(
            f"labels must be integers, not of dtype {labels.dtype}: "
            "convert class numbers with labels.astype(int), one-hot rows with labels.argmax(1)"
        )
    if labels.shape != (n_images,):
        raise ValueError(
            f"labels have shape {labels.shape}, but there are {n_images} images: "
            f"give one label for each, shape ({n_images},)"
        )
    wrong = (labels < 0) | (labels >= n_classes)
    if wrong.any():
        first = int(wrong.argmax())
        raise ValueError(
            f"label {labels[first]} of image {first} is not in 0 … {n_classes - 1}: number the "
            f"classes from 0, or build a network with more than {n_classes} outputs"
        )
    return torch.from_numpy(labels.astype(np.int64))


def _check_shape(images: NDArray[Any], n_inputs: int) -> None:
    if images.ndim < 2 or math.prod(images.shape[1:]) != n_inputs:
        raise ValueError(
            f"images have shape {images.shape}, but the network takes {n_inputs} pixels per image: "
            "the first axis counts the images (write image[None] for a single one)"
        )
    if len(images) == 0:
        raise ValueError(f"there are no images: the array has shape {images.shape}")


def _check_range(images: NDArray[Any], largest: int) -> None:
    # NaN passes through min and max and fails both comparisons.
    if images.min() >= 0 and images.max() <= largest:
        return
    rows = images.reshape(len(images), -1)
    wrong = ~((rows >= 0) & (rows <= largest))
    first = int(wrong.any(axis=1).argmax())
    value = rows[first, wrong[first].argmax()]
    if not np.isfinite(value):
        remedy = "repair or leave out this image"
    elif largest == 1:
        remedy = "divide grey levels 0 to 255 by 255, or give them as uint8"
    else:
        remedy = "give grey levels as they are in the files"
    raise ValueError(
        f"image {first} holds the value {value}, but images of dtype {images.dtype} must lie in "
        f"[0, {largest}]: {remedy}"
    )
