"""RSBlur (Rim et al., "Realistic Blur Synthesis for Learning Image Deblurring", ECCV 2022).

https://github.com/rimchang/RSBlur: RSBlur.zip; the lists are not in it but in that repository,
under datalist/RSBlur. Only the real blur is read, not the averaged frames. Results are aligned as
RealBlur's, then clipped.
"""

from __future__ import annotations

from functools import partial

from unblur.datasets.alignment import by_homography
from unblur.datasets.list_files import Listed

LAYOUT = Listed(
    name="RSBlur",
    tree="""expected RSBlur's tree, and its lists from github.com/rimchang/RSBlur, datalist/RSBlur
  DIR/RSBlur/0001/000001/real_blur/real_blur.png   DIR/RSBlur_real_train.txt
  DIR/RSBlur/0001/000001/gt/gt_sharp.png           DIR/RSBlur_real_test.txt""",
    folder="RSBlur",
    scenes="RSBlur/*/*/real_blur",
    file="RSBlur_real_{split}.txt",
    pair_name=lambda blurred: "/".join(blurred.parts[-4:-2]),
    whole={"train": 8878, "test": 3360},
    align=partial(by_homography, clip=True),
    note="aligned as published: intensity scale, ECC homography, clipped, only what overlaps",
)
