# SPDX-License-Identifier: GPL-2.0-or-later
"""Composed pictures against what NumPy computes for the same scene. The exhaustive comparison is Rust's; this one is
seen through the Python API."""

from __future__ import annotations

from typing import Any

import LiveKit as lk
import numpy as np
import pytest
from numpy.typing import NDArray

WIDTH, HEIGHT = 64, 48
Array = NDArray[Any]


def noise(*shape: int, seed: int = 5) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


def scene_with(background: str = "black", width: int = WIDTH, height: int = HEIGHT) -> lk.Compositor:
    return lk.Compositor(width, height, fps=30, background=background)


def rgb(array: NDArray[np.uint8]) -> lk.VideoSource:
    return lk.open(array, format="rgba" if array.shape[2] == 4 else "rgb24")


def shown(scene: lk.Compositor) -> Array:
    return scene.frame("rgb24").to_ndarray("rgb24").astype(int)


def near(actual: Array, expected: Array, tolerance: int) -> None:
    difference = np.abs(actual.astype(int) - np.rint(expected).astype(int))
    assert difference.max() <= tolerance, (
        f"off by {difference.max()} at {np.argwhere(difference == difference.max())[0]}"
    )


def canvas(colour: tuple[int, int, int] = (0, 0, 0)) -> Array:
    return np.broadcast_to(np.array(colour, float), (HEIGHT, WIDTH, 3)).copy()


def test_an_empty_scene_is_its_background() -> None:
    np.testing.assert_array_equal(shown(scene_with("#102030")), canvas((16, 32, 48)))


@pytest.mark.parametrize("at", [(0, 0), (5, 7), (33, 21), (-4, -3), (50, 40), (200, 0)])
def test_an_unscaled_rectangle_is_copied(at: tuple[int, int]) -> None:
    array = noise(20, 30, 3)
    scene = scene_with("#404040")
    scene.add(rgb(array), at=at)
    expected = canvas((64, 64, 64))
    for y in range(20):
        for x in range(30):
            if 0 <= y + at[1] < HEIGHT and 0 <= x + at[0] < WIDTH:
                expected[y + at[1], x + at[0]] = array[y, x]
    np.testing.assert_array_equal(shown(scene), expected)


@pytest.mark.parametrize("layout", ["rgb24", "bgr24", "rgba", "bgra"])
def test_all_packed_formats_show_the_same(layout: Any) -> None:
    array = noise(HEIGHT, WIDTH, 3)
    frame = lk.Frame.from_ndarray(array, "rgb24")
    scene = scene_with()
    scene.add(lk.Frame.from_ndarray(frame.to_ndarray(layout), layout))
    np.testing.assert_array_equal(shown(scene), array)
    np.testing.assert_array_equal(scene.frame(layout).to_ndarray(layout), frame.to_ndarray(layout))


@pytest.mark.parametrize("opacity", [0.5, 0.25, 1 / 3])
def test_opacity_mixes_with_what_is_below(opacity: float) -> None:
    array = noise(HEIGHT, WIDTH, 3)
    scene = scene_with("#c86432")
    scene.add(rgb(array), opacity=opacity)
    near(shown(scene), array * opacity + canvas((200, 100, 50)) * (1 - opacity), 1)


def test_straight_alpha_covers_by_its_amount() -> None:
    array = noise(HEIGHT, WIDTH, 4)
    scene = scene_with("#c86432")
    scene.add(rgb(array))
    alpha = array[..., 3:] / 255
    near(shown(scene), array[..., :3] * alpha + canvas((200, 100, 50)) * (1 - alpha), 1)


def test_alpha_and_opacity_multiply() -> None:
    array = noise(HEIGHT, WIDTH, 4)
    scene = scene_with("#3264c8")
    scene.add(rgb(array), opacity=0.6)
    alpha = array[..., 3:] / 255 * 0.6
    near(shown(scene), array[..., :3] * alpha + canvas((50, 100, 200)) * (1 - alpha), 1)


