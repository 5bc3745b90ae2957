"""Makes the documentation's page of what comes back, docs/fidelity.md:

python -m tests.photo.page > docs/fidelity.md
"""

from __future__ import annotations

from tests.photo import facts, fidelity

HEAD = """# What comes back

Each photo is read and written again with the very pixels that were read (the network's blend is
nothing). `python -m tests.photo.page > docs/fidelity.md` makes this page; tests hold its tables.

| format | photo | pixels | layout | ICC | XMP | IPTC | EXIF | resolution |
|---|---|---|---|---|---|---|---|---|
"""
NOTES = """
A dash: the photo or its format has none. Layout: channels, depth, compression, tiles, palette.

- **JPEG** is written without chroma sub-sampling at quality 97, or higher where the photo's own
  quantisation is finer; **lossy WebP** as near-lossless WebP; **AVIF** at quality 98, lossless if
  it has alpha, since its alpha would be lossy too.
- EXIF is carried byte for byte but for the orientation, which is applied and reset, what turns with
  it (sizes, resolutions, the subject's place), and the embedded thumbnail, which showed the blurred
  photo. In **TIFF** it is laid out anew, so a maker's note that points outside itself may lose its
  way.
- XMP is carried byte for byte but for what the new picture makes wrong: the orientation, sizes,
  regions of faces (MWG, Microsoft, IPTC, ACDSee) and the subject's place are turned with the
  picture; thumbnails are taken out. Crops of Camera Raw and Photos, depth maps and a panorama's
  projection are dropped with a line where the picture is turned. XMP that is no XML is carried if
  it names nothing of this, else dropped with a line. Over 64 KB it becomes extended XMP in a JPEG,
  and one packet elsewhere; what cannot be divided so is refused.
- **What lies beside a JPEG's picture** belongs to the old pixels: the gain map of an HDR photo
  (Adobe's, ISO 21496-1, Apple's), the film of a motion photo, depth maps, previews, the HDR layers
  of JPEG XT and JPEG-HDR, content credentials (C2PA). Each is dropped with a line, and with all
  that announces it in XMP and segments. One of several pictures of equal rank (MPO) is refused.
- A JPEG's comments, its pixels' shape, Photoshop's resources but for thumbnails, and the segments
  of applications (APP0 to APP15) come back, in their order. Thumbnails (JFIF, JFXX) and segments
  about the old file's layout (SPIFF, Scalado) do not. Photoshop's paths, guides and slices are
  dropped with a line where the picture is turned.
- **CMYK, Lab, whole numbers of 32 bit and floats outside 0 to 1** are converted for the network;
  samples of pixels that did not change keep their stored values exactly.
- **Float TIFF**: values up to a mean of 1 are taken as 0 to 1, up to 255 as 0 to 255, up to 65535
  as 0 to 65535. What is outside is clipped for the network alone. Half floats become floats.
- Photos of 1, 2 or 4 bits a sample stay so: what the network changed is rounded to them.
- **Palettes**: a PNG stays one of a palette while its colours fit, else it becomes RGB or RGBA. A
  GIF is quantised again: exact up to 255 colours. A palette TIFF becomes RGB, with a line.
- A **TIFF** keeps its tags, the kind of its alpha (associated, unassociated, unspecified),
  Photoshop's resources but for their thumbnails, and a resolution without a unit. Smaller copies
  and masks on pages of their own (NewSubfileType, SubfileType) and in sub-directories, and
  Photoshop's layers (tag 37724), show the old picture: they are dropped with a line. So are tags
  that point elsewhere in the file, or take more than 64 MB together. Separate planes become
  interleaved, and compressions that libvips cannot write become Deflate, with a line as well.
- ZSTD, LERC, LZMA, JPEG XL and JPEG 2000 in a TIFF, samples of other than 8, 16 or 32 bit, and
  JPEGs of 12 bit are not supported: a line says so, and what to do.
- **HEIC** is read (`pip install 'unblur[heic]'`), not written: name another output.

## What each format can carry

Each row is a small file that says one thing, read and written in its own format with other pixels
("PNG of a HEIC's": a HEIC that is written as PNG), and compared by readers that share no code with
the product. Videos are described in [video.md](video.md).

- **carried over**: the same is found in the result;
- **changed with the pixels**: it was about the old pixels or their place, and is about the new
  ones, or is gone where a new one is not needed (thumbnails, coding);
- **dropped with a line**: it is not in the result, nothing in the result points to it, and the line
  is printed, in `notes` of JSON, and in the answers of the API;
- **refused**: nothing is written; the line is the error's.

| format | what | becomes |
|---|---|---|
"""
END = """
## Files that are mutated

`python -m tests.photo.fuzz_metadata --minutes 10` mutates the files of the table above, and others
with all kinds of metadata at once, and reads and writes each by its bytes and by its path. A
traceback, a line of several, a file that takes over 10 s, growth by over 1 GiB, and a path and
bytes that differ are findings.

| date | command | files | of them read | findings | slowest | memory grew by |
|---|---|---|---|---|---|---|
| 2026-11-27 | `--minutes 1.5` | 26305 | 4361 | 1 | 0.19 s | 295 MB |
| 2026-11-27 | `--minutes 10 --seed 21`, one process | 64139 | 20870 | 0 | 0.81 s | 139 MB |

Found and mended: a JPEG whose 16-bit quantisation table ends early was a traceback; an AVIF of
1589263021 rows was refused with a line, but GLib printed two of its own; and, of 41463 mutated MP4,
MOV, MKV and WebM files, a rate of over 131070 frames a second was a traceback. The tests run 300
files.

## As another format

EXIF, XMP and ICC profiles go from format to format; IPTC records into JPEG, PNG and TIFF, a TIFF's
private tags as EXIF's. What the other format has no place for is dropped with a line: comments,
texts, unknown segments, chunks, blocks and tags, a TIFF's tags of its samples, IPTC in WebP, AVIF
and GIF, EXIF in GIF, the resolution in all three, HDR boxes but those that PNG and AVIF share
(mDCV and mdcv, cLLI and clli). `tests/photo/test_any_photo.py` draws photos of random formats,
depths, orientations and metadata of 0 to 300 KB, and compares what Pillow, tifffile and ExifTool
find in the file before and after.

**Colours by code points** (CICP: PNG's cICP, AVIF's and HEIC's nclx) that are not sRGB are written
as such into AVIF and PNG. Elsewhere Display P3 becomes an ICC profile, and others, PQ and HLG among
them, are refused. An AVIF of such colours has the matrix and the range that the photo had; libheif
writes one matrix alone, so with another one, or with alpha, it is written without loss, 3 to 4
times as long. An AVIF of sRGB colours has BT.601's matrix, of full range.
"""


def page() -> str:
    return HEAD + fidelity.table() + NOTES + facts.table() + END


if __name__ == "__main__":
    print(page(), end="")
