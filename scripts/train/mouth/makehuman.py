"""Read and pose CC0 MakeHuman data with numpy only (no MakeHuman program needed). The folder with the data is named by the
environment variable HEADS_DATA; README.md says what lies in it.

  shape(targets)            {"mouth/mouth-angles-up": 0.3, ...} -> rest vertices, float64 [19158, 3]
  pose(rest, units, extra)  rest vertices + face pose units {"JawDrop": 0..1} + extra bone rotations
                            {"head": rotation vector, radians, world axes} -> posed vertices, bone matrices [163, 3, 4]
  Garment(mhclo).fit(...)   eyes, teeth, tongue, lashes, hair, clothes carried along with the body

Units: decimetres (1 unit = 10 cm), y up, z out of the face, x to the person's left. Angles in radians unless named Deg.
Start-up about 0.7 s, one pose about 30 ms. Run it alone to print a summary:
  python3 makehuman.py
"""
import json
import os

import numpy as np

DATA = os.environ.get('HEADS_DATA', '')
if not os.path.exists(os.path.join(DATA, 'base.obj')):
    raise SystemExit('HEADS_DATA must name the folder with the MakeHuman data (base.obj, targets/, skins/ ...), got %r' % DATA)


def data(*parts):
    return os.path.join(DATA, *parts)


def read_obj(path):
    """-> vertices [n,3], uv [m,2], faces (lists of vertex indices), face uv indices, face group names"""
    vertices, uvs, faces, face_uvs, groups, group = [], [], [], [], [], None
    for line in open(path, encoding='utf8', errors='replace'):
        t = line.split()
        if not t:
            continue
        if t[0] == 'v':
            vertices.append([float(x) for x in t[1:4]])
        elif t[0] == 'vt':
            uvs.append([float(x) for x in t[1:3]])
        elif t[0] == 'g':
            group = t[1] if len(t) > 1 else None
        elif t[0] == 'f':
            a, b = [], []
            for w in t[1:]:
                p = w.split('/')
                a.append(int(p[0]) - 1)
                b.append(int(p[1]) - 1 if len(p) > 1 and p[1] else 0)
            faces.append(a)
            face_uvs.append(b)
            groups.append(group)
    return np.array(vertices), np.array(uvs) if uvs else np.zeros((1, 2)), faces, face_uvs, groups


_targets = {}


def read_target(name):
    """one morph target -> vertex indices [k], offsets [k,3]; cached"""
    if name not in _targets:
        rows = [l.split() for l in open(data('targets', name + '.target'), encoding='utf8', errors='replace')
                if l.strip() and not l.startswith('#')]
        rows = [r for r in rows if len(r) >= 4]
        _targets[name] = (np.array([int(r[0]) for r in rows], int),
                          np.array([[float(x) for x in r[1:4]] for r in rows]).reshape(-1, 3))
    return _targets[name]


BASE = read_obj(data('base.obj'))


def shape(targets):
    v = BASE[0].copy()
    for name, weight in targets.items():
        if weight:
            i, x = read_target(name)
            v[i] += weight * x
    return v


# ---- skeleton and skin weights
SKELETON = json.load(open(data('rig', 'default.mhskel')))
BONES = SKELETON['bones']
ORDER = []   # parents before children


def _visit(bone):
    if bone not in ORDER:
        if BONES[bone]['parent']:
            _visit(BONES[bone]['parent'])
        ORDER.append(bone)


for _b in BONES:
    _visit(_b)
BONE_INDEX = {b: i for i, b in enumerate(ORDER)}


def _weights():
    n = len(BASE[0])
    w = np.zeros((n, len(ORDER)))
    for bone, pairs in json.load(open(data('rig', 'default_weights.mhw')))['weights'].items():
        if bone in BONE_INDEX:
            for i, x in pairs:
                if i < n:
                    w[i, BONE_INDEX[bone]] += x
    w[w.sum(1) == 0, BONE_INDEX['head']] = 1.0   # vertices without weights follow the head
    return w / w.sum(1, keepdims=True)


WEIGHTS = _weights()


def joint(v, name):
    return v[SKELETON['joints'][name]].mean(0)


def bone_head(v, bone):
    return joint(v, BONES[bone]['head'])


def eye_centre(v):
    return (bone_head(v, 'eye.L') + bone_head(v, 'eye.R')) / 2


