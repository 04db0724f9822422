# SPDX-License-Identifier: GPL-2.0-or-later
"""What is written: containers, codecs, tags, options, and several outputs at once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import LiveKit as lk
import media
import numpy as np
import pytest

WIDTH, HEIGHT = 96, 64
CONTAINERS = {  # ending: (container in ffprobe's words, video codec, audio codec)
    "mp4": ("mp4", "h264", "aac"),
    "mov": ("mov", "h264", "aac"),
    "mkv": ("matroska", "h264", "aac"),
    "flv": ("flv", "h264", "aac"),
    "ts": ("mpegts", "h264", "aac"),
    "webm": ("webm", None, None),
}


def picture(t: float) -> Any:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x * 2, y * 3, np.full_like(x, 50 + 100 * t)], axis=2).astype(np.uint8)


def scene_of(fps: Any = 30, sound: Path | None = None) -> lk.Compositor:
    scene = lk.Compositor(WIDTH, HEIGHT, fps=fps)
    scene.add(lk.FunctionSource(picture, format="rgb24"))
    if sound is not None:
        scene.audio.add(sound)
    return scene


@pytest.mark.parametrize("ending", CONTAINERS)
def test_a_container_holds_every_frame_and_the_sound(
    noise_sounds: tuple[Path, Path], tmp_path: Path, ending: str
) -> None:
    container, video_codec, audio_codec = CONTAINERS[ending]
    out = tmp_path / f"out.{ending}"
    statistics = scene_of(sound=noise_sounds[0]).render(out, frames=45)
    assert statistics.frames == 45
    found = media.probe(out)
    assert container in found["format"]["format_name"].split(",")
    video, sound = media.stream(out, "video"), media.stream(out, "audio")
    assert video["codec_name"] in ((video_codec,) if video_codec else ("vp8", "vp9", "av1"))
    assert sound["codec_name"] in ((audio_codec,) if audio_codec else ("opus", "vorbis"))
    assert (video["width"], video["height"]) == (WIDTH, HEIGHT)
    assert int(video["nb_read_frames"]) == 45
    assert Fraction(video["r_frame_rate"]) == 30
    assert sound["sample_rate"] == "48000"
    assert sound["channels"] == 2
    assert len(media.decoded_sound(out)) == pytest.approx(45 * 1600, abs=2400)


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "ts"])
def test_broken_rates_are_kept(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"out.{ending}"
    scene_of("30000/1001").render(out, frames=31)
    video = media.stream(out, "video")
    assert int(video["nb_read_frames"]) == 31
    assert Fraction(video["r_frame_rate"]) == Fraction(30000, 1001)


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "ts", "flv"])
def test_the_colours_are_tagged(tmp_path: Path, ending: str) -> None:
    out = tmp_path / f"out.{ending}"
    scene_of().render(out, frames=5)
    video = media.stream(out, "video")
    tags = {
        name: video.get(name) for name in ("color_range", "color_space", "color_primaries", "color_transfer")
    }
    assert tags == {
        "color_range": "tv",
        "color_space": "bt709",
        "color_primaries": "bt709",
        "color_transfer": "bt709",
    }
    assert video["pix_fmt"] == "yuv420p"
    assert video["chroma_location"] == "left"


@pytest.mark.parametrize("ending", ["mp4", "mkv", "webm"])
def test_the_colours_come_back(tmp_path: Path, ending: str) -> None:
    """A small picture, which is BT.601 unless tagged otherwise."""
    colours = [(200, 30, 30), (30, 200, 30), (30, 30, 200), (230, 230, 230), (20, 20, 20), (200, 180, 40)]
    bars = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for i, colour in enumerate(colours):
        bars[:, i * 16 : (i + 1) * 16] = colour
    scene = lk.Compositor(WIDTH, HEIGHT, fps=30)
    scene.add(lk.open(bars, format="rgb24"))
    out = tmp_path / f"out.{ending}"
    scene.render(out, frames=3, quality=4)
    ours = lk.LazyPlayer(out).frame(0.05)
    assert ours is not None
    read = ours.to_ndarray("rgb24").astype(int)
    for i, colour in enumerate(colours):
        assert np.abs(read[20:40, i * 16 + 5 : i * 16 + 11] - colour).max() <= 6, (
            colour,
            read[30, i * 16 + 8],
        )


def test_the_beginning_is_the_beginning(tmp_path: Path) -> None:
    """Players that ignore edit lists show the first frame first, and nothing before it."""
    for ending in ("mp4", "mkv", "mov"):
        out = tmp_path / f"out.{ending}"
        scene_of().render(out, frames=10)
        assert media.frame_times(out)[0] == 0


# ---- Options -------------------------------------------------------------------------------------------------


def key_frames(path: Path) -> list[int]:
    shown = ("-show_entries", "packet=pts,flags", "-of", "csv=p=0")
    lines = media.run("ffprobe", "-v", "error", "-select_streams", "v", *shown, str(path)).decode().split()
    packets = sorted((int(line.split(",")[0]), "K" in line.split(",")[1]) for line in lines)
    return [i for i, (_, key) in enumerate(packets) if key]


def test_options_reach_the_encoder(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    options = {
        "preset": "ultrafast",
        "g": 5,
        "keyint_min": 5,
        "sc_threshold": 0,
        "bf": 0,
        "profile": "baseline",
    }
    scene_of().render(out, frames=20, options=options)
    assert key_frames(out) == [0, 5, 10, 15]
    video = media.stream(out, "video")
    assert video["has_b_frames"] == 0
    assert "Baseline" in video["profile"]


def test_options_reach_the_container(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    scene_of().render(out, frames=20, options={"movflags": "+faststart"})
    start = out.read_bytes()[:4096]
    assert b"moov" in start


def test_an_option_nobody_knows_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(lk.EncoderError, match="prest"):
        scene_of().render(tmp_path / "out.mp4", frames=5, options={"prest": "fast"})


def test_an_option_with_an_impossible_value_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(lk.EncoderError, match="preset"):
        scene_of().render(tmp_path / "out.mp4", frames=5, options={"preset": "warp"})


def noisy_scene() -> lk.Compositor:
    rng = np.random.default_rng(2)
    scene = lk.Compositor(128, 128, fps=30)
    scene.add(lk.FunctionSource(lambda t: rng.integers(0, 256, (128, 128, 3), np.uint8), format="rgb24"))
    return scene


def test_quality_is_on_the_scale_of_x264s_crf(tmp_path: Path) -> None:
    sizes = []
    for quality in (10, 23, 45):
        out = tmp_path / f"q{quality}.mp4"
        noisy_scene().render(out, frames=10, quality=quality)
        sizes.append(out.stat().st_size)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 2 * sizes[2]


@pytest.mark.parametrize(("codec", "ending"), [("libvpx-vp9", "webm"), ("mpeg4", "mp4"), ("mjpeg", "mkv")])
def test_the_scale_holds_for_other_encoders(tmp_path: Path, codec: str, ending: str) -> None:
    media.need_encoder(codec)
    sizes = []
    for quality in (5, 45):
        out = tmp_path / f"q{quality}.{ending}"
        noisy_scene().render(out, frames=5, quality=quality, video_codec=codec)
        sizes.append(out.stat().st_size)
    assert sizes[0] > 1.5 * sizes[1]


def test_the_bitrate_is_kept(tmp_path: Path) -> None:
    rates = []
    for bitrate in (400_000, 1_600_000):
        out = tmp_path / f"b{bitrate}.mp4"
        noisy_scene().render(out, seconds=4, bitrate=bitrate)
        rates.append(out.stat().st_size * 8 / 4)
    assert 200_000 < rates[0] < 800_000
    assert 800_000 < rates[1] < 3_200_000


@pytest.mark.parametrize(
    ("codec", "name", "ending"),
    [
        ("mpeg4", "mpeg4", "mp4"),
        ("ffv1", "ffv1", "mkv"),
        ("libx265", "hevc", "mp4"),
        ("libvpx", "vp8", "webm"),
        ("mjpeg", "mjpeg", "mkv"),
        ("prores", "prores", "mov"),
        ("h264", "h264", "mp4"),
    ],
)
def test_every_encoder_of_ffmpeg_can_be_named(tmp_path: Path, codec: str, name: str, ending: str) -> None:
    if codec != "h264":
        media.need_encoder(codec)
    out = tmp_path / f"out.{ending}"
    scene_of().render(out, frames=8, video_codec=codec)
    video = media.stream(out, "video")
    assert video["codec_name"] == name
    assert int(video["nb_read_frames"]) == 8


def test_a_lossless_encoder_keeps_every_byte(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    array = rng.integers(16, 236, (720 * 3 // 2, 64), np.uint8)
    scene = lk.Compositor(64, 720, fps=30)
    scene.add(lk.Frame.from_ndarray(array, "yuv420p"))
    out = tmp_path / "out.mkv"
    scene.render(out, frames=2, video_codec="ffv1")
    raw = media.ffmpeg("-i", out, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
    decoded = np.frombuffer(raw, np.uint8).reshape(2, *array.shape)
    np.testing.assert_array_equal(decoded[0], array)
    np.testing.assert_array_equal(decoded[1], array)
    again = lk.LazyPlayer(out).frame(0.0, format="yuv420p")
    assert again is not None
    np.testing.assert_array_equal(again.to_ndarray("yuv420p"), array)


@pytest.mark.parametrize(
    ("codec", "name", "ending"), [("flac", "flac", "mkv"), ("libopus", "opus", "mkv"), ("ac3", "ac3", "ts")]
)
def test_every_sound_encoder_can_be_named(
    noise_sounds: tuple[Path, Path], tmp_path: Path, codec: str, name: str, ending: str
) -> None:
    media.need_encoder(codec)
    out = tmp_path / f"out.{ending}"
    scene_of(sound=noise_sounds[0]).render(out, frames=15, audio_codec=codec)
    assert media.stream(out, "audio")["codec_name"] == name


def test_an_unknown_encoder_lists_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(lk.EncoderError) as error:
        scene_of().render(tmp_path / "out.mp4", frames=5, video_codec="libx246")
    assert "libx246" in str(error.value)
    assert "libx264" in str(error.value)
    with pytest.raises(lk.EncoderError) as error:
        scene_of().render(tmp_path / "out.mp4", frames=5, video_codec="nonsense")
    assert "mpeg4" in str(error.value)


def test_an_encoder_the_container_cannot_hold_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(lk.EncoderError):
        scene_of().render(tmp_path / "out.webm", frames=5, video_codec="mpeg4")


def test_an_unknown_ending_is_an_error_and_format_helps(tmp_path: Path) -> None:
    for name in ("out.xyz", "out"):
        with pytest.raises(lk.EncoderError):
            scene_of().render(tmp_path / name, frames=5)
    scene_of().render(tmp_path / "out.xyz", frames=5, format="matroska")
    assert "matroska" in media.probe(tmp_path / "out.xyz")["format"]["format_name"]


# ---- Files and targets ---------------------------------------------------------------------------------------


def test_overwriting_can_be_forbidden(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"precious")
    with pytest.raises(lk.OutputError) as error:
        scene_of().render(out, frames=5, overwrite=False)
    assert isinstance(error.value, OSError)
    assert out.read_bytes() == b"precious"
    scene_of().render(out, frames=5)
    assert media.stream(out, "video")["nb_read_frames"] == "5"
    fresh = tmp_path / "fresh.mp4"
    scene_of().render(fresh, frames=5, overwrite=False)
    assert media.stream(fresh, "video")["nb_read_frames"] == "5"


def test_a_refused_render_leaves_no_file_and_no_damage(tmp_path: Path) -> None:
    out, old = tmp_path / "out.mp4", tmp_path / "old.mp4"
    old.write_bytes(b"precious")
    for path in (out, old):
        with pytest.raises(lk.EncoderError):
            scene_of().render(path, frames=5, video_codec="nonsense")
    assert not out.exists()
    assert old.read_bytes() == b"precious"


def test_several_outputs_at_once(tmp_path: Path) -> None:
    counted, port = lk.NullTarget("bgra"), lk.VideoPort()
    files = [tmp_path / "one.mp4", tmp_path / "two.mkv"]
    scene = scene_of()
    always = lk.NullTarget("nv12")
    scene.add_target(always)
    scene.render([*files, counted, port], frames=12)
    for path in files:
        assert media.stream(path, "video")["nb_read_frames"] == "12"
    assert counted.frames == always.frames == 12
    assert counted.latest().format == "bgra"  # type: ignore[union-attr]
    assert port.latest() is not None


def test_render_is_a_function_too(tmp_path: Path) -> None:
    statistics = lk.render(scene_of(), str(tmp_path / "out.mp4"), frames=4)
    assert statistics.frames == 4


def test_progress_is_told() -> None:
    calls: list[tuple[int, int]] = []
    scene_of().render(lk.NullTarget(), frames=10, progress=lambda done, total: calls.append((done, total)))
    assert calls
    assert calls[-1] == (10, 10)
    assert calls == sorted(set(calls))
    assert {total for _, total in calls} == {10}


def test_progress_bars_are_quiet_when_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    scene_of().render(lk.NullTarget(), frames=10, progress=True)
    assert capfd.readouterr() == ("", "")


def test_statistics_add_up() -> None:
    scene = scene_of()
    assert scene.statistics() is None
    made = scene.render(lk.NullTarget(), frames=20)
    last = scene.statistics()
    assert last is not None
    assert made.to_dict() == last.to_dict()
    assert (made.frames, made.samples) == (20, 0)
    parts = ("sampling", "rendering", "delivering", "mixing")
    for name in ("elapsed", "cpu", "compositing", *parts):
        assert getattr(made, name) >= 0
        assert made.to_dict()[name] == getattr(made, name)
    assert sum(getattr(made, name) for name in parts) <= made.elapsed * 1.01
    assert 0 < made.compositing <= made.cpu * 1.01
    assert made.to_dict()["render"] == made.render.to_dict()


def test_statistics_say_why_a_scene_is_slow() -> None:
    scene = lk.Compositor(640, 360)

    def flicker() -> lk.FunctionSource:
        return lk.FunctionSource(lambda t: np.full((90, 160, 4), int(t * 100), np.uint8), format="rgba")

    hidden = scene.add(flicker(), at=(0, 0))
    scene.add(lk.StillSource(lk.Frame.from_ndarray(np.full((360, 640, 3), 9, np.uint8), "rgb24")), at=(0, 0))
    # changes nothing that is seen
    covered = scene.render(lk.NullTarget("bgra"), frames=20).render
    assert (covered.frames, covered.written) == (20, covered.frames - covered.repeated)
    assert covered.culled == covered.layers // 2 > 0
    assert covered.damaged < 0.2
    # a quarter by a quarter of the canvas changes
    hidden.remove()
    scene.add(flicker(), at=(0, 0))
    small = scene.render(
        [lk.NullTarget("bgra"), lk.NullTarget("yuv420p"), lk.NullTarget("yuv420p")], frames=20
    )
    assert small.render.culled == 0
    assert 1 / 16 < small.render.damaged < 0.3
    assert small.render.written == 2 * 20, "two formats for three targets"
    assert small.render.cache_hits > 0
    assert small.render.cache_bytes > 0
    assert f"{small.render.damaged * 100:.1f} % of the canvas drawn" in str(small)


def test_frames_taken_one_by_one_have_statistics() -> None:
    frames = scene_of().frames("rgb24", realtime=False, seconds=1)
    assert frames.statistics().frames == 0
    taken = [next(frames), next(frames)]
    assert frames.statistics().frames == frames.statistics().render.frames == len(taken)
    frames.close()
    assert frames.statistics().frames == 2
    assert frames.statistics().compositing > 0


def test_a_thousand_layers_give_a_picture() -> None:
    scene = lk.Compositor(640, 360)
    tile = np.zeros((9, 16, 4), np.uint8)
    with scene.batch():
        for n in range(1000):
            tile[...] = (n % 251, n // 251 * 60, 7, 255)
            place = (n % 40 * 16, n // 40 * 14)
            scene.add(lk.StillSource(lk.Frame.from_ndarray(tile, "rgba")), at=place)
    scene.add(lk.Color("#ff0000"), at=(0, 350), size=(640, 10), opacity=0.5)
    first, _, last = scene.frames("rgba", realtime=False, seconds=0.1)
    np.testing.assert_array_equal(first.array, last.array)
    for n in (0, 41, 500, 999):
        x, y = n % 40 * 16, n // 40 * 14
        expected = np.broadcast_to(np.uint8((n % 251, n // 251 * 60, 7, 255)), (9, 16, 4))
        np.testing.assert_array_equal(first.array[y : y + 9, x : x + 16], expected)
    assert tuple(first.array[355, 600]) == (128, 0, 0, 255)


def test_screenshots_are_frames(tmp_path: Path) -> None:
    scene = scene_of()
    scene.screenshot(tmp_path / "shot.png", at=0.5)
    expected = scene.frame("bgr24", at=0.5).to_ndarray("bgr24")
    np.testing.assert_array_equal(lk.ImageFile(tmp_path / "shot.png").pull()[0], expected)
    assert expected[0, 0, 0] == 100


def test_what_is_rendered_can_be_read_by_ourselves(clip_with_sound: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    scene = lk.Compositor(media.WIDTH, media.HEIGHT, fps=30)
    scene.add(clip_with_sound)
    scene.render(out, seconds=1)
    info = lk.MediaInfo(out)
    assert info.has_video()
    assert info.has_audio()
    assert info.video_size() == (media.WIDTH, media.HEIGHT)
    assert info.video_fps() == pytest.approx(30)
    assert info.audio_sample_rate() == 48000
    assert info.audio_number_of_channels() == 2
    assert info.duration() == pytest.approx(1_000_000, abs=50_000)
    assert isinstance(info.to_dict(), dict)
    assert [media.number_of(media.luma(f)) for f in lk.LazyPlayer(out).frames()] == list(range(30))
