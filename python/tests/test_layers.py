# SPDX-License-Identifier: GPL-2.0-or-later
"""Layers: properties give back what was written, edits are checked at once, batches are one edit."""

from __future__ import annotations

import math
from typing import Any

import LiveKit as lk
import numpy as np
import pytest

WIDTH, HEIGHT = 40, 20


def still(value: int = 255, width: int = 8, height: int = 4) -> lk.VideoSource:
    return lk.open(np.full((height, width, 3), value, np.uint8), format="rgb24")


def scene_of(layers: int = 0) -> lk.Compositor:
    scene = lk.Compositor(WIDTH, HEIGHT, fps=30)
    for i in range(layers):
        scene.add(still(), name=f"layer {i}")
    return scene


def gray_at(scene: lk.Compositor, x: int, y: int) -> int:
    return int(scene.frame("rgb24").to_ndarray("rgb24")[y, x, 0])


PROPERTIES: dict[str, list[Any]] = {
    "at": [(3.0, 4.0), (-5.5, 2.25), (0.0, 0.0), None],
    "size": [(10.0, 6.0), (10.0, None), (None, 6.0), (None, None)],
    "fit": ["stretch", "contain", "cover", "none", None],
    "anchor": [
        "top-left",
        "top",
        "top-right",
        "left",
        "center",
        "right",
        "bottom-left",
        "bottom",
        "bottom-right",
        None,
    ],
    "margin": [0.0, 2.0, -1.5],
    "crop": [(1, 2, 3, 1), (0, 0, 0, 0)],
    "flip": ["horizontal", "vertical", "both", None],
    "rotation": [0.0, 90.0, -33.25, 720.0],
    "opacity": [0.0, 0.5, 1.0],
    "blend": ["additive", "normal"],
    "visible": [False, True],
    "offline": ["freeze", "latest", "skip", None],
}
WRONG: dict[str, list[Any]] = {
    "at": [(math.nan, 0.0), (math.inf, 0.0)],
    "size": [(0.0, 5.0), (-3.0, None), (math.nan, 4.0)],
    "fit": ["fill", ""],
    "anchor": ["middle"],
    "margin": [math.inf],
    "crop": [(-1, 0, 0, 0)],
    "flip": ["diagonal"],
    "rotation": [math.nan, math.inf],
    "opacity": [-0.01, 1.01, math.nan],
    "blend": ["multiply?"],
    "offline": ["wait"],
}
EVERY = [(name, value) for name, values in PROPERTIES.items() for value in values]
EVERY_WRONG = [(name, value) for name, values in WRONG.items() for value in values]


@pytest.mark.parametrize(("name", "value"), EVERY)
def test_a_property_gives_back_what_was_written(name: str, value: Any) -> None:
    layer = scene_of().add(still())
    setattr(layer, name, value)
    assert getattr(layer, name) == value


@pytest.mark.parametrize(("name", "value"), EVERY)
def test_a_parameter_of_add_is_the_property(name: str, value: Any) -> None:
    layer = scene_of().add(still(), **{name: value})
    expected = (None, None) if name == "size" and value is None else value
    assert getattr(layer, name) == expected


def test_defaults_are_as_documented() -> None:
    layer = scene_of().add(still())
    assert {name: getattr(layer, name) for name in PROPERTIES} == {
        "at": None,
        "size": (None, None),
        "fit": None,
        "anchor": None,
        "margin": 0.0,
        "crop": (0, 0, 0, 0),
        "flip": None,
        "rotation": 0.0,
        "opacity": 1.0,
        "blend": "normal",
        "visible": True,
        "offline": None,
    }
    assert (layer.name, layer.slot, layer.audio) == (None, 0, None)


