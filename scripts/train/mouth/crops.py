"""Pictures to train the mouth -> picture network on: random people with the mouth closed and doing known numbers, and where every
piece of skin has gone from one to the other. Needs HEADS_DATA (README.md).

  python3 crops.py --out ../../../out/crops-0.npz --people 250 --seed 1
One person gives VIEWS sources (pose, light, camera, mouth closed or nearly so) with TARGETS mouths each. Arrays, S = SIZE:
  source uint8 [n, S, S, 3]; marks float32 [n, 4, 2] (left and right corner, line, chin; px); person int32 [n]
  target uint8 [n, T, S, S, 3]; row float32 [n, T, 8]; seen uint8 [n, T, S, S] (0..255: skin that source shows too);
  flow float16 [n, T, S/2, S/2, 2] (px, from target to source; mean over what is seen); inner uint8 [n, T, S, S] (0..255: part of the
  mouth's inside, teeth and tongue)
The same seed gives the same pictures; seeds from 9000 on are for judging.
"""
import argparse
import os
import time

import numpy as np

import makehuman as mh
import mouth_units
import rasterizer

SIZE, VIEWS, TARGETS = 160, 8, 4
SKINS = {
    'female': ('young_lightskinned_female_diffuse2', 'young_lightskinned_female_diffuse3', 'middleage_lightskinned_female_diffuse2'),
    'male': ('young_lightskinned_male_diffuse', 'young_lightskinned_male_diffuse2', 'young_lightskinned_male_diffuse3',
             'middleage_lightskinned_male_diffuse', 'middleage_lightskinned_male_diffuse2')}
DARK_SKINS = ('young_darkskinned_male_diffuse', 'middleage_darkskinned_male_diffuse', 'old_darkskinned_male_diffuse')
SHAPE_COUNTS = {'mouth': 6, 'chin': 3, 'nose': 3, 'head': 2, 'neck': 1}      # random morph targets per group
# Mouths of speech (jaw lower upper spread round press tuck tongue): rest, p, f, th, d, k, ch, s, n, r, aa, e, ih, oh, ou.
MOUTHS = np.array([
    (0, 0, 0, 0, 0, 0, 0, 0), (0, 0, 0, 0, .05, 1, 0, 0), (.05, 0, .3, .05, 0, 0, 1, 0), (.18, .15, .05, .05, 0, 0, 0, 1),
    (.16, .15, 0, .12, 0, 0, 0, .6), (.18, .1, 0, .05, 0, 0, 0, .1), (.07, .4, .25, 0, .55, 0, 0, .3), (.03, .38, .18, .35, 0, 0, 0, .3),
    (.12, .08, 0, .08, 0, 0, 0, .8), (.12, .2, 0, 0, .45, 0, 0, .3), (.55, .05, 0, .05, 0, 0, 0, 0), (.3, .1, 0, .3, 0, 0, 0, .1),
    (.16, .12, .12, .42, 0, 0, 0, .2), (.42, 0, 0, 0, .65, 0, 0, 0), (.16, 0, 0, 0, 1, 0, 0, 0)], np.float32)
MARKS = ('left', 'right', 'line', 'chin')


def _group(group):
    names = sorted(f[:-7] for f in os.listdir(mh.data('targets', group)) if f.endswith('.target'))
    return [n for n in names if 'trans' not in n and not n.startswith(('l-', 'r-'))]


def random_person(rng):
    """-> targets, skin name, skin tint, skin gamma, teeth tint"""
    gender = str(rng.choice(['female', 'male']))
    dark = rng.random() < 0.34                             # the dark textures are male ones; they fit every shape
    skin = str(rng.choice(DARK_SKINS if dark else SKINS[gender]))
    race = np.array([.1, .1, .8]) if dark else rng.dirichlet([.6, .6, .12])
    race = race * rng.uniform(.8, 1.2, 3)
    age = rng.uniform(0, 0.25) if 'young' in skin else rng.uniform(0.3, 0.7) if 'middle' in skin else rng.uniform(0.7, 1)
    targets = {}
    for name, w in zip(('caucasian', 'asian', 'african'), race / race.sum()):
        targets['macrodetails/%s-%s-young' % (name, gender)] = float(w * (1 - age))
        targets['macrodetails/%s-%s-old' % (name, gender)] = float(w * age)
    weight = str(rng.choice(['averageweight', 'minweight', 'maxweight'], p=[.5, .25, .25]))
    targets['macrodetails/universal-%s-young-averagemuscle-%s' % (gender, weight)] = 0.9
    for group, count in SHAPE_COUNTS.items():
        for name in rng.choice(_group(group), count, replace=False):
            targets['%s/%s' % (group, name)] = float(rng.uniform(0.1, 0.6))
    for part in ('bones', 'volume', 'inner'):
        w, sign = float(rng.uniform(0, .5)), str(rng.choice(['incr', 'decr']))
        for side in 'lr':
            targets['cheek/%s-cheek-%s-%s' % (side, part, sign)] = w
    tint = np.clip(rng.normal(1, .05, 3) * rng.uniform(.9, 1.1), .7, 1.25)
    teeth = np.array([1, rng.uniform(.94, 1), rng.uniform(.84, .96)]) * rng.uniform(.62, .85)
    return targets, skin, tuple(tint), float(rng.uniform(.85, 1.2)), tuple(teeth)


