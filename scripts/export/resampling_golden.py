"""Writes server/testing/resampling-golden.json and mask-golden.json: what OpenCV and Pillow make of pictures that are given by formulas.

Run: python scripts/export/resampling_golden.py (needs opencv-python-headless, Pillow, numpy)
"""

import base64
import hashlib
import json
from pathlib import Path

import cv2
import numpy
from PIL import Image

OUT = Path(__file__).parents[2] / "server/testing"


def picture(width: int, height: int, channels: int) -> numpy.ndarray:
    y, x, c = numpy.meshgrid(range(height), range(width), range(channels), indexing="ij")
    return ((x * 7 + y * 13 + c * 50 + (x * y >> 3)) & 255).astype(numpy.uint8)


def main() -> None:
    cases = []

    def add(method: str, source: numpy.ndarray, result: numpy.ndarray) -> None:
        height, width, channels = source.shape
        data = base64.b64encode(numpy.ascontiguousarray(result).tobytes()).decode()
        out = {"outWidth": result.shape[1], "outHeight": result.shape[0], "data": data}
        cases.append({"method": method, "width": width, "height": height, "channels": channels, **out})

    for width, height, out_width, out_height in [(19, 13, 24, 29), (31, 26, 11, 12)]:
        source = picture(width, height, 3)
        size = (out_width, out_height)
        add("linear", source, cv2.resize(source, size, interpolation=cv2.INTER_LINEAR))
        add("lanczos4", source, cv2.resize(source, size, interpolation=cv2.INTER_LANCZOS4))
        add("bilinear", source, numpy.asarray(Image.fromarray(source).resize(size, Image.BILINEAR)))
        add("bicubic", source, numpy.asarray(Image.fromarray(source).resize(size, Image.BICUBIC)))
    source = picture(27, 22, 1)
    for size in (3, 7, 11, 21):
        add(f"blur {size}", source, cv2.GaussianBlur(source[:, :, 0], (size, size), 0))
    source = numpy.where(source > 200, 255, 0).astype(numpy.uint8)
    flat = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 3))
    add("dilate", source, cv2.dilate(source[:, :, 0], flat))
    add("erode", 255 - source, cv2.erode(255 - source[:, :, 0], flat))
    (OUT / "resampling-golden.json").write_text(json.dumps(cases, indent=2) + "\n")
    (OUT / "mask-golden.json").write_text(json.dumps(mask_case(), indent=2) + "\n")


def face_labels() -> numpy.ndarray:
    """Skin, nose, lips and the mouth's inside as ellipses."""
    y, x = numpy.mgrid[0:512, 0:512]
    labels = numpy.zeros((512, 512), numpy.uint8)
    for left, top, width, height, label in [
        (256, 240, 150, 200, 1),
        (256, 250, 28, 60, 10),
        (256, 345, 55, 22, 12),
        (256, 348, 40, 8, 11),
    ]:
        labels[((x - left) / width) ** 2 + ((y - top) / height) ** 2 <= 1] = label
    return labels


def mask_case() -> dict:
    """MuseTalk 1.5's mask (mode jaw, cheeks 90, expansion 1.5, blur 0.1) of a box, from labels of the crop around it."""
    labels = face_labels()
    around, box = (-12, 13, 512, 537), (120, 100, 380, 450)
    wedge = numpy.zeros((33, 33), numpy.uint8)
    for row in range(10, 21):
        wedge[row, 16 - (row - 10) : 16 + (row - 10) + 1] = 1
    wedge[21:, 6:27] = 1
    grown = cv2.dilate((labels == 1).astype(numpy.uint8) * 255, wedge)
    flat = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (35, 3))
    shrunk = cv2.erode(grown, flat, iterations=2)
    cheeks = numpy.zeros((512, 512), bool)
    cheeks[:, : 256 - 90 + 1] = cheeks[:, 256 + 90 :] = True
    region = numpy.where(cheeks, shrunk, grown)
    region = numpy.where(((region == 255) & (labels != 10)) | numpy.isin(labels, [11, 12, 13]), 255, 0)
    region = region.astype(numpy.uint8)
    side = around[2] - around[0]
    whole = numpy.asarray(Image.fromarray(region).resize((side, side)))
    rows = slice(box[1] - around[1], box[3] - around[1])
    columns = slice(box[0] - around[0], box[2] - around[0])
    kept = numpy.zeros_like(whole)
    kept[rows, columns] = whole[rows, columns]
    kept[: int(side * 0.5)] = 0
    size = int(0.1 * side // 2 * 2) + 1
    mask = cv2.GaussianBlur(kept, (size, size), 0)[rows, columns]
    sha256 = lambda array: hashlib.sha256(numpy.ascontiguousarray(array).tobytes()).hexdigest()
    return {"region": sha256(region), "mask": sha256(mask), "sum": int(mask.sum())}


main()
