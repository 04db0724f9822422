# SPDX-License-Identifier: GPL-2.0-or-later
"""Arrays become frames and come back: every format, shape and stride; shared memory where it is promised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import LiveKit as lk
import numpy as np
import pytest
from numpy.typing import NDArray

WIDTH, HEIGHT = 24, 16
SHAPES: dict[str, tuple[int, ...]] = {
    "rgb24": (HEIGHT, WIDTH, 3),
    "bgr24": (HEIGHT, WIDTH, 3),
    "rgba": (HEIGHT, WIDTH, 4),
    "bgra": (HEIGHT, WIDTH, 4),
    "yuv420p": (HEIGHT * 3 // 2, WIDTH),
    "nv12": (HEIGHT * 3 // 2, WIDTH),
    "yuyv422": (HEIGHT, WIDTH, 2),
}
PACKED = [name for name in SHAPES if name not in ("yuv420p", "nv12")]
ALIASES = {"rgb": "rgb24", "bgr": "bgr24", "i420": "yuv420p", "yuy2": "yuyv422"}

Array = NDArray[np.uint8]


def noise(shape: tuple[int, ...], seed: int = 1) -> Array:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("copy", [True, False])
def test_an_array_comes_back_as_it_was(name: Any, copy: bool) -> None:
    array = noise(SHAPES[name])
    frame = lk.Frame.from_ndarray(array, name, copy=copy, timestamp=1.5)
    assert frame.format == name
    assert frame.size == (WIDTH, HEIGHT)
    assert frame.timestamp == 1.5
    back = frame.to_ndarray(name)
    assert back.dtype == np.uint8
    assert back.flags.writeable
    assert not np.shares_memory(back, array)
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_formats_have_aliases(alias: Any, name: Any) -> None:
    array = noise(SHAPES[name])
    frame = lk.Frame.from_ndarray(array, alias)
    assert frame.format == name
    np.testing.assert_array_equal(frame.to_ndarray(alias), array)


def test_channels_are_named_in_the_order_they_lie() -> None:
    array = noise((HEIGHT, WIDTH, 4))
    frame = lk.Frame.from_ndarray(array, "rgba")
    np.testing.assert_array_equal(frame.to_ndarray("bgra"), array[..., [2, 1, 0, 3]])
    opaque = lk.Frame.from_ndarray(array[..., :3], "bgr24")
    np.testing.assert_array_equal(opaque.to_ndarray("rgb24"), array[..., 2::-1])
    with_alpha = opaque.to_ndarray("rgba")
    np.testing.assert_array_equal(with_alpha[..., :3], array[..., 2::-1])
    assert (with_alpha[..., 3] == 255).all()


STRIDED = {
    "upside down": lambda a: a[::-1],
    "mirrored": lambda a: a[:, ::-1],
    "channels reversed": lambda a: a[..., ::-1],
    "a window of a larger array": lambda a: np.pad(a, ((3, 5), (7, 2), (0, 0)))[3:-5, 7:-2],
    "every second row and column": lambda a: a.repeat(2, 0).repeat(2, 1)[::2, ::2],
    "Fortran order": np.asfortranarray,
    "transposed in memory": lambda a: np.ascontiguousarray(a.transpose(1, 0, 2)).transpose(1, 0, 2),
    "channels first in memory": lambda a: np.ascontiguousarray(a.transpose(2, 0, 1)).transpose(1, 2, 0),
    "three of four channels": lambda a: np.concatenate([a, a[..., :1]], axis=2)[..., :3],
    "one row repeated": lambda a: np.broadcast_to(a[:1], a.shape),
}


@pytest.mark.parametrize("view", STRIDED.values(), ids=STRIDED.keys())
@pytest.mark.parametrize("copy", [True, False])
def test_strides_of_every_kind_are_followed(view: Any, copy: bool) -> None:
    array: Array = view(noise((HEIGHT, WIDTH, 3)))
    expected = array.copy()
    frame = lk.Frame.from_ndarray(array, "rgb24", copy=copy)
    np.testing.assert_array_equal(frame.to_ndarray("rgb24"), expected)


@pytest.mark.parametrize("name", ["yuv420p", "nv12"])
def test_strides_of_planar_arrays_are_followed(name: Any) -> None:
    shape = SHAPES[name]
    array = noise((shape[0] + 2, shape[1] * 2))[1:-1, ::2]
    np.testing.assert_array_equal(lk.Frame.from_ndarray(array, name).to_ndarray(name), array)


def test_a_copied_array_stays_the_callers() -> None:
    array = noise((HEIGHT, WIDTH, 3))
    before = array.copy()
    frame = lk.Frame.from_ndarray(array, "rgb24")
    assert array.flags.writeable
    array[:] = 0
    np.testing.assert_array_equal(frame.to_ndarray("rgb24"), before)


@pytest.mark.parametrize("name", SHAPES)
def test_a_shared_array_is_read_only_and_kept(name: Any) -> None:
    array = noise(SHAPES[name])
    expected = array.copy()
    frame = lk.Frame.from_ndarray(array, name, copy=False)
    assert not array.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0
    if name in PACKED:
        assert np.shares_memory(np.asarray(frame), array)
    del array
    np.testing.assert_array_equal(frame.to_ndarray(name), expected)


@pytest.mark.parametrize("name", SHAPES)
def test_the_buffer_protocol_gives_the_pictures_bytes(name: Any) -> None:
    array = noise(SHAPES[name])
    frame = lk.Frame.from_ndarray(array, name)
    view = memoryview(frame)
    assert (view.shape, view.format, view.readonly) == (SHAPES[name], "B", True)
    np.testing.assert_array_equal(np.asarray(view), array)
    seen = np.asarray(frame)
    assert not seen.flags.writeable
    np.testing.assert_array_equal(seen, array)
    np.testing.assert_array_equal(frame.array, array)
    assert bytes(view) == array.tobytes()


@pytest.mark.parametrize("name", PACKED)
def test_views_share_the_frames_memory_and_outlive_it(name: Any) -> None:
    array = noise(SHAPES[name])
    frame = lk.Frame.from_ndarray(array, name)
    one, two = np.asarray(frame), frame.array
    assert np.shares_memory(one, two)
    del frame
    np.testing.assert_array_equal(one, array)
    np.testing.assert_array_equal(two, array)


def test_numpy_converts_and_copies_on_demand() -> None:
    array = noise((HEIGHT, WIDTH, 3))
    frame = lk.Frame.from_ndarray(array, "rgb24")
    floats = np.asarray(frame, dtype=np.float32)
    assert floats.dtype == np.float32
    np.testing.assert_array_equal(floats, array)
    copied = np.array(frame, copy=True)
    assert copied.flags.writeable
    assert not np.shares_memory(copied, np.asarray(frame))


@pytest.mark.parametrize("name", PACKED)
def test_dlpack_shares_the_frames_memory(name: Any) -> None:
    array = noise(SHAPES[name])
    frame = lk.Frame.from_ndarray(array, name)
    assert frame.__dlpack_device__()[0] == 1  # the CPU
    seen = np.from_dlpack(frame)
    np.testing.assert_array_equal(seen, array)
    assert np.shares_memory(seen, np.asarray(frame))
    del frame
    np.testing.assert_array_equal(seen, array)


def test_anything_with_a_buffer_of_bytes_is_an_array() -> None:
    array = noise((HEIGHT, WIDTH, 3))
    flat = memoryview(bytearray(array.tobytes()))
    frame = lk.Frame.from_ndarray(flat.cast("B", array.shape), "rgb24")
    np.testing.assert_array_equal(frame.to_ndarray("rgb24"), array)


def test_an_array_of_no_picture_is_refused() -> None:
    with pytest.raises(lk.FormatError) as error:
        lk.Frame.from_ndarray(noise((HEIGHT, WIDTH, 5)), "rgb24")
    assert "(16, 24, 5)" in str(error.value)
    assert "(height, width, 3)" in str(error.value)


@pytest.mark.parametrize("name", ["rgb24", "rgba", "yuv420p"])
def test_a_saved_png_holds_the_same_pixels(tmp_path: Path, name: Any) -> None:
    frame = lk.Frame.from_ndarray(noise(SHAPES[name]), name)
    path = tmp_path / "saved.png"
    frame.save(path)
    picture = lk.ImageFile(path)
    assert picture.size() == (WIDTH, HEIGHT)
    array, timestamp, is_flipped = picture.pull()
    assert array is not None
    assert (timestamp, is_flipped) == (2**64 - 1, False)
    layout: Any = "bgra" if array.shape[2] == 4 else "bgr24"
    np.testing.assert_array_equal(array, frame.to_ndarray(layout))


@pytest.mark.parametrize("ending", [".jpg", ".bmp", ".webp"])
def test_saved_in_other_formats_it_looks_the_same(tmp_path: Path, ending: str) -> None:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    smooth = np.stack([x * 10, y * 15, 255 - x * 10], axis=2).astype(np.uint8)
    path = tmp_path / f"saved{ending}"
    lk.Frame.from_ndarray(smooth, "rgb24").save(str(path))
    array, _, _ = lk.ImageFile(path).pull()
    assert array is not None
    difference = np.abs(array[..., 2::-1].astype(int) - smooth)
    assert difference.mean() < 8


def test_a_frame_shows_itself_in_notebooks() -> None:
    frame = lk.Frame.from_ndarray(noise((HEIGHT, WIDTH, 3)), "rgb24", timestamp=2.0)
    assert frame._repr_png_().startswith(b"\x89PNG\r\n\x1a\n")
    assert "rgb24" in repr(frame)
    assert f"{WIDTH}x{HEIGHT}" in repr(frame)


def test_a_frame_becomes_a_pil_image() -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    array = noise((HEIGHT, WIDTH, 4))
    image = lk.Frame.from_ndarray(array, "rgba").to_image()
    assert (image.mode, image.size) == ("RGBA", (WIDTH, HEIGHT))
    np.testing.assert_array_equal(np.asarray(image), array)
    opaque = lk.Frame.from_ndarray(array[..., :3], "bgr24").to_image()
    assert opaque.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(opaque), array[..., 2::-1])


def test_yuv_bars_have_the_published_rgb_values() -> None:
    """BT.601 below 720 lines, BT.709 from there up, limited range; within 2 of the published values."""
    published = {  # Y, Cb, Cr of 100 % red, green, blue
        (16, 16): [(81, 90, 240), (145, 54, 34), (41, 240, 110)],
        (16, 720): [(63, 102, 240), (173, 42, 26), (32, 240, 118)],
    }
    for (width, height), colours in published.items():
        for channel, (y, u, v) in enumerate(colours):
            array = np.full((height * 3 // 2, width), y, np.uint8)
            array[height : height * 5 // 4] = u
            array[height * 5 // 4 :] = v
            expected = np.zeros(3, int)
            expected[channel] = 255
            rgb = lk.Frame.from_ndarray(array, "yuv420p").to_ndarray("rgb24").astype(int)
            assert np.abs(rgb - expected).max() <= 2, (height, channel, rgb[0, 0])