# ---- rotations
def _axis_rotation(axis, deg):
    a = np.radians(deg)
    c, s = np.cos(a), np.sin(a)
    return np.array({'X': [[1, 0, 0], [0, c, -s], [0, s, c]],
                     'Y': [[c, 0, s], [0, 1, 0], [-s, 0, c]],
                     'Z': [[c, -s, 0], [s, c, 0], [0, 0, 1]]}[axis], float)


def rotation_vector(R):
    a = np.arccos(np.clip((np.trace(R) - 1) / 2, -1, 1))
    if a < 1e-7:
        return np.zeros(3)
    return a / (2 * np.sin(a)) * np.array([R[2, 1] - R[1, 2], R[0, 2] - R[2, 0], R[1, 0] - R[0, 1]])


def rotation_matrix(r):
    a = np.linalg.norm(r)
    if a < 1e-9:
        return np.eye(3)
    k = r / a
    K = np.array([[0, -k[2], k[1]], [k[2], 0, -k[0]], [-k[1], k[0], 0]])
    return np.eye(3) + np.sin(a) * K + (1 - np.cos(a)) * K @ K


# ---- face pose units: one BVH frame each, stored as {bone: rotation vector}
def _pose_units():
    names, channels, rows, motion = [], [], [], False
    for line in open(data('poseunits', 'face-poseunits.bvh')):
        t = line.split()
        if not t:
            continue
        if motion:
            if t[0] not in ('Frames:', 'Frame'):
                rows.append([float(x) for x in t])
        elif t[0] in ('ROOT', 'JOINT'):
            names.append(t[1])
        elif t[0] == 'CHANNELS':
            channels.append((int(t[1]), t[2:]))
        elif t[0] == 'MOTION':
            motion = True
    z_up_to_y_up = np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)
    units = {}
    for frame, unit in enumerate(json.load(open(data('poseunits', 'face-poseunits.json')))['framemapping']):
        offset, rotations = 0, {}
        for name, (count, kinds) in zip(names, channels):
            M = np.eye(3)
            for j, kind in enumerate(kinds):
                if kind.endswith('rotation'):
                    M = M @ _axis_rotation(kind[0], rows[frame][offset + j])
            offset += count
            r = rotation_vector(z_up_to_y_up @ M @ z_up_to_y_up.T)
            if np.linalg.norm(r) > 1e-4 and name in BONE_INDEX:
                rotations[name] = r
        units[unit] = rotations
    return units


UNITS = _pose_units()


def bone_matrices(rest, units, extra=None, heads=None):
    """-> [163, 3, 4]; heads = [bone_head(rest, b) for b in ORDER] when the caller keeps it"""
    rotations = {}
    for unit, weight in units.items():
        if abs(weight) >= 1e-5:
            for bone, r in UNITS[unit].items():
                rotations[bone] = rotations.get(bone, 0) + weight * r
    for bone, r in (extra or {}).items():
        rotations[bone] = rotations.get(bone, 0) + np.asarray(r, float)
    G = np.zeros((len(ORDER), 3, 4))
    for i, bone in enumerate(ORDER):
        parent = BONES[bone]['parent']
        P = G[BONE_INDEX[parent]] if parent else np.eye(3, 4)
        if bone in rotations:
            h = heads[i] if heads is not None else bone_head(rest, bone)
            R = rotation_matrix(rotations[bone])
            G[i, :, :3] = P[:, :3] @ R
            G[i, :, 3] = P[:, :3] @ (h - R @ h) + P[:, 3]
        else:
            G[i] = P
    return G


def skinned(v, weights, G):
    M = (weights @ G.reshape(len(G), 12)).reshape(-1, 3, 4)
    return np.einsum('nij,nj->ni', M[:, :, :3], v) + M[:, :, 3]


def pose(rest, units, extra=None):
    G = bone_matrices(rest, units, extra)
    return skinned(rest, WEIGHTS, G), G


# ---- things worn on the body (.mhclo): every vertex is bound to up to three body vertices
def _group_vertices(group):
    return {x for f, g in zip(BASE[2], BASE[4]) if g == group for x in f}


