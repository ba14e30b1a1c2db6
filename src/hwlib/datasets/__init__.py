"""The pictures that the book learns from: Fashion-MNIST, MNIST, and handwritten digits.

:func:`load` looks for the archives of a data set, as their authors publish them, in

1. ``root``, when it is given,
2. ``$HWLIB_DATA``, an absolute path,
3. the cache folder: ``$HWLIB_CACHE``, or else the user's cache folder,

each with the layout of torchvision, such as ``<folder>/FashionMNIST/raw/*.gz``. The first folder
that holds any of the four archives is the one that counts. Where none does, torchvision downloads
them into the cache folder; only that needs torchvision, which comes with the extra ``torch``.

The MD5 of an archive is checked whenever it is read. Archives are unpacked into the cache folder;
``root`` and ``$HWLIB_DATA`` are never written to.

Where the archives can neither be found nor downloaded, the handwritten digits that scikit-learn
carries stand in for them, with a :class:`FallbackWarning`. ``HWLIB_REQUIRE_DATA=1`` turns that
into a :class:`DataError`.
"""

from hwlib.datasets._archives import ARCHIVES, Archive, Collection, DataError, find
from hwlib.datasets._dataset import Dataset, FallbackWarning, Notice, load, notice
from hwlib.datasets._download import UnavailableError, fetch

__all__ = [
    "ARCHIVES",
    "Archive",
    "Collection",
    "DataError",
    "Dataset",
    "FallbackWarning",
    "Notice",
    "UnavailableError",
    "fetch",
    "find",
    "load",
    "notice",
]
