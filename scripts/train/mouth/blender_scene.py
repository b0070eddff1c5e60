"""Blender's picture of a head in a studio: builds one head (skin, eyes, teeth, tongue, lashes, hair, brows, clothes) and poses it.

  clear(); head = Head(**person); studio(head, ...); head.pose(pose_units, bone_rotations); render(path)
Units: decimetres, y up in our data, turned to Blender's z up on the way in. Runs inside Blender 3.4 (Eevee) only; needs scipy.
"""
import bpy
import mathutils
import numpy as np

import makehuman as mh
from blender_materials import (Graph, brow_material, cornea_material, eye_material, skin_material, teeth_material,
                               textured_material)
from brow_hairs import brow_hairs

SENSOR_MM = 36          # Blender's default camera
TEETH_BACK = 0.035      # decimetres


def z_up(v):
    v = np.asarray(v)
    return np.stack([v[:, 0], -v[:, 2], v[:, 1]], 1)


class Part:
    """one Blender mesh object whose vertices are replaced every frame; used = which source vertices it has"""

    def __init__(self, name, V, F, T, FT, material, subdivide=0, keep=None):
        chosen = [i for i in range(len(F)) if keep is None or keep(i, F[i])]
        self.used = np.array(sorted({a for i in chosen for a in F[i]}))
        new = {a: i for i, a in enumerate(self.used)}
        mesh = bpy.data.meshes.new(name)
        mesh.from_pydata(z_up(np.asarray(V)[self.used]).tolist(), [], [[new[a] for a in F[i]] for i in chosen])
        if T is not None:
            uv = mesh.uv_layers.new(name='UV')
            uv.data.foreach_set('uv', np.array([T[t] for i in chosen for t in FT[i]], float).ravel())
        mesh.polygons.foreach_set('use_smooth', [True] * len(mesh.polygons))
        mesh.update()
        self.ob = bpy.data.objects.new(name, mesh)
        bpy.context.scene.collection.objects.link(self.ob)
        mesh.materials.append(material)
        self.name, self.material = name, material
        if subdivide:
            m = self.ob.modifiers.new('s', 'SUBSURF')
            m.levels = m.render_levels = subdivide
            m.use_limit_surface = False      # the same surface as rasterizer.py's

    def set(self, V):
        self.ob.data.vertices.foreach_set('co', z_up(np.asarray(V)[self.used]).ravel())
        self.ob.data.update()

    def darken(self, value):
        """multiply colour and highlight by a per-vertex value (mouth cavity)"""
        a = self.ob.data.attributes.new('occl', 'FLOAT', 'POINT')
        a.data.foreach_set('value', np.asarray(value, np.float32))
        g = Graph(self.material)
        a = g.node('ShaderNodeAttribute')
        a.attribute_name = 'occl'
        for name in ('Base Color', 'Subsurface Color'):
            if g.P.inputs[name].links:
                g.to(g.multiply(g.P.inputs[name].links[0].from_socket, a.outputs['Fac']), g.P.inputs[name])
        s = g.node('ShaderNodeMath')
        s.operation = 'MULTIPLY'
        s.inputs[1].default_value = g.P.inputs['Specular'].default_value
        g.to(a.outputs['Fac'], s.inputs[0])
        g.to(s.outputs[0], g.P.inputs['Specular'])


def mouth_shade(points, front_z):
    """how much light reaches a point in the mouth, from its depth behind the front teeth and its distance to the middle"""
    depth = np.clip((front_z - points[:, 2] - 0.02) / 0.42, 0, 1)
    side = np.clip((abs(points[:, 0]) - 0.10) / 0.22, 0, 1)
    return np.clip((1 - depth ** 0.8 * 0.96) * (1 - 0.45 * side), 0.04, 1)


