"""What every entrance refuses: pictures, labels and networks that do not fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.mlp.data import (
    PLAIN,
    SMALL,
    clusters,
)

from hwlib import mlp


@pytest.fixture(params=["predict_proba", "evaluate", "train images", "test images"])
def entrance(request: pytest.FixtureRequest) -> Any:
    """Each function that takes images, as a function of images and labels."""

    def enter(images: Any, labels: Any = (0, 1, 2)) -> None:
        network = mlp.build(SMALL)
        if request.param == "predict_proba":
            mlp.predict_proba(network, images)
        elif request.param == "evaluate":
            mlp.evaluate(network, images, labels)
        else:
            data = clusters()
            side = request.param.partition(" ")[0]
            setattr(data, f"{side}_images", images)
            setattr(data, f"{side}_labels", labels)
            mlp.train(network, data, PLAIN)

    return enter


class TestBadInput:
    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (np.zeros((0, 4, 4)), "there are no images"),
            (np.zeros(16), r"\(16,\).* takes 16 pixels per image: the first axis counts"),
            (np.zeros((4, 4)), r"\(4, 4\).*write image\[None\] for a single one"),
            (np.zeros((3, 5, 5), np.uint8), r"\(3, 5, 5\), but the network takes 16"),
            (np.float64(1), r"shape \(\)"),
            (np.eye(3, 16) * 255, r"image 0 holds the value 255.0.*divide grey levels"),
            (np.eye(3, 16) * 1.01, r"image 0 .*1.01.*\[0, 1\]"),
            (np.eye(3, 16) * -1, r"image 0 holds the value -1.0.*\[0, 1\]"),
            (np.eye(3, 16, dtype=np.int64) * 256, r"image 0 holds the value 256.*\[0, 255\]"),
            (np.eye(3, 16, dtype=np.int8) * -1, "image 0 holds the value -1"),
        ],
    )
    def test_images_that_do_not_fit(self, entrance: Any, images: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            entrance(images)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
    def test_the_image_that_is_not_finite_is_named(
        self, entrance: Any, bad: float, dtype: type
    ) -> None:
        images = np.full((3, 4, 4), 0.5, dtype)
        images[1, 2, 3] = bad
        with pytest.raises(ValueError, match=f"image 1 holds the value {bad}.*repair or leave out"):
            entrance(images)

    @pytest.mark.parametrize("dtype", [complex, object, str, "datetime64[s]"])
    def test_images_that_are_not_numbers(self, entrance: Any, dtype: Any) -> None:
        with pytest.raises(TypeError, match=r"images must be an array of real numbers.*uint8"):
            entrance(np.zeros((3, 16), int).astype(dtype))

    @pytest.mark.parametrize("entrance", ["evaluate", "train images"], indirect=True)
    @pytest.mark.parametrize(
        ("labels", "error", "message"),
        [
            ([0, 1], ValueError, r"shape \(2,\), but there are 3 images"),
            (np.eye(3, dtype=int), ValueError, r"shape \(3, 3\), but there are 3 images"),
            ([0, 3, 1], ValueError, r"label 3 of image 1 is not in 0 … 2"),
            ([0, 1, -1], ValueError, r"label -1 of image 2"),
            ([0.0, 1.0, 2.0], TypeError, r"not of dtype float64.*labels.astype\(int\)"),
            ([True, False, True], TypeError, "not of dtype bool"),
            (["0", "1", "2"], TypeError, "labels must be integers"),
        ],
    )
    def test_labels(self, entrance: Any, labels: Any, error: Any, message: str) -> None:
        with pytest.raises(error, match=message):
            entrance(np.zeros((3, 16)), labels)

    def test_good_input_passes(self, entrance: Any) -> None:
        entrance(np.zeros((3, 4, 4), np.uint8), np.array([0, 1, 2], np.uint8))

    @pytest.mark.parametrize(
        "network",
        [
            torch.nn.ReLU(),
            torch.nn.Sequential(torch.nn.Linear(16, 3, bias=False)),
            torch.nn.Sequential(torch.nn.Linear(16, 4), torch.nn.Tanh(), torch.nn.Linear(4, 3)),
        ],
    )
    def test_other_networks_are_refused(self, network: torch.nn.Module, tmp_path: Path) -> None:
        with pytest.raises(TypeError, match=r"made by hwlib\.mlp\.build"):
            mlp.predict_proba(network, np.zeros((3, 16)))
        with pytest.raises(TypeError, match=r"made by hwlib\.mlp\.build"):
            mlp.train(network, clusters(), PLAIN)
        with pytest.raises(TypeError, match=r"made by hwlib\.mlp\.build"):
            mlp.save(network, tmp_path / "network.pt")