def random_mouth(rng):
    """half: between two mouths of speech; a sixth each: one of them, a small movement from one, anything at all"""
    kind, pick = rng.random(), lambda: MOUTHS[rng.integers(len(MOUTHS))]      # noqa: E731
    if kind < 1 / 2:
        t = rng.random()
        row = (pick() * t + pick() * (1 - t)) * rng.uniform(.6, 1.3) + rng.normal(0, .04, 8)
    elif kind < 2 / 3:
        row = pick()
    elif kind < 5 / 6:
        row = pick() * rng.uniform(0, .5)
    else:
        row = rng.random(8) ** 2 * np.array([1, .7, .5, .8, 1, 1, 1, 1])
        row[[5, 6]] *= rng.random(2) < .3
    return np.clip(row, 0, 1).astype(np.float32)


def random_view(rng, size):
    def white(spread):
        t = rng.normal(0, spread)
        return (1 + t, 1.0, 1 - t)
    side = rng.uniform(-5.5, 5.5)
    power = rng.uniform(1.1, 2.3)
    return dict(
        size=size, width=float(rng.uniform(.85, 1.1)), roll=float(np.radians(rng.normal(0, 2.5))), exposure=float(rng.uniform(.7, 1.15)),
        rough=float(rng.uniform(.34, .55)), spec=float(rng.uniform(.15, .5)), distance=float(rng.uniform(5, 11)),
        ambient=tuple(np.array(white(.06)) * rng.uniform(.12, .45)),
        background=tuple(tuple(np.clip(c, .01, .9)) for c in rng.uniform(.04, .6) * (1 + rng.normal(0, .25, (1, 3))) * rng.uniform(.7, 1.2, (2, 1))),
        lights=[((side, rng.uniform(.5, 5), rng.uniform(4, 7)), white(.07), power, True),
                ((-side, rng.uniform(-1, 2), 6), white(.07), power * rng.uniform(.1, .6), False), ((0, 6, 2), (1, 1, 1), .25, False)])


def expression(rng):
    """what a face does besides speaking: the same in source and target"""
    smile = float(max(0, rng.normal(0, .12)))
    return {'MouthLeftPullUp': smile, 'MouthRightPullUp': smile, 'CheeksPump': float(max(0, rng.normal(0, .04))),
            'NasolabialDeepener': float(rng.uniform(0, .4))}


def together(*weights):
    out = {}
    for w in weights:
        for name, value in w.items():
            out[name] = out.get(name, 0) + value
    return out


def photographed(rng):
    """the source's mouth: closed, or for one face in five lips that are a little apart, as people let themselves be photographed"""
    if rng.random() < .8:
        return np.zeros(8, np.float32)
    return np.clip(rng.random(8) * np.array([.12, .2, .2, .3, .1, .3, 0, .1]), 0, 1).astype(np.float32)


def light_inside(row):
    """how much light reaches teeth and tongue: lips pushed forward keep it out"""
    return 1 - .65 * float(row[4])


def render(person, row, face_units, rotations, view):
    return person.render(together(mouth_units.units(row), face_units), rotations, view, light_inside(row))


def person_views(face, seed, number, views=VIEWS, targets=TARGETS):
    rng = np.random.default_rng([seed, number])
    shape, skin, tint, gamma, teeth = random_person(rng)
    person = face.person(shape, skin, tint, gamma, teeth)
    for _ in range(views):
        head = np.radians([np.clip(rng.normal(0, 5), -14, 14), np.clip(rng.normal(0, 10), -28, 28), rng.normal(0, 2)])
        rotations, face_units, view = {'neck02': head * .5, 'head': head * .5}, expression(rng), random_view(rng, SIZE)
        closed = together(mouth_units.units(np.zeros(8)), face_units)
        view['centre'] = person.mouth_centre(closed, rotations)
        view['centre'][1] -= .06 * view['width']                # the chin is further away than the nose
        first = photographed(rng)
        source = render(person, first, face_units, rotations, view)
        mouths = []
        for _ in range(targets):
            row = random_mouth(rng)
            target = render(person, row, face_units, rotations, view)
            mouths.append((row, target, *rasterizer.motion(target, source)))
        yield source, mouths


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--out', required=True)
    p.add_argument('--people', type=int, required=True)
    p.add_argument('--seed', type=int, required=True)
    a = p.parse_args()
    face, start = rasterizer.LowerFace(), time.time()
    n, T, S = a.people * VIEWS, TARGETS, SIZE
    out = dict(source=np.zeros((n, S, S, 3), np.uint8), marks=np.zeros((n, 4, 2), np.float32), person=np.zeros(n, np.int32),
               target=np.zeros((n, T, S, S, 3), np.uint8), row=np.zeros((n, T, 8), np.float32), seen=np.zeros((n, T, S, S), np.uint8),
               inner=np.zeros((n, T, S, S), np.uint8), flow=np.zeros((n, T, S // 2, S // 2, 2), np.float16))
    for k in range(a.people):
        for i, (source, mouths) in enumerate(person_views(face, a.seed, k)):
            at = k * VIEWS + i
            out['source'][at], out['person'][at] = source.image, k
            out['marks'][at] = [source.marks[name] for name in MARKS]
            for j, (row, target, flow, seen) in enumerate(mouths):
                out['target'][at, j], out['row'][at, j] = target.image, row
                out['seen'][at, j] = np.round(seen * 255)
                out['inner'][at, j] = np.round(target.inner * 255)
                w = seen.reshape(S // 2, 2, S // 2, 2, 1)
                half = (flow.reshape(S // 2, 2, S // 2, 2, 2) * w).sum((1, 3)) / np.maximum(w.sum((1, 3)), 1e-6)
                out['flow'][at, j] = half
        if (k + 1) % 10 == 0:
            print('%d of %d people, %.0f s' % (k + 1, a.people, time.time() - start), flush=True)
    np.savez(a.out, **out)


if __name__ == '__main__':
    main()