class Head:
    """targets, skin, hair, clothes, iris, brow: as in strangers.py"""

    def __init__(self, targets, skin, hair=None, clothes=None, iris=(0.1, 0.06, 0.035), brow=None, subdivide=1):
        self.rest = v = mh.shape(targets)
        posed, G = mh.pose(v, {})
        V, T, F, FT, groups = mh.BASE
        hidden, self.parts = set(), []
        if clothes:
            k = dict(clothes)
            name = k.pop('garment')
            c = mh.Garment(mh.data('clothes', name, name + '.mhclo'))
            hidden |= set(c.delete)
            self._add(c, 'clothes', textured_material('clothes', mh.data('clothes', name, name + '_diffuse.png'), **k), G, 1)
        self.body = Part('body', posed, F, T, FT, skin_material(**skin), subdivide,
                         lambda i, f: groups[i] == 'body' and posed[f[0]][1] > 3.0 and not any(a in hidden for a in f))
        eyes = mh.Garment(mh.data('eyes', 'high-poly.mhclo'))
        cornea = [all(eyes.T[t][0] > 0.87 and eyes.T[t][1] < 0.13 for t in ft) for ft in eyes.FT]
        self._add(eyes, 'eyes', eye_material(iris), G, 1, lambda i, f: not cornea[i])
        self._add(eyes, 'cornea', cornea_material(), G, 1, lambda i, f: cornea[i])
        dentures = mh.Garment(mh.data('teeth', 'teeth_base.mhclo'))
        dentures.off[:, 2] -= TEETH_BACK       # otherwise they pierce the lips of some mouths
        teeth = self._add(dentures, 'teeth', teeth_material(), G, 1)
        tongue = self._add(mh.Garment(mh.data('tongue', 'tongue01.mhclo')), 'tongue',
                           textured_material('tongue', mh.data('tongue', 'tongue01_diffuse.png'), 0.35, sss=0.1), G, 1)
        self._add(mh.Garment(mh.data('eyelashes', 'eyelashes02.mhclo')), 'lashes',
                  textured_material('lashes', mh.data('eyelashes', 'eyelashes02.png'), 0.6, 0.1, alpha=True), G)
        if hair:
            k = dict(hair)
            s = k.pop('style')
            self._add(mh.Garment(mh.data('hair', s, s + '.mhclo')), 'hair',
                      textured_material('hair', mh.data('hair', s, s + '_diffuse.png'), alpha=True, **k), G, 1)
        if brow:
            k = dict(brow)
            material = brow_material(k.pop('colour'), k.pop('alpha'))
            self._add(brow_hairs(v, **k), 'brow', material, G)
        # the mouth cavity is darker towards the back
        uv_of = {}
        for f, ft, g in zip(F, FT, groups):
            if g == 'body':
                for a, t in zip(f, ft):
                    uv_of.setdefault(a, t)
        inner = np.array([T[uv_of[a]][0] > 0.74 and T[uv_of[a]][1] < 0.16 for a in self.body.used])
        front = teeth[0].fit(v, G)[:, 2].max()
        shade = np.ones(len(self.body.used))
        shade[inner] = mouth_shade(posed[self.body.used][inner], front) * 0.8
        self.body.darken(shade)
        for c, p in (teeth, tongue):
            p.darken(mouth_shade(c.fit(v, G)[p.used], front))
        self.eye = mh.eye_centre(v)

    def _add(self, garment, name, material, G, subdivide=0, keep=None):
        pair = garment, Part(name, garment.fit(self.rest, G), garment.F, garment.T, garment.FT, material, subdivide, keep)
        self.parts.append(pair)
        return pair

    def pose(self, units, rotations):
        """-> positions of all vertices, decimetres, y up"""
        v, G = mh.pose(self.rest, units, rotations)
        places = [v[self.body.used]]
        self.body.set(v)
        for garment, part in self.parts:
            fitted = garment.fit(self.rest, G)
            part.set(fitted)
            places.append(fitted)
        return np.concatenate(places)


def _aim(ob, target):
    ob.rotation_euler = (mathutils.Vector(target) - ob.location).to_track_quat('-Z', 'Y').to_euler()


