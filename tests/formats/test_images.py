"""Images: where their sizes come from."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncer.formats.faults import ImportRefused
from syncer.formats.ids import IdSpelling
from syncer.formats.images import ImageOptions, Images, InputRule
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


def make_exif(orientation: int, order: str = ">") -> bytes:
    mark = b"MM" if order == ">" else b"II"
    head = struct.pack(f"{order}HI", 42, 8)
    entries = struct.pack(f"{order}HHHIHHI", 1, 0x0112, 3, 1, orientation, 0, 0)
    return mark + head + entries


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + bytes(4)


def make_image(kind: str, orientation: int, width: int = 40, height: int = 30) -> bytes:
    """Return the head of an image, which is all that is looked at."""
    exif = make_exif(orientation, "<" if orientation % 2 else ">")
    match kind:
        case "jpg":
            of_app = b"Exif\0\0" + exif
            frame = struct.pack(">BHHB", 8, height, width, 1) + b"\1\x11\0"
            return b"".join(
                (
                    b"\xff\xd8\xff\xe1" + struct.pack(">H", len(of_app) + 2) + of_app,
                    b"\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9",
                )
            )
        case "png" | "late.png":
            head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            parts = [chunk(b"eXIf", exif), chunk(b"IDAT", bytes(9)), chunk(b"IEND", b"")]
            parts = parts if kind == "png" else [parts[1], parts[0], parts[2]]
            return b"\x89PNG\r\n\x1a\n" + head + b"".join(parts)
        case _:
            head = struct.pack("<I", 8) + struct.pack("<I", width - 1)[:3]
            head += struct.pack("<I", height - 1)[:3]
            chunks = b"VP8X" + struct.pack("<I", len(head)) + head
            chunks += b"VP8 " + struct.pack("<I", 7) + bytes(8)
            chunks += b"EXIF" + struct.pack("<I", len(exif)) + exif
            return b"RIFF" + struct.pack("<I", len(chunks) + 4) + b"WEBP" + chunks


@pytest.mark.parametrize("kind", ["jpg", "png", "late.png", "webp"])
@pytest.mark.parametrize("orientation", range(10))
def test_the_size_is_that_which_is_shown(tmp_path: Path, kind: str, orientation: int) -> None:
    """Wrong: width and height of the pixels as they are stored, and not as people drew
    on them: boxes of a photograph that was taken upright lie elsewhere.
    """
    (tmp_path / f"a.{kind}").write_bytes(make_image(kind, orientation))
    shown = (30, 40) if 5 <= orientation <= 8 else (40, 30)
    assert measure(ImageOptions(folder=tmp_path), Picture(f"a.{kind}")) == shown


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_the_size_in_the_labels_decides_and_the_contradiction_says_its_reason(
    tmp_path: Path, kind: str
) -> None:
    """Wrong: swapped sides are put down to an orientation that the image has not."""
    (tmp_path / f"turned.{kind}").write_bytes(make_image(kind, 6))
    (tmp_path / f"plain.{kind}").write_bytes(make_image(kind, 1))
    said = {}
    for name, width, height in (
        ("turned", 40, 30),
        ("turned", 30, 40),
        ("plain", 30, 40),
        ("plain", 9, 9),
    ):
        images = Images(ImageOptions(folder=tmp_path))
        placed = images.place(Picture(f"{name}.{kind}", width, height))
        assert placed is not None
        assert (placed.width, placed.height) == (width, height)
        said[name, width] = placed.contradiction
    assert said == {
        ("turned", 40): f"turned.{kind} is 40x30 as the labels say, and 30x40 as the image says,"
        " turned by its EXIF orientation",
        ("turned", 30): "",
        ("plain", 30): f"plain.{kind} is 30x40 as the labels say, and 40x30 as the image says:"
        " width and height are swapped",
        ("plain", 9): f"plain.{kind} is 9x9 as the labels say, and 40x30 as the image says",
    }


@pytest.mark.parametrize("kind", ["jpg", "png", "late.png", "webp"])
def test_a_head_that_breaks_off_makes_no_traceback(tmp_path: Path, kind: str) -> None:
    whole = make_image(kind, 6)
    for end in range(len(whole)):
        (tmp_path / f"a.{kind}").write_bytes(whole[:end])
        measure(ImageOptions(folder=tmp_path), Picture(f"a.{kind}"))


@pytest.mark.parametrize("name", ["a" * 5000 + ".jpg", "a\0b.jpg", "a/" * 3000, "/"])
def test_a_name_that_no_file_can_have_makes_no_traceback(tmp_path: Path, name: str) -> None:
    """Wrong: "File name too long", and with it the end of the import."""
    placed = Images(ImageOptions(folder=tmp_path)).place(Picture(name, file=Path(name)))
    assert placed is None or placed.width is None


LISTED = st.tuples(
    st.integers(-1, 40),
    st.sampled_from(
        ["a.jpg", "b.jpg", "dir/a.jpg", "dir/c.d.png", "a b.jpg", "é.jpg", "x.0001", ""]
    )
    | st.text("ab./-_ 1", max_size=6),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
)


@given(
    st.lists(st.lists(LISTED, max_size=6, unique_by=lambda each: each[0])),
    st.sampled_from(["stem", "name", "path"]),
    st.sampled_from([IdSpelling(), IdSpelling("word"), IdSpelling("any", 16)]),
)
@example(
    [[(0, "b.jpg", (1, 1)), (-1, "c.jpg", (1, 1)), (1, "a.jpg", (1, 1))]], "stem", IdSpelling()
)
def test_pictures_are_placed_many_at_once_as_they_are_one_by_one(
    files: list[list[tuple[int, str, tuple[int, int]]]], rule: InputRule, spelling: IdSpelling
) -> None:
    options = ImageOptions(rule, spelling=spelling)
    single, many = Images(options), Images(options)
    for pictures in files:
        single.begin_file()
        many.begin_file()
        told = [place(single, *picture) for picture in pictures]
        said: list[str] = []
        while len(said) < len(pictures):
            left = pictures[len(said) :]
            numbers, paths, sizes = zip(*left, strict=True)
            said += [""] * many.place_all(numbers, paths, sizes)
            if len(said) < len(pictures):
                said.append(place(many, *pictures[len(said)]))
        assert said == told
        assert (len(many), many.odd) == (len(single), single.odd)
        numbers = range(-1, 41)
        assert many.listed.find_all(numbers) == single.listed.find_all(numbers)


def place(images: Images, number: int, path: str, size: tuple[int, int]) -> str:
    try:
        placed = images.place_listed(Picture(path, *size, own_id=str(number)))
    except ImportRefused as refusal:
        return str(refusal)
    return placed.contradiction if placed is not None else ""