@pytest.mark.parametrize(("name", "value"), EVERY_WRONG)
def test_a_wrong_value_is_refused_and_nothing_changes(name: str, value: Any) -> None:
    scene = scene_of()
    layer = scene.add(still(), at=(1, 2), size=(10, 5), opacity=0.75)
    before = getattr(layer, name)
    with pytest.raises(lk.ParameterError):
        setattr(layer, name, value)
    assert getattr(layer, name) == before
    with pytest.raises(lk.ParameterError):
        scene.add(still(), **{name: value})
    assert scene.layers == [layer] or len(scene.layers) == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("opacity", "half"), ("at", 3), ("crop", (1, 2)), ("visible", "no"), ("size", (1, 2, 3))],
)
def test_a_value_of_the_wrong_type_is_refused(name: str, value: Any) -> None:
    layer = scene_of().add(still())
    with pytest.raises((TypeError, ValueError)):
        setattr(layer, name, value)


def test_choices_are_listed_when_a_word_is_wrong() -> None:
    with pytest.raises(lk.ParameterError) as error:
        scene_of().add(still(), fit="fill")  # type: ignore[arg-type]
    assert error.value.hint is not None
    for word in ("stretch", "contain", "cover", "none"):
        assert word in error.value.hint


def test_edits_are_seen() -> None:
    scene = scene_of()
    layer = scene.add(still(200), at=(4, 4))
    assert (gray_at(scene, 3, 4), gray_at(scene, 4, 4), gray_at(scene, 12, 4)) == (0, 200, 0)
    layer.at = (20, 10)
    assert (gray_at(scene, 4, 4), gray_at(scene, 20, 10)) == (0, 200)
    layer.visible = False
    assert gray_at(scene, 20, 10) == 0
    layer.visible = True
    layer.opacity = 0.5
    assert gray_at(scene, 20, 10) == 100
    layer.set_source(still(60))
    assert gray_at(scene, 20, 10) == 30
    layer.remove()
    assert gray_at(scene, 20, 10) == 0
    assert scene.layers == []


def test_edits_between_frames_take_effect_with_the_next() -> None:
    scene = scene_of()
    layer = scene.add(still(100))
    frames = scene.frames("rgb24", realtime=False)
    assert next(frames).to_ndarray("rgb24")[0, 0, 0] == 100
    layer.opacity = 0.5
    assert next(frames).to_ndarray("rgb24")[0, 0, 0] == 50
    layer.opacity = 1.0
    assert next(frames).to_ndarray("rgb24")[0, 0, 0] == 100


# ---- Batches -------------------------------------------------------------------------------------------------


def test_a_batch_takes_effect_as_one() -> None:
    scene = scene_of()
    layer = scene.add(still(100))
    frames = scene.frames("rgb24", realtime=False)
    next(frames)
    with scene.batch():
        layer.opacity = 0.5
        assert layer.opacity == 0.5
        assert next(frames).to_ndarray("rgb24")[0, 0, 0] == 100
        scene.background = "#640000"
    assert next(frames).to_ndarray("rgb24")[0, 0, 0] == 100  # 100 * 0.5 + 100 * 0.5


def test_an_exception_undoes_a_batch() -> None:
    scene = scene_of()
    layer = scene.add(still(100), name="first", at=(1, 1))

    def fails() -> None:
        with scene.batch():
            layer.opacity = 0.5
            scene.add(still(), name="second")
            scene.background = "white"
            layer.remove()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails()
    assert [found.name for found in scene.layers] == ["first"]
    assert (layer.opacity, layer.at) == (1.0, (1.0, 1.0))
    assert scene.background == "#000000ff"


def test_a_refused_edit_in_a_batch_that_is_caught_leaves_the_rest() -> None:
    scene = scene_of()
    layer = scene.add(still())
    with scene.batch():
        layer.opacity = 0.25
        with pytest.raises(lk.ParameterError):
            layer.opacity = 2.0
    assert layer.opacity == 0.25