def test_additive_adds_light_and_clamps() -> None:
    array = noise(HEIGHT, WIDTH, 3)
    scene = scene_with("#643296")
    scene.add(rgb(array), blend="additive")
    np.testing.assert_array_equal(shown(scene), np.minimum(array + canvas((100, 50, 150)), 255))
    scene.layers[0].opacity = 0.5
    near(shown(scene), np.minimum(array * 0.5 + canvas((100, 50, 150)), 255), 1)


def test_additive_alpha_adds_by_its_amount() -> None:
    array = noise(HEIGHT, WIDTH, 4)
    scene = scene_with("#643296")
    scene.add(rgb(array), blend="additive")
    near(shown(scene), np.minimum(array[..., :3] * (array[..., 3:] / 255) + canvas((100, 50, 150)), 255), 1)


def test_a_transparent_canvas_keeps_straight_alpha() -> None:
    array = noise(HEIGHT, WIDTH, 4)
    scene = scene_with("#00000000")
    scene.add(rgb(array))
    result = scene.frame("rgba").to_ndarray("rgba").astype(int)
    np.testing.assert_array_equal(result[..., 3], array[..., 3])
    premultiplied = array[..., :3] * (array[..., 3:] / 255)
    near(result[..., :3] * (result[..., 3:] / 255), premultiplied, 1)


def test_an_opaque_canvas_has_alpha_255() -> None:
    scene = scene_with("#102030")
    scene.add(rgb(noise(HEIGHT, WIDTH, 4)), opacity=0.3)
    assert (scene.frame("bgra").to_ndarray("bgra")[..., 3] == 255).all()


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_shrinking_is_the_mean_of_the_pixels_covered(factor: int) -> None:
    array = noise(HEIGHT * factor, WIDTH * factor, 3)
    scene = scene_with()
    scene.add(rgb(array))
    blocks = array.reshape(HEIGHT, factor, WIDTH, factor, 3)
    near(shown(scene), blocks.mean(axis=(1, 3)), 1)


