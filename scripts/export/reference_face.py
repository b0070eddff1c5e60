"""Where the face is, what of it may change, and how a new one is pasted: MuseTalk's own way, with the libraries that it uses.

Pictures are uint8 BGR [H, W, 3]; boxes are (x1, y1, x2, y2), the second corner outside.
"""
import cv2
import numpy as np
from PIL import Image

EXTRA_MARGIN = 10       # pixels below the chin
EXPAND = 1.5            # side of the square around the face, in sizes of its box
CHEEK = 90              # width left and right of the middle of 512 in which the jaw may not be eroded
BLUR = 0.1              # of the square's side


def face_box(points, height, width):
    """Box of 68 points (int32 [68, 2]); nose point 29 lies at half of its height, and the margin below the chin is added."""
    half = points[29, 1]
    top = max(0, half - (points[:, 1].max() - half))
    x1, y1, x2, y2 = points[:, 0].min(), top, points[:, 0].max(), points[:, 1].max()
    return max(0, int(x1)), int(y1), min(int(x2), width), min(int(y2) + EXTRA_MARGIN, height)


def square_around(box):
    """The expanded square; may leave the picture."""
    x1, y1, x2, y2 = box
    xc, yc = (x1 + x2) // 2, (y1 + y2) // 2
    s = int((max(x2 - x1, y2 - y1) // 2) * EXPAND)
    return xc - s, yc - s, xc + s, yc + s


def face_crop(frame, box, side):
    x1, y1, x2, y2 = box
    return cv2.resize(frame[y1:y2, x1:x2], (side, side), interpolation=cv2.INTER_LANCZOS4)


def parsing_input(frame, square, side):
    """RGB uint8 [side, side, 3] of the square, black outside the picture."""
    return np.asarray(Image.fromarray(frame[:, :, ::-1]).crop(square).resize((side, side), Image.Resampling.BILINEAR))


def normalised(rgb):
    """float32 [1, 3, side, side] by ImageNet's mean and deviation."""
    x = rgb.astype(np.float32) / np.float32(255)
    x = (x - np.array([0.485, 0.456, 0.406], np.float32)) / np.array([0.229, 0.224, 0.225], np.float32)
    return np.ascontiguousarray(x.transpose(2, 0, 1)[None])


def jaw_kernel():
    """33 x 33: a triangle over a slab, so that what is dilated grows 16 up and 6 down."""
    kernel = np.zeros((33, 33), np.uint8)
    for row in range(10, 21):
        kernel[row, 16 - (row - 10):16 + (row - 10) + 1] = 1
    kernel[21:33, 6:27] = 1
    return kernel


def jaw_mask(labels):
    """Labels of the 512 picture -> uint8 0 / 255: skin with its jaw, without the nose, and the mouth."""
    skin = np.where(labels == 1, 255, 0).astype(np.uint8)
    grown = cv2.dilate(skin, jaw_kernel(), iterations=1)
    eroded = cv2.erode(grown, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (35, 3)), iterations=2)
    cheeks = np.zeros_like(skin)
    cheeks[:, :256 - CHEEK + 1] = 255
    cheeks[:, 256 + CHEEK:] = 255
    face = cv2.bitwise_or(cv2.bitwise_and(eroded, cheeks), cv2.bitwise_and(grown, cv2.bitwise_not(cheeks)))
    return np.where(((face == 255) & (labels != 10)) | np.isin(labels, (11, 12, 13)), 255, 0).astype(np.uint8)


def paste_mask(jaw, box, square):
    """The 512 mask -> how much of the new face shows at each pixel of the square, uint8: its lower half, inside the box, with soft edges."""
    xs, ys, xe, ye = square
    x1, y1, x2, y2 = box
    inside = Image.fromarray(jaw).resize((xe - xs, ye - ys)).crop((x1 - xs, y1 - ys, x2 - xs, y2 - ys))
    mask = Image.new('L', (xe - xs, ye - ys), 0)
    mask.paste(inside, (x1 - xs, y1 - ys, x2 - xs, y2 - ys))
    mask = np.array(mask)
    mask[:int(mask.shape[0] * 0.5)] = 0
    size = int(BLUR * (xe - xs) // 2 * 2) + 1
    return cv2.GaussianBlur(mask, (size, size), 0)


def paste(frame, face, box, square, mask):
    """The frame with the new face (uint8 BGR, any size) in it."""
    x1, y1, x2, y2 = box
    face = cv2.resize(face, (x2 - x1, y2 - y1))
    body = Image.fromarray(frame[:, :, ::-1])
    large = body.crop(square)
    large.paste(Image.fromarray(face[:, :, ::-1]), (x1 - square[0], y1 - square[1]))
    body.paste(large, square[:2], Image.fromarray(mask))
    return np.asarray(body)[:, :, ::-1]