def test_batches_nest() -> None:
    scene = scene_of()
    layer = scene.add(still(100))
    frames = scene.frames("rgb24", realtime=False)
    with scene.batch():
        with scene.batch():
            layer.opacity = 0.5
        assert next(frames).to_ndarray("rgb24")[0, 0, 0] == 100
    assert next(frames).to_ndarray("rgb24")[0, 0, 0] == 50


# ---- Slots, order and names ----------------------------------------------------------------------------------


def test_layers_pile_up_in_the_order_they_come() -> None:
    scene = scene_of(3)
    assert [layer.slot for layer in scene.layers] == [0, 1, 2]
    assert [layer.name for layer in scene.layers] == ["layer 0", "layer 1", "layer 2"]


def test_above_and_below_go_where_they_say() -> None:
    scene = scene_of(3)
    middle = scene["layer 1"]
    scene.add(still(), name="over", above=middle)
    scene.add(still(), name="under", below=middle)
    names = [layer.name for layer in scene.layers]
    assert names == ["layer 0", "under", "layer 1", "over", "layer 2"]
    slots = [layer.slot for layer in scene.layers]
    assert slots == sorted(set(slots))


def test_what_lies_above_is_seen() -> None:
    scene = scene_of()
    low = scene.add(still(50), size=(WIDTH, HEIGHT))
    scene.add(still(100), size=(WIDTH, HEIGHT))
    assert gray_at(scene, 0, 0) == 100
    scene.add(still(150), size=(WIDTH, HEIGHT), above=low)
    assert gray_at(scene, 0, 0) == 100
    scene.add(still(200), size=(WIDTH, HEIGHT), slot=60000)
    assert gray_at(scene, 0, 0) == 200


def test_a_slot_is_taken_over() -> None:
    scene = scene_of()
    first = scene.add(still(10), slot=7)
    second = scene.add(still(20), slot=7)
    assert len(scene.layers) == 1
    assert second.slot == 7
    assert gray_at(scene, 0, 0) == 20
    with pytest.raises(lk.SlotError):
        first.opacity = 0.5
    with pytest.raises(lk.SlotError):
        _ = first.opacity


@pytest.mark.parametrize("slot", [-1, 65536, -(2**40), 2**40])
def test_slots_out_of_range_are_index_errors(slot: int) -> None:
    scene = scene_of()
    with pytest.raises(lk.SlotError) as error:
        scene.add(still(), slot=slot)
    assert isinstance(error.value, IndexError)
    with pytest.raises(IndexError):
        scene.set_source(slot, still())
    with pytest.raises(IndexError):
        scene.remove_source(slot)
    assert scene.layers == []


def test_layers_are_found_by_name() -> None:
    scene = scene_of(2)
    scene["layer 1"].opacity = 0.5
    assert [layer.opacity for layer in scene.layers] == [1.0, 0.5]
    with pytest.raises(lk.SlotError) as error:
        _ = scene["camera"]
    assert isinstance(error.value, KeyError)
    assert isinstance(error.value, IndexError)


def test_names_are_unique() -> None:
    scene = scene_of(2)
    with pytest.raises(lk.ParameterError, match="layer 1"):
        scene.add(still(), name="layer 1")
    scene["layer 1"].remove()
    scene.add(still(), name="layer 1")


def test_only_one_place_can_be_asked_for() -> None:
    scene = scene_of(1)
    layer = scene["layer 0"]
    with pytest.raises(lk.ParameterError):
        scene.add(still(), slot=3, above=layer)
    with pytest.raises(lk.ParameterError):
        scene.add(still(), above=layer, below=layer)


def test_layers_of_another_scene_are_no_neighbours() -> None:
    stranger = scene_of(1)["layer 0"]
    with pytest.raises((lk.SlotError, lk.ParameterError)):
        scene_of(2).add(still(), above=stranger)


def test_removed_twice_is_an_error_and_not_a_crash() -> None:
    layer = scene_of().add(still())
    layer.remove()
    with pytest.raises(lk.SlotError):
        layer.remove()
    with pytest.raises(lk.SlotError):
        layer.visible = True