def test_enlarging_is_bilinear() -> None:
    array = noise(HEIGHT // 4, WIDTH // 4, 3)
    scene = scene_with()
    scene.add(rgb(array))

    def axis(n: int, size: int) -> tuple[Array, Array, Array]:
        position = np.clip((np.arange(n) + 0.5) * size / n - 0.5, 0, size - 1)
        low = np.minimum(np.floor(position).astype(int), size - 1)
        return low, np.minimum(low + 1, size - 1), position - low

    y0, y1, fy = axis(HEIGHT, array.shape[0])
    x0, x1, fx = axis(WIDTH, array.shape[1])
    fy, fx = fy[:, None, None], fx[None, :, None]
    top = array[y0][:, x0] * (1 - fx) + array[y0][:, x1] * fx
    low = array[y1][:, x0] * (1 - fx) + array[y1][:, x1] * fx
    near(shown(scene), top * (1 - fy) + low * fy, 2)


def test_contain_keeps_the_shape_and_centres() -> None:
    array = noise(HEIGHT * 2, HEIGHT * 2, 3)
    scene = scene_with("#0a0a0a")
    scene.add(rgb(array), fit="contain")
    expected = canvas((10, 10, 10))
    left = (WIDTH - HEIGHT) // 2
    expected[:, left : left + HEIGHT] = array.reshape(HEIGHT, 2, HEIGHT, 2, 3).mean(axis=(1, 3))
    near(shown(scene), expected, 1)


def test_cover_keeps_the_shape_and_fills() -> None:
    array = noise(WIDTH * 2, WIDTH * 2, 3)
    scene = scene_with()
    scene.add(rgb(array), fit="cover")
    top = (WIDTH - HEIGHT) // 2 * 2
    cut = array[top : top + 2 * HEIGHT]
    near(shown(scene), cut.reshape(HEIGHT, 2, WIDTH, 2, 3).mean(axis=(1, 3)), 1)


@pytest.mark.parametrize(
    ("anchor", "x", "y"),
    [
        ("top-left", 3, 3),
        ("top", 24, 3),
        ("top-right", 45, 3),
        ("left", 3, 19),
        ("center", 24, 19),
        ("right", 45, 19),
        ("bottom-left", 3, 35),
        ("bottom", 24, 35),
        ("bottom-right", 45, 35),
    ],
)
def test_anchors_and_margins(anchor: Any, x: int, y: int) -> None:
    array = noise(10, 16, 3)
    scene = scene_with()
    scene.add(rgb(array), anchor=anchor, margin=3)
    expected = canvas()
    expected[y : y + 10, x : x + 16] = array
    np.testing.assert_array_equal(shown(scene), expected)


def test_a_crop_cuts_before_placing() -> None:
    array = noise(20, 30, 3)
    scene = scene_with()
    scene.add(rgb(array), crop=(4, 3, 6, 5), at=(10, 10))
    expected = canvas()
    expected[10:22, 10:30] = array[3:15, 4:24]
    np.testing.assert_array_equal(shown(scene), expected)


@pytest.mark.parametrize(
    ("flip", "expected"),
    [
        ("horizontal", lambda a: a[:, ::-1]),
        ("vertical", lambda a: a[::-1]),
        ("both", lambda a: a[::-1, ::-1]),
    ],
)
def test_flips_mirror(flip: Any, expected: Any) -> None:
    array = noise(HEIGHT, WIDTH, 3)
    scene = scene_with()
    scene.add(rgb(array), flip=flip)
    np.testing.assert_array_equal(shown(scene), expected(array))


@pytest.mark.parametrize(("degrees", "turns"), [(90, -1), (180, 2), (270, 1), (-90, 1), (450, -1), (360, 0)])
def test_quarter_turns_are_exact_and_clockwise(degrees: float, turns: int) -> None:
    array = noise(20, 30, 3)
    scene = scene_with()
    scene.add(rgb(array), at=(17, 14), rotation=degrees)
    turned = np.rot90(array, turns)
    h, w = turned.shape[:2]
    x, y = 17 + 15 - w // 2, 14 + 10 - h // 2
    expected = canvas()
    expected[y : y + h, x : x + w] = turned
    np.testing.assert_array_equal(shown(scene), expected)


def test_a_flat_picture_turned_by_any_angle_is_flat_inside() -> None:
    scene = scene_with()
    scene.add(rgb(np.full((30, 30, 3), (200, 120, 40), np.uint8)), at=(17, 9), rotation=33)
    picture = shown(scene)
    near(picture[20:28, 28:36], np.broadcast_to([200, 120, 40], (8, 8, 3)), 1)
    assert (picture[0, 0] == 0).all()
    covered = picture[..., 0].sum() / 200
    assert abs(covered - 900) < 10


def test_half_pixel_positions_share_the_edge() -> None:
    scene = scene_with()
    scene.add(rgb(np.full((4, 4, 3), 200, np.uint8)), at=(10.5, 10))
    row = shown(scene)[11, :, 0]
    near(row[9:16], np.array([0, 100, 200, 200, 200, 100, 0]), 1)


# ---- YUV outputs ---------------------------------------------------------------------------------------------

YUV_WIDTH, YUV_HEIGHT = 1280, 720  # from 720 lines up untagged pictures are BT.709, below BT.601


def yuv_noise(width: int, height: int, seed: int = 1) -> NDArray[np.uint8]:
    luma = np.random.default_rng(seed).integers(16, 236, (height, width), np.uint8)
    chroma = np.random.default_rng(seed + 1).integers(16, 241, (height // 2, width), np.uint8)
    return np.concatenate([luma, chroma])


def planes(array: Array) -> tuple[Array, Array, Array]:
    width, height = array.shape[1], array.shape[0] * 2 // 3
    quarter = height // 4
    chroma = array[height:]
    return (
        array[:height],
        chroma[:quarter].reshape(height // 2, width // 2),
        chroma[quarter:].reshape(height // 2, width // 2),
    )


def yuv_shown(scene: lk.Compositor, layout: Any = "yuv420p") -> NDArray[np.uint8]:
    return scene.frame(layout).to_ndarray(layout)


@pytest.mark.parametrize("layout", ["yuv420p", "nv12"])
@pytest.mark.parametrize("size", [(YUV_WIDTH, YUV_HEIGHT), (64, 48)])
def test_a_yuv_picture_over_the_whole_canvas_is_copied(layout: Any, size: tuple[int, int]) -> None:
    array = yuv_noise(*size)
    scene = scene_with(width=size[0], height=size[1])
    scene.add(lk.Frame.from_ndarray(array, layout))
    np.testing.assert_array_equal(yuv_shown(scene, layout), array)
    target = lk.NullTarget(layout)
    scene.render(target, frames=2)
    latest = target.latest()
    assert target.frames == 2
    assert latest is not None
    np.testing.assert_array_equal(latest.to_ndarray(layout), array)


def test_a_yuv_picture_at_an_even_place_is_copied_plane_by_plane() -> None:
    array = yuv_noise(32, 720)  # 720 lines: BT.709, as the canvas
    scene = scene_with(width=YUV_WIDTH, height=YUV_HEIGHT)
    scene.add(lk.Frame.from_ndarray(array, "yuv420p"), at=(100, 0))
    result = planes(yuv_shown(scene))
    for plane, own, step, empty in zip(result, planes(array), (1, 2, 2), (16, 128, 128), strict=True):
        expected = np.full(plane.shape, empty)
        expected[:, 100 // step : 132 // step] = own
        np.testing.assert_array_equal(plane, expected)


def test_at_an_odd_place_luma_is_still_copied() -> None:
    array = yuv_noise(32, 720)
    scene = scene_with(width=YUV_WIDTH, height=YUV_HEIGHT)
    scene.add(lk.Frame.from_ndarray(array, "yuv420p"), at=(101, 0))
    np.testing.assert_array_equal(planes(yuv_shown(scene))[0][:, 101:133], planes(array)[0])


def test_opacity_in_yuv_mixes_bytes() -> None:
    array = yuv_noise(YUV_WIDTH, YUV_HEIGHT)
    scene = scene_with(width=YUV_WIDTH, height=YUV_HEIGHT)
    below = yuv_noise(YUV_WIDTH, YUV_HEIGHT, seed=9)
    scene.add(lk.Frame.from_ndarray(below, "yuv420p"))
    scene.add(lk.Frame.from_ndarray(array, "yuv420p"), opacity=0.5)
    near(yuv_shown(scene), (array.astype(float) + below) / 2, 1)


@pytest.mark.parametrize("size", [(YUV_WIDTH, YUV_HEIGHT), (64, 48)])
def test_flat_colours_are_the_same_in_both_families(size: tuple[int, int]) -> None:
    width, height = size
    for colour in [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (12, 200, 77)]:
        scene = scene_with(width=width, height=height)
        scene.add(rgb(np.full((height, width, 3), colour, np.uint8)))
        for layout in ("yuv420p", "nv12", "yuyv422"):
            frame = scene.frame(layout)
            assert frame.format == layout
            near(
                frame.to_ndarray("rgb24")[4:-4, 4:-4], np.broadcast_to(colour, (height - 8, width - 8, 3)), 2
            )


def test_yuv_canvases_must_be_even() -> None:
    scene = scene_with(width=63, height=47)
    for layout in ("yuv420p", "nv12", "yuyv422"):
        with pytest.raises(lk.FormatError) as error:
            scene.frame(layout)
        assert "64x4" in str(error.value)
    assert scene.frame("rgb24").size == (63, 47)
