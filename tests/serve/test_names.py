"""Names of clients' files, which are for reading only."""

from __future__ import annotations

import pytest

from unblur.serve.names import clean_name, result_name, stored_name, unused


def test_names_are_for_reading_only() -> None:
    assert clean_name("../../etc/pass\0wd\n.jpg") == "passwd.jpg"
    assert clean_name("C:\\photos\\a.jpg") == "a.jpg"
    assert clean_name("..") == clean_name("") == "photo"
    assert len(clean_name("x" * 999 + ".jpg")) == 104
    assert stored_name("../a.jpg") == stored_name(None) == "photo"
    assert stored_name("a.NEF") == "photo.nef"


@pytest.mark.parametrize(
    ("name", "kind", "result"),
    [
        (None, "jpeg", "deblurred.jpg"),
        (None, "tiff", "deblurred.tif"),
        ("photo.jpg", "jpeg", "photo-deblurred.jpg"),
        ("photo.JPEG", "jpeg", "photo-deblurred.JPEG"),
        ("photo.heic", "jpeg", "photo-deblurred.jpg"),
        ("photo.png", "webp", "photo-deblurred.webp"),
        ("scan", "png", "scan-deblurred.png"),
        ("Dr. Who and all", "png", "Dr. Who and all-deblurred.png"),
    ],
)
def test_a_result_is_named_after_its_photo(name: str | None, kind: str, result: str) -> None:
    assert result_name(name, kind) == result


def test_no_name_in_a_zip_occurs_twice() -> None:
    names: set[str] = set()
    given = ("a.jpg", "A.jpg", "a.jpg", "a (2).jpg", "a.png")
    assert [unused(name, names) for name in given] == [
        "a.jpg",
        "A (2).jpg",
        "a (3).jpg",
        "a (2) (2).jpg",
        "a.png",
    ]
