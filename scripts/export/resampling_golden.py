"""Writes server/testing/resampling-golden.json: what OpenCV and Pillow make of a picture that is given by a formula.

Run: python scripts/export/resampling_golden.py (needs opencv-python-headless, Pillow, numpy)
"""

import base64
import json
from pathlib import Path

import cv2
import numpy
from PIL import Image

OUT = Path(__file__).parents[2] / "server/testing/resampling-golden.json"


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
    OUT.write_text(json.dumps(cases, indent=2) + "\n")


main()
