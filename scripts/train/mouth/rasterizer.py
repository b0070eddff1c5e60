"""Software renderer for the lower face (no GPU, no Blender): numpy plus rasterize.c, exact labels for every pixel.

  lower_face = LowerFace()                       subdivision and topology, once (about 4 s)
  person = lower_face.person(targets, skin)      one identity (about 0.1 s, 0.3 s more for a new skin texture)
  picture = person.render(units, rotations, view)
  flow, seen = motion(picture, other)            where each pixel of one picture lies in another of the same person and view
A Picture has: image uint8 [size, size, 3] sRGB; classes uint8 [size, size]: 0 background, 1 skin, 2 lips, 3 inside of the
mouth, 4 teeth, 5 tongue; inner float32 [size, size]: part of the pixel that is of class 3 to 5; marks {name: (x, y)} in pixels from the top-left corner: left and right corner of the mouth, the
line between the lips, the chin's lowest point.
Decimetres, y up, z out of the face, as in makehuman.py. Needs numpy, scipy, pillow, cc (first use only: the compiled file goes
to the user's temporary folder).
"""
import ctypes
import hashlib
import os
import subprocess
import tempfile

import numpy as np
import scipy.sparse as sparse
from PIL import Image
from scipy.ndimage import gaussian_filter

import makehuman as mh

CLASSES = ('background', 'skin', 'lips', 'inside', 'teeth', 'tongue')


def _library():
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'rasterize.c')
    key = hashlib.sha256(open(source, 'rb').read()).hexdigest()[:16]
    built = os.path.join(tempfile.gettempdir(), 'rasterize-%d-%s.so' % (os.getuid(), key))
    if not os.path.exists(built):
        part = '%s.%d' % (built, os.getpid())
        subprocess.run(['cc', '-O3', '-march=native', '-ffast-math', '-shared', '-fPIC', '-o', part, source, '-lm'], check=True)
        os.replace(part, built)
    return ctypes.CDLL(built)


def _p(a):
    return a.ctypes.data_as(ctypes.c_void_p)


def srgb_to_linear(a):
    a = np.asarray(a, np.float32) / 255
    return np.where(a <= 0.04045, a / 12.92, ((a + 0.055) / 1.055) ** 2.4).astype(np.float32)


def linear_to_srgb(a):
    a = np.clip(a, 0, 1)
    return np.where(a <= 0.0031308, a * 12.92, 1.055 * a ** (1 / 2.4) - 0.055)


def catmull_clark(nv, faces, uvs):
    """one step -> sparse matrix [new, old vertices], new quads, new per-corner uv"""
    edge, around = {}, {}
    for fi, f in enumerate(faces):
        for a, b in zip(f, f[1:] + f[:1]):
            k = (min(a, b), max(a, b))
            edge.setdefault(k, len(edge))
            around.setdefault(k, []).append(fi)
    nf, R, C, D = len(faces), [], [], []

    def add(r, c, d):
        R.append(r), C.append(c), D.append(d)
    vertex_faces, vertex_edges = {}, {}
    for fi, f in enumerate(faces):
        for a in f:
            vertex_faces.setdefault(a, []).append(fi)
            add(nv + fi, a, 1 / len(f))
    for k, e in edge.items():
        r, inside = nv + nf + e, len(around[k]) == 2
        for a in k:
            vertex_edges.setdefault(a, []).append(k)
            add(r, a, .25 if inside else .5)
        if inside:
            for fi in around[k]:
                for a in faces[fi]:
                    add(r, a, .25 / len(faces[fi]))
    for a in range(nv):
        if a not in vertex_faces:
            add(a, a, 1.0)
            continue
        border = [k for k in vertex_edges[a] if len(around[k]) != 2]
        if border:
            add(a, a, .75)
            for k in border:
                add(a, k[0] if k[1] == a else k[1], .25 / len(border))
        else:
            n = len(vertex_faces[a])
            add(a, a, (n - 3) / n)
            for fi in vertex_faces[a]:
                for q in faces[fi]:
                    add(a, q, 1 / n / n / len(faces[fi]))
            for k in vertex_edges[a]:
                for q in k:
                    add(a, q, 1 / n / n)
    S = sparse.csr_matrix((D, (R, C)), shape=(nv + nf + len(edge), nv))
    quads, corners = [], []
    for fi, (f, u) in enumerate(zip(faces, uvs)):
        n, u = len(f), np.asarray(u)
        for i in range(n):
            a, b, z = f[i], f[(i + 1) % n], f[i - 1]
            quads.append([a, nv + nf + edge[min(a, b), max(a, b)], nv + fi, nv + nf + edge[min(a, z), max(a, z)]])
            corners.append([u[i], (u[i] + u[(i + 1) % n]) / 2, u.mean(0), (u[i] + u[i - 1]) / 2])
    return S, quads, corners


