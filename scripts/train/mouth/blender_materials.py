"""Blender materials of a head: skin, eyes, teeth, cloth and hair of the CC0 textures. Runs inside Blender 3.4 only.

Colours are linear RGB; rough, spec and alpha 0..1; gamma and sat change a texture's tones (1 leaves them).
"""
import bpy

import makehuman as mh


def image(path):
    return bpy.data.images.load(path, check_existing=True)


class Graph:
    """a material's node tree with short ways to add and link nodes; P is its Principled BSDF"""

    def __init__(self, material):
        if isinstance(material, str):
            material = bpy.data.materials.new(material)
            material.use_nodes = True
        self.m, self.tree = material, material.node_tree
        self.P = self.tree.nodes.get('Principled BSDF')

    def node(self, kind):
        return self.tree.nodes.new(kind)

    def to(self, a, b):
        self.tree.links.new(a, b)

    def texture(self, path):
        t = self.node('ShaderNodeTexImage')
        t.image = image(path)
        return t

    def multiply(self, a, b):
        x = self.node('ShaderNodeMixRGB')
        x.blend_type = 'MULTIPLY'
        x.inputs[0].default_value = 1
        self.to(a, x.inputs[1])
        if isinstance(b, tuple):
            x.inputs[2].default_value = (*b, 1)
        else:
            self.to(b, x.inputs[2])
        return x.outputs[0]

    def grade(self, src, sat=1.0, val=1.0, gamma=1.0):
        h = self.node('ShaderNodeHueSaturation')
        h.inputs['Saturation'].default_value = sat
        h.inputs['Value'].default_value = val
        self.to(src, h.inputs['Color'])
        g = self.node('ShaderNodeGamma')
        g.inputs[1].default_value = gamma
        self.to(h.outputs[0], g.inputs[0])
        return g.outputs[0]

    def ramp(self, src, a, b):
        r = self.node('ShaderNodeMapRange')
        r.inputs[1].default_value, r.inputs[2].default_value = a, b
        self.to(src, r.inputs[0])
        return r.outputs[0]

    def surface(self, colour, rough, spec, sss=0.0, radius=(0.1, 0.05, 0.03)):
        P = self.P
        if isinstance(colour, tuple):
            P.inputs['Base Color'].default_value = (*colour, 1)
        else:
            self.to(colour, P.inputs['Base Color'])
        P.inputs['Roughness'].default_value, P.inputs['Specular'].default_value = rough, spec
        if sss:
            P.inputs['Subsurface'].default_value, P.inputs['Subsurface Radius'].default_value = sss, radius
            self.to(colour, P.inputs['Subsurface Color'])
        return self.m


def skin_material(texture, rough=0.46, sss=0.05, gamma=1.0, sat=1.0):
    g = Graph('skin')
    t = g.texture(mh.data('skins', texture + '.png'))
    c = g.grade(t.outputs[0], sat, 1, gamma)
    g.surface(c, rough, 0.4, sss, (0.12, 0.04, 0.02))
    # pores: noise in texture space, so that they move with the skin
    uv = g.node('ShaderNodeTexCoord')
    n = g.node('ShaderNodeTexNoise')
    n.inputs['Scale'].default_value, n.inputs['Detail'].default_value = 300, 3
    g.to(uv.outputs['UV'], n.inputs['Vector'])
    fine, coarse = g.node('ShaderNodeBump'), g.node('ShaderNodeBump')
    fine.inputs['Strength'].default_value, fine.inputs['Distance'].default_value = 0.10, 0.01
    coarse.inputs['Strength'].default_value, coarse.inputs['Distance'].default_value = 0.25, 0.02
    g.to(n.outputs[0], fine.inputs['Height'])
    g.to(t.outputs[0], coarse.inputs['Height'])
    g.to(fine.outputs[0], coarse.inputs['Normal'])
    g.to(coarse.outputs[0], g.P.inputs['Normal'])
    return g.m


def eye_material(iris):
    """the one iris texture (brown) recoloured: strongly saturated texels are iris"""
    g = Graph('eye')
    t = g.texture(mh.data('eyes', 'brown_eye.png'))
    rgb, hsv = g.node('ShaderNodeSeparateRGB'), g.node('ShaderNodeSeparateHSV')
    g.to(t.outputs[0], rgb.inputs[0])
    g.to(t.outputs[0], hsv.inputs[0])
    lum = g.node('ShaderNodeMath')
    lum.operation = 'MULTIPLY'
    lum.inputs[1].default_value = 6.0
    g.to(rgb.outputs[0], lum.inputs[0])
    mix = g.node('ShaderNodeMixRGB')
    g.to(g.ramp(hsv.outputs[1], 0.35, 0.7), mix.inputs[0])
    g.to(g.grade(t.outputs[0], 0.9, 0.86), mix.inputs[1])
    g.to(g.multiply(lum.outputs[0], tuple(iris)), mix.inputs[2])
    return g.surface(mix.outputs[0], 0.5, 0.1, 0.03, (0.05, 0.02, 0.01))


def cornea_material():
    g = Graph('cornea')
    g.tree.nodes.remove(g.P)
    clear, gloss, fresnel, mix = (g.node('ShaderNode' + k) for k in
                                  ('BsdfTransparent', 'BsdfGlossy', 'Fresnel', 'MixShader'))
    gloss.inputs['Roughness'].default_value = 0.03
    fresnel.inputs[0].default_value = 1.38
    g.to(fresnel.outputs[0], mix.inputs[0])
    g.to(clear.outputs[0], mix.inputs[1])
    g.to(gloss.outputs[0], mix.inputs[2])
    g.to(mix.outputs[0], g.tree.nodes['Material Output'].inputs[0])
    g.m.blend_method, g.m.shadow_method = 'BLEND', 'NONE'
    return g.m


def textured_material(name, path, rough=0.5, spec=0.5, alpha=False, sat=1.0, val=1.0, gamma=1.0, sss=0.0):
    g = Graph(name)
    t = g.texture(path)
    g.surface(g.grade(t.outputs[0], sat, val, gamma), rough, spec, sss)
    if alpha:   # a steeper edge than the texture's: less dither noise
        g.to(g.ramp(t.outputs[1], 0.2, 0.75), g.P.inputs['Alpha'])
        g.m.blend_method = 'HASHED'
    return g.m


def brow_material(colour, alpha):
    g = Graph('brow')
    g.surface(tuple(colour), 0.7, 0.05)
    g.P.inputs['Alpha'].default_value = alpha
    g.m.blend_method, g.m.shadow_method, g.m.show_transparent_back = 'BLEND', 'NONE', True
    return g.m


def teeth_material():
    g = Graph('teeth')
    t = g.texture(mh.data('teeth', 'teeth.png'))
    hsv = g.node('ShaderNodeSeparateHSV')
    g.to(t.outputs[0], hsv.inputs[0])
    bright = g.node('ShaderNodeMath')
    bright.operation = 'POWER'
    bright.inputs[1].default_value = 0.30
    g.to(hsv.outputs[2], bright.inputs[0])
    mix = g.node('ShaderNodeMixRGB')
    g.to(g.ramp(hsv.outputs[1], 0.25, 0.45), mix.inputs[0])   # saturated = gum
    g.to(g.multiply(bright.outputs[0], (0.80, 0.74, 0.64)), mix.inputs[1])
    g.to(t.outputs[0], mix.inputs[2])
    return g.surface(mix.outputs[0], 0.28, 0.35, 0.04, (0.05, 0.04, 0.03))
