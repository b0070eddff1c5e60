"""Random people whom no network was trained on, dressed and lit, and what their mouths do.

stranger(rng, k) -> {head: arguments of blender_scene.Head, studio: arguments of blender_scene.studio, about: {gender, skin, age, hair},
  mood: {pose unit: weight} that they wear in every picture, headDeg: [pitch down, yaw to the picture's right, roll]}
shapes(rng, k) -> [(name, row)], row = eight mouth parameters: a wide vowel, a rounded one, and two of OTHER_SHAPES in turn.
"""
import os

import numpy as np

import makehuman as mh
from curves import TABLE

LIGHT_SKINS = {
    'female': ('young_lightskinned_female_diffuse2', 'young_lightskinned_female_diffuse3', 'middleage_lightskinned_female_diffuse2'),
    'male': ('young_lightskinned_male_diffuse', 'young_lightskinned_male_diffuse2', 'young_lightskinned_male_diffuse3',
             'middleage_lightskinned_male_diffuse', 'middleage_lightskinned_male_diffuse2')}
# These were made for men and fit every head.
DARK_SKINS = ('young_darkskinned_male_diffuse', 'middleage_darkskinned_male_diffuse', 'old_darkskinned_male_diffuse')
HAIR = {'female': ('long01', 'ponytail01'), 'male': ('short02', 'short04', 'short04', None)}
CLOTHES = {'female': 'female_casualsuit01', 'male': 'male_elegantsuit01'}
# Morph targets of each group that a person gets.
FEATURES = {'mouth': 5, 'chin': 3, 'nose': 3, 'head': 2, 'forehead': 1, 'neck': 1}
IRISES = ((0.10, 0.06, 0.035), (0.15, 0.24, 0.26), (0.24, 0.24, 0.15), (0.14, 0.08, 0.05))
OTHER_SHAPES = ('E', 'FF', 'CH', 'ih', 'TH', 'PP', 'talk', 'SS', 'nn')


def _targets(group):
    names = sorted(f[:-7] for f in os.listdir(mh.data('targets', group)) if f.endswith('.target'))
    return [n for n in names if 'trans' not in n and not n.startswith(('l-', 'r-'))]


def _bones(rng, gender, dark, age):
    race = np.array([.1, .1, .8]) if dark else rng.dirichlet([.6, .6, .12])
    race = race * rng.uniform(.8, 1.2, 3)
    targets = {}
    for name, w in zip(('caucasian', 'asian', 'african'), race / race.sum()):
        targets['macrodetails/%s-%s-young' % (name, gender)] = float(w * (1 - age))
        targets['macrodetails/%s-%s-old' % (name, gender)] = float(w * age)
    weight = rng.choice(['averageweight', 'minweight', 'maxweight'], p=[.5, .25, .25])
    targets['macrodetails/universal-%s-young-averagemuscle-%s' % (gender, weight)] = 0.9
    for group, count in FEATURES.items():
        for name in rng.choice(_targets(group), count, replace=False):
            targets['%s/%s' % (group, name)] = float(rng.uniform(0.1, 0.5))
    for part in ('bones', 'volume', 'inner'):
        w, sign = float(rng.uniform(0, .5)), rng.choice(['incr', 'decr'])
        for side in 'lr':
            targets['cheek/%s-cheek-%s-%s' % (side, part, sign)] = w
    for part, most in (('scale', .35), ('height2', .2)):
        w = float(rng.uniform(0, most))
        for side in 'lr':
            targets['eyes/%s-eye-%s-incr' % (side, part)] = w
    return targets


def stranger(rng, k):
    gender = ('female', 'male')[k % 2]
    dark = k % 5 in (1, 2)
    texture = str(rng.choice(DARK_SKINS if dark else LIGHT_SKINS[gender]))
    age = rng.uniform(0, .25) if 'young' in texture else rng.uniform(.3, .6) if 'middle' in texture else rng.uniform(.6, .9)
    style = rng.choice(HAIR[gender])
    dye = dict(sat=float(rng.uniform(.2, .7)), val=float(rng.uniform(.25, .45) if dark else rng.uniform(.3, .9)))
    hair = style and dict(style=str(style), rough=float(rng.uniform(.55, .75)), spec=float(rng.uniform(.04, .1)), **dye)
    brow = np.array([.008, .006, .005] if dark else rng.choice([[.02, .015, .012], [.06, .036, .023]]))
    tone = float(rng.uniform(.4, 1.6))
    smile, cheeks = (float(max(0, x)) for x in rng.normal(0, [.08, .03]))
    head = np.array([np.clip(rng.normal(0, 4), -8, 8), rng.uniform(-15, 15), rng.normal(0, 2)])
    return {
        'head': dict(
            targets=_bones(rng, gender, dark, age),
            skin=dict(texture=texture, rough=float(rng.uniform(.38, .54)), gamma=float(rng.uniform(.85, 1.2)), sat=float(rng.uniform(.9, 1.1))),
            hair=hair, clothes=dict(garment=CLOTHES[gender], rough=.8, sat=float(rng.uniform(.1, 1)), val=float(rng.uniform(.4, 1.1))),
            iris=IRISES[0 if dark else rng.integers(len(IRISES))],
            brow=dict(lift=float(rng.uniform(-.07, -.035)), arch=float(rng.uniform(.25, .6)), full=float(rng.uniform(.65, .85)),
                      colour=tuple(brow), alpha=.45, density=int(rng.integers(420, 780)))),
        'studio': dict(
            framing=float(rng.uniform(2.25, 2.8)), drop=float(rng.uniform(.12, .26)),
            backdrop=tuple(float(x) for x in np.clip(tone * rng.uniform(.2, .45, 3), .02, .8)),
            key=float(rng.uniform(500, 1050)), fill=float(rng.uniform(80, 420)), rim=float(rng.uniform(60, 180)),
            key_side=int(rng.choice([-1, 1])), key_height=float(rng.uniform(1, 4.2)), warmth=float(rng.uniform(.9, 1.15)),
            ambient=float(rng.uniform(.6, 1))),
        'about': {'gender': gender, 'skin': texture, 'age': round(float(age), 2), 'hair': str(style) if style else None},
        'mood': {'MouthLeftPullUp': smile, 'MouthRightPullUp': smile, 'CheeksPump': cheeks,
                 'NasolabialDeepener': float(rng.uniform(0, .4)), 'LeftUpperLidClosed': .08, 'RightUpperLidClosed': .08},
        'headDeg': head.round(2).tolist()}


def shapes(rng, k):
    def row(name):
        if name == 'talk':      # on the way from one sound to another
            a, b = (np.array(TABLE[n][0]) for n in rng.choice([n for n in TABLE if n not in ('sil', 'PP', 'FF')], 2, replace=False))
            way = rng.uniform(.3, .7)
            return a * way + b * (1 - way)
        return np.array(TABLE[name][0]) * (rng.uniform(.8, 1.2) if name not in ('PP', 'FF', 'TH') else 1)
    names = ('aa', ('ou', 'oh')[k // 2 % 2], *(OTHER_SHAPES[(2 * k + j) % len(OTHER_SHAPES)] for j in (0, 1)))
    return [(name, np.clip(row(name), 0, 1).round(4).tolist()) for name in names]