def studio(head, size_px=512, framing=2.6, drop=0.2, samples=6, backdrop=(0.3, 0.36, 0.42), key=820, fill=230, rim=120,
           key_side=-1, key_height=3.6, warmth=1.0, ambient=0.7, lens_mm=85):
    """Camera, key, fill and rim lights (watts), backdrop with a soft glow behind the head, and render settings.

    framing: picture width at the eyes; drop: how far below the eyes the picture's centre is; key_side: -1 light from the
    picture's left, 1 from its right; warmth: red of the key light against its blue.
    -> camera: {location, rotation}: camera to world, z up; focal: in picture widths
    """
    scene, eye = bpy.context.scene, head.eye
    centre = (0, -eye[2], eye[1] - drop)
    camera = bpy.data.objects.new('camera', bpy.data.cameras.new('camera'))
    camera.data.lens = lens_mm
    scene.collection.objects.link(camera)
    scene.camera = camera
    camera.location = (0, centre[1] - framing * lens_mm / SENSOR_MM, centre[2] + 0.05)
    _aim(camera, centre)
    warm, cold = (1, 0.95, 0.88 / warmth), (0.88 / warmth, 0.94, 1)
    for place, width, power, colour in (
            ((4.5 * key_side, -6.5, key_height), 3.2, key, warm), ((-5.5 * key_side, -6, 0.3), 4.5, fill, cold),
            ((-3.2 * key_side, 5, 3.2), 2.5, rim, (0.95, 0.97, 1)), ((4 * key_side, 4.5, 2), 2, rim * 0.5, (1, 0.93, 0.85))):
        light = bpy.data.lights.new('light', 'AREA')
        light.energy, light.size, light.color = power, width, colour
        light.use_shadow, light.use_contact_shadow = colour is warm, False      # the key light alone
        ob = bpy.data.objects.new('light', light)
        scene.collection.objects.link(ob)
        ob.location = (place[0], centre[1] + place[1], centre[2] + place[2])
        _aim(ob, centre)
    scene.world = bpy.data.worlds.new('world')
    scene.world.use_nodes = True
    world = scene.world.node_tree.nodes['Background']
    world.inputs[0].default_value, world.inputs[1].default_value = (0.34, 0.35, 0.38, 1), ambient
    _backdrop(scene, centre, backdrop)
    _settings(scene, size_px, samples)
    rotation = camera.rotation_euler.to_matrix()
    return {'location': list(camera.location), 'rotation': [list(row) for row in rotation], 'focal': lens_mm / SENSOR_MM}


def _backdrop(scene, centre, colour, radius=9.0):
    mesh = bpy.data.meshes.new('backdrop')
    far = centre[1] + 12
    mesh.from_pydata([(-30, far, -30), (30, far, -30), (30, far, 40), (-30, far, 40)], [], [(0, 1, 2, 3)])
    scene.collection.objects.link(bpy.data.objects.new('backdrop', mesh))
    g = Graph('backdrop')
    g.tree.nodes.remove(g.P)
    glow, coord, mapping, ramp, gradient = (g.node('ShaderNode' + k) for k in
                                            ('Emission', 'TexCoord', 'Mapping', 'ValToRGB', 'TexGradient'))
    gradient.gradient_type = 'SPHERICAL'
    mapping.inputs['Location'].default_value = (0.9 / radius, -far / radius, -(centre[2] + 0.9) / radius)
    mapping.inputs['Scale'].default_value = (1 / radius,) * 3
    ramp.color_ramp.interpolation = 'EASE'
    ramp.color_ramp.elements[0].color = (*(0.22 * x for x in colour), 1)
    ramp.color_ramp.elements[1].color = (*colour, 1)
    g.to(coord.outputs['Object'], mapping.inputs[0])
    g.to(mapping.outputs[0], gradient.inputs[0])
    g.to(gradient.outputs[1], ramp.inputs[0])
    g.to(ramp.outputs[0], glow.inputs[0])
    g.to(glow.outputs[0], g.tree.nodes['Material Output'].inputs[0])
    mesh.materials.append(g.m)


def _settings(scene, size_px, samples):
    r = scene.render
    r.resolution_x = r.resolution_y = size_px
    r.image_settings.file_format, r.image_settings.color_mode, r.image_settings.compression = 'PNG', 'RGB', 15
    r.use_persistent_data, r.dither_intensity, r.engine = True, 1.0, 'BLENDER_EEVEE'
    scene.view_settings.view_transform, scene.view_settings.look = 'Filmic', 'Medium High Contrast'
    e = scene.eevee
    e.taa_render_samples, e.use_gtao, e.gtao_distance, e.use_soft_shadows = samples, True, 0.5, True
    e.shadow_cube_size, e.use_ssr, e.sss_samples = '512', False, 6


def project(camera, points):
    """points in decimetres, y up -> [n, 2] from the left and the top, in parts of the picture; camera: from studio()"""
    x, y, z = ((z_up(points) - np.array(camera['location'])) @ np.array(camera['rotation'])).T
    return np.stack([.5 + camera['focal'] * x / -z, .5 - camera['focal'] * y / -z], 1)


def render(path, border=None):
    """border: left, top, right, bottom of what is drawn, parts of the picture 0..1; black around it"""
    r = bpy.context.scene.render
    r.use_border, r.use_crop_to_border = border is not None, False
    if border:
        r.border_min_x, r.border_max_x, r.border_min_y, r.border_max_y = border[0], border[2], 1 - border[3], 1 - border[1]
    r.filepath = path
    bpy.ops.render.render(write_still=True)


def clear():
    bpy.ops.wm.read_factory_settings(use_empty=True)