class Bound:
    """geometry bound to body vertices: refs [n,3], barycentric weights [n,3], offsets [n,3] in decimetres"""
    is_teeth = False

    def __init__(self, refs, weights, offsets, faces):
        self.refs, self.w, self.off = np.array(refs), np.array(weights, float), np.array(offsets, float)
        self.F, self.T, self.FT = faces, None, [None] * len(faces)
        self.scale = [None] * 3
        self.skin = None

    def fit(self, rest, G=None):
        """rest position, or with G (from pose) the posed position"""
        scale = np.ones(3)
        for i, q in enumerate(self.scale):
            if q:
                scale[i] = abs(rest[q[0]][i] - rest[q[1]][i]) / q[2]
        v = np.einsum('nk,nkj->nj', self.w, rest[self.refs]) + self.off * scale
        if G is None:
            return v
        if self.skin is None:
            self.skin = self._skin(len(v))
        return skinned(v, self.skin, G)

    def _skin(self, n):
        skin = (np.clip(self.w, 0, None)[:, :, None] * WEIGHTS[self.refs]).sum(1)
        skin /= skin.sum(1, keepdims=True) + 1e-12
        if self.is_teeth:   # rigid: every connected piece follows either the jaw or the head
            parent = list(range(n))

            def find(x):
                while parent[x] != x:
                    parent[x] = parent[parent[x]]
                    x = parent[x]
                return x
            for f in self.F:
                for a in f[1:]:
                    parent[find(a)] = find(f[0])
            piece = np.array([find(i) for i in range(n)])
            low, up = _group_vertices('helper-lower-teeth'), _group_vertices('helper-upper-teeth')
            vote = np.array([sum((x in low) - (x in up) for x in r) for r in self.refs])
            skin[:] = 0
            skin[np.arange(n), np.where(vote > 0, BONE_INDEX['jaw'], BONE_INDEX['head'])] = 1
        return skin


class Garment(Bound):
    def __init__(self, path):
        refs, w, off, self.delete, self.scale, self.skin = [], [], [], [], [None] * 3, None
        section = None
        for line in open(path, encoding='utf8', errors='replace'):
            t = line.split()
            if not t or t[0].startswith('#'):
                continue
            if t[0] == 'obj_file':
                obj = os.path.join(os.path.dirname(path), t[1])
            elif t[0] in ('x_scale', 'y_scale', 'z_scale'):
                self.scale['xyz'.index(t[0][0])] = (int(t[1]), int(t[2]), float(t[3]))
            elif t[0] == 'verts':
                section = 'verts'
            elif t[0] == 'delete_verts':
                section = 'delete'
            elif t[0] == 'material':
                pass   # may stand in the middle of the vertex list
            elif section == 'verts':
                try:
                    x = [float(q) for q in t]
                except ValueError:
                    section = None
                    continue
                if len(x) == 1:
                    refs.append([int(x[0])] * 3), w.append([1, 0, 0]), off.append([0, 0, 0])
                elif len(x) >= 6:
                    refs.append([int(q) for q in x[:3]]), w.append(x[3:6])
                    off.append(x[6:9] if len(x) >= 9 else [0, 0, 0])
            elif section == 'delete':
                i = 0
                while i < len(t):
                    if i + 2 < len(t) and t[i + 1] == '-':
                        self.delete += range(int(t[i]), int(t[i + 2]) + 1)
                        i += 3
                    else:
                        if t[i].isdigit():
                            self.delete.append(int(t[i]))
                        i += 1
        self.refs, self.w, self.off = np.array(refs), np.array(w, float), np.array(off, float)
        self.V, self.T, self.F, self.FT, self.G = read_obj(obj)
        self.is_teeth = 'teeth' in os.path.basename(path)
        if self.is_teeth:   # drop the faces that would bridge the two jaws
            low = _group_vertices('helper-lower-teeth')
            vt = [sum(x in low for x in r) * 2 > len(r) for r in self.refs]
            keep = [i for i, f in enumerate(self.F) if len({vt[a] for a in f}) == 1]
            self.F, self.FT = [self.F[i] for i in keep], [self.FT[i] for i in keep]
        assert len(self.V) == len(self.refs), (path, len(self.V), len(self.refs))


if __name__ == '__main__':
    print('vertices', len(BASE[0]), 'faces', len(BASE[2]), 'bones', len(ORDER), 'pose units', len(UNITS))
    print('pose units:', ' '.join(UNITS))
    v = shape({'macrodetails/caucasian-female-young': 1})
    p, _ = pose(v, {'JawDrop': 0.5})
    print('JawDrop 0.5 moves a vertex by up to %.2f dm' % abs(p - v).max())
