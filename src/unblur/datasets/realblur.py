"""RealBlur-J and -R (Rim et al., "Real-World Blur Dataset for Learning and Benchmarking Deblurring
Algorithms", ECCV 2020): real blur, two cameras behind a beam splitter.

https://github.com/rimchang/RealBlur: RealBlur.tar.gz. J is the camera's JPEG, R the developed raw
image. Both are measured after `alignment.by_homography`.
"""

from __future__ import annotations

from pathlib import Path

from unblur.datasets.alignment import by_homography
from unblur.datasets.list_files import Listed

_FOLDERS = {
    "J": "RealBlur-J_ECC_IMCORR_centroid_itensity_ref",
    "R": "RealBlur-R_BM3D_ECC_IMCORR_centroid_itensity_ref",
}
_TREE = f"""expected RealBlur's tree (and as much with R for J)
  DIR/RealBlur_J_train_list.txt   DIR/RealBlur_J_test_list.txt
  DIR/{_FOLDERS["J"]}/scene001/{{blur/blur_1.png,gt/gt_1.png}}"""


def _name(blurred: Path) -> str:
    """`scene001/1`; numbers of one digit are padded, so that names sort as numbers."""
    return f"{blurred.parents[1].name}/{blurred.stem.removeprefix('blur_'):0>2}"


J, R = (
    Listed(
        name=f"RealBlur-{kind}",
        tree=_TREE,
        folder=folder,
        scenes=folder,
        file=f"RealBlur_{kind}_{{split}}_list.txt",
        pair_name=_name,
        whole={"train": 3758, "test": 980},
        align=by_homography,
        note="aligned as published: intensity scale, ECC homography, only what overlaps",
    )
    for kind, folder in _FOLDERS.items()
)