def test_a_layer_outlives_its_scenes_handle() -> None:
    layer = scene_of().add(still())
    layer.opacity = 0.5
    assert layer.opacity == 0.5


# ---- As in 2020 ----------------------------------------------------------------------------------------------


def test_set_source_has_the_three_places_of_2020() -> None:
    scene = lk.Compositor(WIDTH, HEIGHT)
    scene.set_source(0, still(50))
    assert scene.frame().to_ndarray("rgb24").min() == 50
    scene.set_source(1, still(100), (2, 3))
    picture = scene.frame().to_ndarray("rgb24")[..., 0]
    expected = np.full((HEIGHT, WIDTH), 50)
    expected[3:7, 2:10] = 100
    np.testing.assert_array_equal(picture, expected)
    scene.set_source(2, still(150), (20, 1), (38, 19))
    expected[1:19, 20:38] = 150
    np.testing.assert_array_equal(scene.frame().to_ndarray("rgb24")[..., 0], expected)
    scene.set_source(1, still(10))
    expected[:, :] = 10
    expected[1:19, 20:38] = 150
    np.testing.assert_array_equal(scene.frame().to_ndarray("rgb24")[..., 0], expected)
    scene.remove_source(1)
    scene.remove_source(2)
    assert scene.frame().to_ndarray("rgb24").max() == 50
    scene.remove_source(77)
    assert [layer.slot for layer in scene.layers] == [0]


def test_the_lower_right_must_lie_right_and_below() -> None:
    scene = scene_of()
    with pytest.raises(lk.ParameterError):
        scene.set_source(0, still(), (10, 10), (10, 20))
    with pytest.raises(lk.ParameterError):
        scene.set_source(0, still(), (10, 10), (5, 5))


def test_the_canvas_can_change_its_size() -> None:
    scene = scene_of()
    assert scene.video_size() == scene.size == (WIDTH, HEIGHT)
    scene.add(still(9))
    scene.set_video_resolution(64, 32)
    assert scene.video_size() == scene.size == (64, 32)
    assert scene.frame().size == (64, 32)


@pytest.mark.parametrize(
    ("given", "fps"),
    [
        (30, 30.0),
        (12.5, 12.5),
        (29.97, 30000 / 1001),
        ("30000/1001", 30000 / 1001),
        ((24000, 1001), 24000 / 1001),
        ("25", 25.0),
    ],
)
def test_rates_are_numbers_strings_or_pairs(given: Any, fps: float) -> None:
    assert lk.Compositor(16, 16, fps=given).fps == pytest.approx(fps, abs=1e-9)


@pytest.mark.parametrize("given", [0, -1, math.nan, math.inf, 5000, "fast", (30, 0), (30,), [30]])
def test_rates_that_are_none_are_refused(given: Any) -> None:
    with pytest.raises((lk.ParameterError, lk.FormatError)):
        lk.Compositor(16, 16, fps=given)


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("white", "#ffffffff"),
        ("#102030", "#102030ff"),
        ("#10203040", "#10203040"),
        ("#fff", "#ffffffff"),
        ("black", "#000000ff"),
    ],
)
def test_backgrounds_are_css_colours(given: str, stored: str) -> None:
    scene = lk.Compositor(16, 16, background=given)
    assert scene.background == stored
    scene.background = "#010203"
    assert scene.background == "#010203ff"
    with pytest.raises(lk.ParameterError):
        scene.background = "no such colour"
    assert scene.background == "#010203ff"


def test_a_fallback_is_shown_while_there_is_nothing() -> None:
    port = lk.VideoPort()
    scene = scene_of()
    scene.add(port, fallback=still(77), offline="latest")
    assert gray_at(scene, 5, 5) == 77
    port.push(np.full((4, 4, 3), 12, np.uint8))
    assert gray_at(scene, 5, 5) == 12