class _Piece:
    """a subdivided mesh: S [fine, coarse vertices], triangles, uv per corner"""

    def __init__(self, faces, uvs, used, levels):
        new = {a: i for i, a in enumerate(used)}
        faces, self.used = [[new[a] for a in f] for f in faces], np.array(used)
        S = sparse.identity(len(used), format='csr')
        for _ in range(levels):
            step, faces, uvs = catmull_clark(S.shape[0], faces, uvs)
            S = step @ S
        self.S = S.tocsr()
        self.tri = np.array([[f[0], f[j], f[j + 1]] for f in faces for j in range(1, len(f) - 1)], np.int32)
        self.uv = np.array([[u[0], u[j], u[j + 1]] for u in uvs for j in range(1, len(u) - 1)], np.float32)

    def triangle_share(self, flag):
        """fraction of each triangle's vertices that carry a coarse-vertex flag"""
        return (self.S @ np.asarray(flag, float))[self.tri].mean(1)


class LowerFace:
    def __init__(self):
        self.lib = _library()
        V, T, F, FT, groups = mh.BASE
        T = np.asarray(T)
        neutral = mh.shape({'macrodetails/%s-%s-young' % (r, g): 1 / 6 for r in ('caucasian', 'asian', 'african') for g in ('female', 'male')})
        posed, _ = mh.pose(neutral, {})
        ey = mh.eye_centre(neutral)[1]
        chosen = [i for i, (f, g) in enumerate(zip(F, groups)) if g == 'body' and
                  all(-2.3 < posed[a][1] - ey < 0.45 and posed[a][2] > -0.3 for a in f)]
        used = sorted({a for i in chosen for a in F[i]})
        uv_of = {}
        for i in chosen:
            for a, t in zip(F[i], FT[i]):
                uv_of[a] = t
        self.inside = np.array([T[uv_of[a]][0] > 0.74 and T[uv_of[a]][1] < 0.16 for a in used])   # mouth cavity's texture area
        self.body = _Piece([F[i] for i in chosen], [[T[t] for t in FT[i]] for i in chosen], used, 1)
        self.teeth = mh.Garment(mh.data('teeth', 'teeth_base.mhclo'))
        self.tongue = mh.Garment(mh.data('tongue', 'tongue01.mhclo'))
        self.pieces = [self.body] + [
            _Piece(c.F, [[c.T[t] for t in ft] for ft in c.FT], list(range(len(c.V))), level)
            for c, level in ((self.teeth, 0), (self.tongue, 1))]
        self._find_lips(neutral, posed)
        cls = [np.where(self.body.triangle_share(self.inside) > 0.5, 3, np.where(self.body.triangle_share(self.lip_flag) > 0.5, 2, 1)),
               np.full(len(self.pieces[1].tri), 4), np.full(len(self.pieces[2].tri), 5)]
        self.tri_class = np.concatenate(cls).astype(np.uint8)
        self.tri_part = np.concatenate([np.full(len(p.tri), i) for i, p in enumerate(self.pieces)]).astype(np.uint8)
        first = np.cumsum([0] + [p.S.shape[0] for p in self.pieces])
        self.tri = np.ascontiguousarray(np.concatenate([p.tri + f for p, f in zip(self.pieces, first)]).astype(np.int32))
        self.uv = np.ascontiguousarray(np.concatenate([p.uv for p in self.pieces]))
        self.body_skin = np.ascontiguousarray(mh.WEIGHTS[self.body.used])
        count = [p.S.shape[0] for p in self.pieces]
        self.is_inside = np.concatenate([self.body.S @ self.inside.astype(float) > 0.5, np.ones(count[1] + count[2], bool)])
        self.textures = {}
        teeth = srgb_to_linear(np.asarray(Image.open(mh.data('teeth', 'teeth.png')).convert('RGB')))
        top = teeth.max(2)
        gum = np.clip(((top - teeth.min(2)) / (top + 1e-4) - 0.3) / 0.25, 0, 1)[..., None]      # saturated = gum
        enamel = (top ** 0.3)[..., None] * np.array([.74, .69, .60], np.float32)
        self.teeth_texture = np.ascontiguousarray((linear_to_srgb(enamel * (1 - gum) + teeth * gum) * 255 + .5).astype(np.uint8))
        self.tongue_texture = np.ascontiguousarray(np.asarray(Image.open(mh.data('tongue', 'tongue01_diffuse.png')).convert('RGB')))

    def _find_lips(self, rest, posed):
        """lip vertices = those that the lip volume targets move; contours = extreme vertices in columns across the mouth"""
        moved = {}
        for name in ('mouth/mouth-upperlip-volume-incr', 'mouth/mouth-lowerlip-volume-incr'):
            i, x = mh.read_target(name)
            for a, d in zip(i, np.linalg.norm(x, axis=1)):
                moved[a] = max(moved.get(a, 0), d)
        top = max(moved.values())
        lips = [a for a in self.body.used if moved.get(a, 0) > 0.10 * top]
        inside = dict(zip(self.body.used, self.inside))
        lips = np.array([a for a in lips if not inside[a]])
        self.lip_flag = np.isin(self.body.used, lips)
        self.lip_centre_rows = np.where(self.lip_flag)[0]
        open_mouth, _ = mh.pose(rest, {'JawDrop': 0.5})
        fine, fine_open = self.body.S @ posed[self.body.used], self.body.S @ open_mouth[self.body.used]
        rows = np.where(self.body.S @ self.lip_flag.astype(float) > 0.5)[0]
        x, y, drop = fine[rows, 0], fine[rows, 1], fine[rows, 1] - fine_open[rows, 1]
        is_lower = drop >= 0.35 * drop.max()
        middle = abs(x) < 0.03
        middle_of = lambda chosen, sign: rows[chosen][np.argmax(sign * y[chosen])]       # noqa: E731
        inner = [middle_of(middle & ~is_lower, -1), middle_of(middle & is_lower, 1)]
        below = np.where((abs(fine[:, 0]) < 0.03) & (fine[:, 1] < y.min() - 0.1) & (fine[:, 1] > y.min() - 0.6))[0]
        chin = below[np.argmax(0.5 * fine[below, 2] - 0.866 * fine[below, 1])]
        # x grows to the person's left = the picture's right
        self.mark_rows = {'left': rows[[np.argmin(x)]], 'right': rows[[np.argmax(x)]], 'line': np.array(inner), 'chin': np.array([chin])}

    def skin(self, name):
        if name not in self.textures:
            self.textures[name] = np.ascontiguousarray(np.asarray(Image.open(mh.data('skins', name + '.png')).convert('RGB')))
        return self.textures[name]

    def person(self, targets, skin, tint=(1, 1, 1), gamma=1.0, teeth_tint=(1, 1, 1)):
        return Person(self, mh.shape(targets), self.skin(skin), tint, gamma, teeth_tint)


