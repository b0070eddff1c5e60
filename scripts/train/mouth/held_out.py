"""People never trained on, by the renderer that training used: for `npm run bench -- mouth`. Needs HEADS_DATA, ffmpeg.

  python3 held_out.py --out ../../bench/mouth-faces/rasterizer
Writes NAME.mp4 (160 x 160, one frame after the other) and NAME.json: per frame person, kind (closed, or the mouth's name), the eight numbers,
and for closed ones the crop [a, b, tx, ty] that exact marks give (server/avatars/avatar.ts, CropTransform).
"""
import argparse
import json
import subprocess

import numpy as np

import crops
import rasterizer
import train_mouth

SEED, PEOPLE = 9000, 24
NAMES = ('rest', 'PP', 'FF', 'TH', 'DD', 'kk', 'CH', 'SS', 'nn', 'RR', 'aa', 'E', 'ih', 'oh', 'ou')
OPEN = ('aa', 'E', 'ih', 'oh', 'ou', 'CH', 'SS', 'FF', 'PP', 'TH', 'RR', 'kk')


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--out', required=True, help='path without ending')
    a = p.parse_args()
    face, frames, told = rasterizer.LowerFace(), [], []
    for number in range(PEOPLE):
        rng = np.random.default_rng([SEED, number])
        shape, skin, tint, gamma, teeth = crops.random_person(rng)
        person = face.person(shape, skin, tint, gamma, teeth)
        head = np.radians([np.clip(rng.normal(0, 5), -12, 12), np.clip(rng.normal(0, 10), -24, 24), rng.normal(0, 2)])
        rotations, look, view = {'neck02': head * .5, 'head': head * .5}, crops.expression(rng), crops.random_view(rng, crops.SIZE)
        closed = crops.together(crops.mouth_units.units(np.zeros(8)), look)
        view['centre'] = person.mouth_centre(closed, rotations)
        view['centre'][1] -= .06 * view['width']
        names = ['rest'] + [OPEN[(number * 3 + k) % len(OPEN)] for k in range(4)]
        for name in names:
            row = crops.MOUTHS[NAMES.index(name)]
            picture = crops.render(person, row, look, rotations, view)
            entry = {'person': number, 'kind': 'closed' if name == 'rest' else name, 'row': [round(float(v), 3) for v in row]}
            if name == 'rest':
                marks = np.array([[picture.marks[m] for m in crops.MARKS]])
                m = train_mouth.crop_transforms(marks, rng, 0)[0]
                entry['crop'] = [round(float(v), 4) for v in (m[0, 0], m[1, 0], m[0, 2], m[1, 2])]
            frames.append(picture.image)
            told.append(entry)
    size = '%dx%d' % (crops.SIZE, crops.SIZE)
    subprocess.run(['ffmpeg', '-y', '-loglevel', 'error', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', size, '-r', '25', '-i', '-', '-vf', 'scale=out_color_matrix=bt709:out_range=tv',
                    '-pix_fmt', 'yuv420p', '-colorspace', 'bt709', '-color_primaries', 'bt709', '-color_trc', 'bt709', '-color_range', 'tv', '-c:v', 'libx264',
                    '-crf', '6', '-g', '1', '-bf', '0', a.out + '.mp4'], input=np.stack(frames).tobytes(), check=True)
    with open(a.out + '.json', 'w') as f:
        f.write('[\n%s\n]\n' % ',\n'.join('  ' + json.dumps(entry) for entry in told))


if __name__ == '__main__':
    main()
