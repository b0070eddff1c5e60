"""Puts the data together that the other programs here read, from checkouts of the two CC0 MakeHuman repositories (Git LFS pulled).

  python3 collect_data.py --makehuman ~/makehuman --assets ~/makehuman-assets --out ~/heads-data
"""
import argparse
import glob
import os
import shutil

FROM_MAKEHUMAN = {
    'base.obj': '3dobjs/base.obj', 'rig/': 'rigs/default*.mh*', 'poseunits/': 'poseunits/face-poseunits.*', 'eyes/': 'eyes/high-poly/high-poly.*',
    **{'targets/%s/' % group: 'targets/%s/*.target' % group for group in
       ('cheek', 'chin', 'ears', 'eyebrows', 'eyes', 'forehead', 'head', 'macrodetails', 'mouth', 'neck', 'nose')}}
FROM_ASSETS = {
    'skins/': 'skins/textures/*lightskinned*_diffuse*.png', 'skins//': 'skins/textures/*darkskinned_male_diffuse.png',
    'teeth/': 'teeth/teeth_base/*', 'teeth//': 'teeth/materials/teeth.png', 'tongue/': 'tongue/tongue01/*', 'eyelashes/': 'eyelashes/eyelashes02/*',
    **{'hair/%s/' % name: 'hair/%s/*' % name for name in ('long01', 'ponytail01', 'short02', 'short04')},
    **{'clothes/%s/' % name: 'clothes/%s/*' % name for name in ('female_casualsuit01', 'male_elegantsuit01')}}
KINDS = ('.obj', '.target', '.mhskel', '.mhw', '.bvh', '.json', '.mhclo', '.png')


def copy(root, wanted, out):
    for to, pattern in wanted.items():
        found = [f for f in sorted(glob.glob(os.path.join(root, pattern))) if f.endswith(KINDS)]
        if not found:
            raise SystemExit('%s has no %s: is it a checkout of the right repository?' % (root, pattern))
        for path in found:
            if path.endswith('.png') and os.path.getsize(path) < 1000:
                raise SystemExit('%s is a pointer, not a picture: run git lfs pull in its checkout' % path)
            target = os.path.join(out, to.rstrip('/'), os.path.basename(path)) if to.endswith('/') else os.path.join(out, to)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(path, target)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--makehuman', required=True)
    p.add_argument('--assets', required=True)
    p.add_argument('--out', required=True)
    a = p.parse_args()
    copy(os.path.join(a.makehuman, 'makehuman', 'data'), FROM_MAKEHUMAN, a.out)
    copy(os.path.join(a.assets, 'base'), FROM_ASSETS, a.out)
    if not os.path.exists(os.path.join(a.out, 'eyes', 'brown_eye.png')):
        shutil.copyfile(os.path.join(a.makehuman, 'makehuman', 'data', 'eyes', 'materials', 'brown_eye.png'), os.path.join(a.out, 'eyes', 'brown_eye.png'))


if __name__ == '__main__':
    main()