class Person:
    def __init__(self, face, rest, skin_texture, tint, gamma, teeth_tint):
        self.face, self.rest = face, rest
        self.heads = [mh.bone_head(rest, b) for b in mh.ORDER]
        self.eye = mh.eye_centre(rest)
        self.textures = [skin_texture, face.teeth_texture, face.tongue_texture]
        ramp = srgb_to_linear(np.arange(256))
        self.lut = np.ascontiguousarray(np.stack([
            np.stack([np.clip(ramp ** gamma * t, 0, 1) for t in tint]), np.stack([ramp * t for t in teeth_tint]),
            np.stack([ramp] * 3)]).astype(np.float32))
        posed, G = mh.pose(rest, {})
        teeth, tongue = face.teeth.fit(rest, G), face.tongue.fit(rest, G)
        front = teeth[:, 2].max()

        def shade(points):      # the mouth gets darker towards the back and the sides
            depth = np.clip((front - points[:, 2] - 0.02) / 0.42, 0, 1)
            side = np.clip((abs(points[:, 0]) - 0.10) / 0.22, 0, 1)
            return np.clip((1 - depth ** 0.8 * 0.96) * (1 - 0.45 * side), 0.04, 1)
        body = np.ones(len(face.body.used))
        body[face.inside] = shade(posed[face.body.used][face.inside]) * 0.8
        values = (body, np.clip(shade(teeth) * 1.2, 0, 1), shade(tongue))
        self.occlusion = np.ascontiguousarray(np.concatenate([p.S @ o for p, o in zip(face.pieces, values)]).astype(np.float32))

    def _posed(self, units, rotations):
        G = mh.bone_matrices(self.rest, units, rotations, self.heads)
        body = mh.skinned(self.rest[self.face.body.used], self.face.body_skin, G)
        return body, G

    def mouth_centre(self, units, rotations):
        """centre of the lips in the given pose, decimetres"""
        return self._posed(units, rotations)[0][self.face.lip_centre_rows].mean(0)

    def render(self, units, rotations=None, view=None, light_inside=1.0):
        """light_inside: part of the light that reaches teeth and tongue, 0..1. view: size px, supersample, width (decimetres across the picture at the mouth), centre (3-D point in the picture's
        middle), roll (rad), lights [(position, colour, power, casts_shadow)] relative to the centre, ambient, exposure,
        background (two linear RGB colours, top and bottom), rough (skin), spec (skin)"""
        v = dict(size=256, supersample=2, width=1.3, centre=None, roll=0.0, exposure=1.15, ambient=(.187, .198, .22), rough=.42, spec=.35,
                 background=((.07, .09, .11), (.13, .16, .19)), distance=7.0,
                 lights=[((-4.5, 3.6, 6.5), (1, .95, .88), 2.1, True), ((5.5, .3, 6), (.88, .94, 1), .55, False), ((0, 6, 2), (1, 1, 1), .25, False)])
        v.update(view or {})
        face, lib, size, ss = self.face, self.face.lib, v['size'], v['supersample']
        W = size * ss
        body, G = self._posed(units, rotations)
        centre = np.asarray(v['centre'] if v['centre'] is not None else body[face.lip_centre_rows].mean(0), float)
        parts = [body, face.teeth.fit(self.rest, G), face.tongue.fit(self.rest, G)]
        X = np.concatenate([p.S @ c for p, c in zip(face.pieces, parts)])
        camera = np.array([0, self.eye[1] - 0.2, centre[2] + v['distance']])
        px = W / v['width'] * v['distance']
        cos, sin = np.cos(v['roll']), np.sin(v['roll'])

        def project(points):
            q = points - camera
            depth = -q[:, 2]
            c = centre - camera
            x, y = (q[:, 0] / depth - c[0] / -c[2]) * px, -(q[:, 1] / depth - c[1] / -c[2]) * px
            return np.stack([W / 2 + cos * x - sin * y, W / 2 + sin * x + cos * y, 1 / depth], 1)
        P = np.ascontiguousarray(project(X).astype(np.float32))
        first = project(face.body.S @ body)[:, :2] / ss
        marks = {name: first[rows].mean(0) for name, rows in face.mark_rows.items()}
        X = np.ascontiguousarray(X.astype(np.float32))
        ids, zb = np.full(W * W, -1, np.int32), np.zeros(W * W, np.float32)
        bu, bv = np.zeros(W * W, np.float32), np.zeros(W * W, np.float32)
        nt = len(face.tri)
        lib.rasterize(nt, _p(face.tri), _p(P), W, W, 0, _p(ids), _p(zb), _p(bu), _p(bv))
        N = np.zeros_like(X)
        lib.normals(nt, _p(face.tri), len(X), _p(X), _p(N))
        # shadow map seen from the first light, 5 dm wide
        sm, scale = 640, 640 / 5.0
        toward = np.asarray(v['lights'][0][0], float) / np.linalg.norm(v['lights'][0][0])
        right = np.cross([0, 1, 0], toward)
        right /= np.linalg.norm(right)
        up = np.cross(toward, right)
        d = X - centre.astype(np.float32)
        SP = np.ascontiguousarray(np.stack([sm / 2 + d @ right * scale, sm / 2 + d @ up * scale, d @ toward + 10], 1).astype(np.float32))
        smap, sid, scratch = np.zeros(sm * sm, np.float32), np.full(sm * sm, -1, np.int32), np.zeros(sm * sm, np.float32)
        lib.rasterize(nt, _p(face.tri), _p(SP), sm, sm, 0, _p(sid), _p(smap), _p(scratch), _p(scratch))
        lights = np.array([[*(np.asarray(pos) + centre), *(np.asarray(col) * power), float(casts)] for pos, col, power, casts in v['lights']], np.float32)
        basis = np.concatenate([centre, right, up, toward]).astype(np.float32)
        pointers = (ctypes.c_void_p * 3)(*[t.ctypes.data for t in self.textures])
        tw, th = (np.array([t.shape[k] for t in self.textures], np.int32) for k in (1, 0))
        spec, rough = np.array([v['spec'], .42, .4], np.float32), np.array([v['rough'], .28, .35], np.float32)
        ambient, cam = np.array(v['ambient'], np.float32), camera.astype(np.float32)
        occlusion = np.ascontiguousarray(np.where(face.is_inside, self.occlusion * np.float32(light_inside), self.occlusion))
        irr, alb, spc = (np.zeros((W * W, 3), np.float32) for _ in range(3))
        lib.shade(W * W, _p(ids), _p(bu), _p(bv), _p(face.tri), _p(X), _p(N), _p(face.uv), _p(occlusion), _p(face.tri_part), pointers,
                  _p(tw), _p(th), _p(self.lut), _p(spec), _p(rough), _p(cam), len(lights), _p(lights), _p(ambient), _p(smap), sm, _p(basis),
                  ctypes.c_float(scale), _p(irr), _p(alb), _p(spc))
        hit = ids >= 0
        cls = np.where(hit, face.tri_class[ids], 0).astype(np.uint8).reshape(W, W)
        skin = ((cls == 1) | (cls == 2) | (cls == 3)).astype(np.float32)
        light = irr.reshape(W, W, 3)
        for ch, radius in enumerate((3.2, 1.3, 0.7)):      # light bleeding through skin: red furthest
            r = radius * ss * size / 256 * 1.3 / v['width']
            blur = gaussian_filter(light[..., ch] * skin, r, truncate=2.5) / (gaussian_filter(skin, r, truncate=2.5) + 1e-3)
            light[..., ch] = np.where(skin > 0, 0.65 * blur + 0.35 * light[..., ch], light[..., ch])
        top, bottom = (np.asarray(c, np.float32) for c in v['background'])
        s = np.linspace(0, 1, W, dtype=np.float32)[:, None, None]
        img = np.where(hit.reshape(W, W, 1), light * alb.reshape(W, W, 3) * np.float32(2.2 / np.pi) + spc.reshape(W, W, 3), top * (1 - s) + bottom * s)
        img *= np.float32(v['exposure'])
        img = img * (1 + img / 6) / (1 + img * np.float32(.55))      # soft shoulder
        img = img.reshape(size, ss, size, ss, 3).mean((1, 3))
        inner = (cls >= 3).reshape(size, ss, size, ss).mean((1, 3)).astype(np.float32)
        return Picture((linear_to_srgb(img) * 255 + .5).astype(np.uint8), np.ascontiguousarray(cls[ss // 2::ss, ss // 2::ss]), inner, marks,
                       size, ss, ids, bu, bv, zb, X, project, face)


class Picture:
    """a rendered face and what must be known to follow its surface into another picture"""

    def __init__(self, image, classes, inner, marks, size, supersample, ids, bu, bv, zb, X, project, face):
        self.image, self.classes, self.inner, self.marks = image, classes, inner, marks
        self.size, self.supersample, self.ids, self.bu, self.bv, self.zb = size, supersample, ids, bu, bv, zb
        self.X, self.project, self.face = X, project, face


def motion(picture, other):
    """-> flow float32 [size, size, 2]: what is seen at (x, y) of picture lies at (x, y) + flow in other; seen float32
    [size, size]: which part of the pixel is skin or lip that can be seen there too (flow is 0 where seen is)"""
    face, ss, W = picture.face, picture.supersample, picture.size * picture.supersample
    at = np.where(picture.ids >= 0)[0]
    part = face.tri_class[picture.ids[at]]
    at = at[(part == 1) | (part == 2)]
    corners = face.tri[picture.ids[at]]
    weights = np.stack([1 - picture.bu[at] - picture.bv[at], picture.bu[at], picture.bv[at]], 1)[..., None]
    there = other.project((other.X[corners] * weights).sum(1))
    x, y = np.floor(there[:, 0]).astype(int), np.floor(there[:, 1]).astype(int)
    inside = (x >= 1) & (x < W - 1) & (y >= 1) & (y < W - 1)
    x, y = np.clip(x, 1, W - 2), np.clip(y, 1, W - 2)
    depth = 1 / there[:, 2]
    nearest = np.full(len(at), np.inf)                   # one pixel of tolerance: surfaces seen from the side
    for dx, dy in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
        k = (y + dy) * W + x + dx
        behind = np.where(other.ids[k] >= 0, depth - 1 / np.maximum(other.zb[k], 1e-6), np.inf)
        nearest = np.minimum(nearest, np.abs(behind))
    good = inside & (nearest < 0.03)
    flow, seen = np.zeros((W * W, 2), np.float32), np.zeros(W * W, np.float32)
    flow[at[good]] = there[good, :2] - np.stack([at[good] % W + .5, at[good] // W + .5], 1)
    seen[at[good]] = 1
    cells = lambda a: a.reshape(picture.size, ss, picture.size, ss, -1).sum((1, 3))      # noqa: E731
    count = cells(seen)[..., 0]
    return (cells(flow) / np.maximum(count, 1)[..., None] / ss).astype(np.float32), count / ss ** 2
