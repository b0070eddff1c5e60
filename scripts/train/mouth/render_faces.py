"""Render people whom no network was trained on with Blender: another renderer than the training's, for the bench.

  Xvfb :91 -screen 0 1024x768x24 &
  DISPLAY=:91 LIBGL_ALWAYS_SOFTWARE=1 blender -b --python render_faces.py -- --heads DATA --out OUT \\
    [--count 16] [--pack ../../bench/mouth-faces]
DATA: folder with the MakeHuman data (base.obj, targets/, skins/, hair/ ...). Per person one picture with a closed mouth and four with
known mouth shapes, the head still: OUT/0000.png ... (512x512 unless --size), OUT/faces.json (per picture: frame, person, kind, row = eight mouth
parameters, headDeg, skin ...) and OUT/camera-*.json (per person, for exact projections). Only what moves is drawn anew; the rest of a
person's pictures is the same. Pictures already there are kept, so a stopped run can be resumed; the same seed gives the same people.
About 8 s for a whole picture and 4 s for another mouth without a graphics card.
--pack FOLDER also writes FOLDER/blender.mp4 (every frame a key frame, 25 a second, in order) and FOLDER/blender.json. Needs ffmpeg.
"""
import argparse
import json
import os
import subprocess
import sys
import time

import numpy as np
from PIL import Image

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'voice')]
from mouth_units import units  # noqa: E402

# Training draws its people from other seeds.
SEED = 9001
# In parts of the picture: what moves less stands still, what is drawn anew around what moves, and how wide its edge is.
STILL, MARGIN, FADE = 0.0006, 0.05, 0.02


def rotations(head_deg):
    """Neck and head share the turn; the eyes stay on the camera."""
    turn = np.radians(head_deg)
    return {'neck02': turn * .5, 'head': turn * .5, 'eye.L': -turn * .93, 'eye.R': -turn * .93}


def pose_units(person, row):
    weights = dict(person['mood'])
    for name, weight in units(row).items():
        weights[name] = weights.get(name, 0) + weight
    return weights


def draw(k):
    """-> person number k, [(kind, row)]: the closed mouth first"""
    import strangers
    rng = np.random.default_rng([SEED, k])
    person = strangers.stranger(rng, k)
    return person, [('closed', [0.0] * 8), *strangers.shapes(rng, k)]


def picture_path(out, frame):
    return os.path.join(out, '%04d.png' % frame)


def put_into(whole, path, border):
    """The picture at path, of which only the inside of border was drawn, gets its surroundings from another; both fade into each other."""
    a, b = (np.asarray(Image.open(p).convert('RGB'), np.float32) for p in (whole, path))
    size = len(a)
    at = (np.arange(size) + .5) / size

    def fade(low, high):
        from_low = np.clip((at - low) / FADE - .25, 0, 1) if low > 0 else 1
        return from_low * (np.clip((high - at) / FADE - .25, 0, 1) if high < 1 else 1)
    w = (fade(border[1], border[3])[:, None] * fade(border[0], border[2])[None, :])[..., None]
    Image.fromarray((a * (1 - w) + b * w + .5).astype(np.uint8)).save(path)


def pack(folder, out, faces, crf):
    os.makedirs(folder, exist_ok=True)
    subprocess.run(['ffmpeg', '-y', '-loglevel', 'error', '-framerate', '25', '-i', os.path.join(out, '%04d.png'), '-frames:v', str(len(faces)),
                    '-vf', 'scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p',
                    '-c:v', 'libx264', '-preset', 'slow', '-g', '1', '-crf', str(crf), '-colorspace', 'bt709', '-color_primaries', 'bt709',
                    '-color_trc', 'bt709', '-color_range', 'tv', '-movflags', '+faststart', os.path.join(folder, 'blender.mp4')], check=True)
    with open(os.path.join(folder, 'blender.json'), 'w') as f:
        json.dump(faces, f, indent=2)
        f.write('\n')


def main(argv):
    p = argparse.ArgumentParser(prog='render_faces.py')
    p.add_argument('--heads', required=True, help='folder with the MakeHuman data')
    p.add_argument('--out', required=True, help='folder for the pictures')
    p.add_argument('--count', type=int, default=16, help='people')
    p.add_argument('--size', type=int, default=512, help='picture width and height in pixels')
    p.add_argument('--samples', type=int, default=5, help='Eevee samples per pixel')
    p.add_argument('--pack', help='folder for blender.mp4 and blender.json')
    p.add_argument('--crf', type=int, default=9)
    a = p.parse_args(argv)
    os.environ['HEADS_DATA'] = os.path.abspath(a.heads)
    import blender_scene as scene
    out = os.path.abspath(a.out)
    os.makedirs(out, exist_ok=True)
    faces = []
    for k in range(a.count):
        person, frames = draw(k)
        first = len(faces)
        faces += [{'frame': first + i, 'person': k, 'kind': kind, 'row': row, 'headDeg': person['headDeg'], **person['about']}
                  for i, (kind, row) in enumerate(frames)]
        if all(os.path.exists(picture_path(out, first + i)) for i in range(len(frames))):
            continue
        scene.clear()
        head = scene.Head(**person['head'])
        camera = scene.studio(head, size_px=a.size, samples=a.samples, **person['studio'])
        with open(os.path.join(out, 'camera-%02d.json' % k), 'w') as f:
            json.dump(camera, f)
        turned = rotations(person['headDeg'])
        closed = scene.project(camera, head.pose(pose_units(person, frames[0][1]), turned))
        for i, (kind, row) in enumerate(frames):
            path = picture_path(out, first + i)
            if os.path.exists(path):
                continue
            start = time.time()
            moved = scene.project(camera, head.pose(pose_units(person, row), turned))
            if i == 0:
                scene.render(path + '.part.png')
            else:
                changed = np.abs(moved - closed).max(1) > STILL
                both = np.concatenate([moved[changed], closed[changed]])
                border = [*np.clip(both.min(0) - MARGIN, 0, 1), *np.clip(both.max(0) + MARGIN, 0, 1)]
                scene.render(path + '.part.png', border)
                put_into(picture_path(out, first), path + '.part.png', border)
            os.replace(path + '.part.png', path)
            print('person %d %s in %.1f s' % (k, kind, time.time() - start), flush=True)
    with open(os.path.join(out, 'faces.json'), 'w') as f:
        json.dump(faces, f)
    if a.pack:
        pack(a.pack, out, faces, a.crf)


if __name__ == '__main__':
    main(sys.argv[sys.argv.index('--') + 1:] if '--' in sys.argv else sys.argv[1:])
