"""Images: where their sizes come from."""

from __future__ import annotations

from pathlib import Path

from syncer.formats.images import ImageOptions, Images
from syncer.formats.labels import Mask, Picture
from syncer.formats.png import write_png


def draw(path: Path, width: int, height: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(write_png(Mask(width, height, (width * height,))))
    return path


def measure(options: ImageOptions, picture: Picture) -> tuple[int | None, int | None]:
    placed = Images(options).place(picture)
    assert placed is not None
    return placed.width, placed.height


def test_the_size_of_the_file_comes_first_then_the_option_then_the_image(tmp_path: Path) -> None:
    beside = draw(tmp_path / "beside" / "a.png", 30, 40)
    draw(tmp_path / "images" / "a.png", 10, 20)
    folder = ImageOptions(folder=tmp_path / "images")
    both = ImageOptions(folder=tmp_path / "images", size=(7, 8))
    assert measure(both, Picture("a.png", 1, 2, file=beside)) == (1, 2)
    assert measure(both, Picture("a.png", None, 2, file=beside)) == (7, 8)
    assert measure(folder, Picture("a.png", file=beside)) == (10, 20)
    assert measure(ImageOptions(), Picture("a.png", file=beside)) == (30, 40)
    assert measure(ImageOptions(), Picture("a.png", file=tmp_path / "none.png")) == (None, None)


def test_an_image_of_another_folder_is_found_by_its_name_where_it_is_the_only_one(
    tmp_path: Path,
) -> None:
    """Wrong: the size of the one that is found last."""
    options = ImageOptions(folder=tmp_path)
    draw(tmp_path / "one" / "a.png", 10, 20)
    assert measure(options, Picture("elsewhere/a.png")) == (10, 20)
    draw(tmp_path / "two" / "a.png", 30, 40)
    assert measure(options, Picture("elsewhere/a.png")) == (None, None)
    assert measure(options, Picture("two/a.png")) == (30, 40)


def test_an_image_whose_input_is_named_is_still_found_by_its_path(tmp_path: Path) -> None:
    """Wrong: a look for a file that is named like the input."""
    draw(tmp_path / "images" / "a.png", 10, 20)
    named = Picture("images/a.png", input_id="in-1")
    placed = Images(ImageOptions(folder=tmp_path)).place(named)
    assert placed is not None
    assert (placed.input_id, placed.width, placed.height) == ("in-1", 10, 20)


def test_frames_of_two_cameras_are_not_frames_of_one_video() -> None:
    images = Images(ImageOptions(video=True))
    placed = [
        images.place(Picture("", frame=frame, stream=stream, input_id="in-1"))
        for frame in (0, 1)
        for stream in ("left", "right")
    ]
    assert [one and one.input_id for one in placed] == ["in-1-left", "in-1-right"] * 2
