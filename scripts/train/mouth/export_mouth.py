"""A trained mouth -> picture network -> the files that the server loads.

  python3 export_mouth.py --model out/mouth.pt --crops out/crops-*.npz --out ../../../models/mouth-to-picture
Two graphs, since what a face is like is asked once per frame of an avatar's clip, and a mouth is drawn many times:
  NAME.look  planes uint8 [N, 6, 64, 64] -> fine uint8 [N, 32, 32, 32], middle uint8 [N, 64, 16, 16], coarse uint8 [N, 96, 8, 8]
  NAME.draw  fine, middle, coarse, row float32 [N, 8] -> flow float32 [N, 65, 65, 2], mask uint8 [N, 128, 128]
each as .onnx (float16 weights, computes in float32 but for the 8-bit features between the graphs; the source of truth, for any processor)
and as .int8.onnx (8-bit activations and weights, static, per channel, calibrated on crops; the answer's sums stay whole), for CPUs with VNNI
or AVX2. NAME.golden.json: their answers to a made-up face.
"""
import argparse
import json
import os
import tempfile

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.utils import Extractor
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static

import network as n
import train_mouth as t

SMALLEST_PX = 0.1       # what moves less stays as it is, bit for bit, and all else moves so much less: nobody sees it, and it halves what is to be moved
FEATURES = {'fine': (32, 32, 32), 'middle': (64, 16, 16), 'coarse': (96, 8, 8)}


def build(network):
    nodes, constants = [], {}

    def const(name, value, dtype=np.float32):
        constants[name] = np.ascontiguousarray(value.detach().numpy() if torch.is_tensor(value) else value, dtype)
        return name

    def op(kind, inputs, name, **attributes):
        nodes.append(helper.make_node(kind, inputs, [name], name='make_' + name, **attributes))
        return name

    def conv(x, name, module, relu=True):
        k, s = module.kernel_size[0], module.stride[0]
        y = op('Conv', [x, const(name + '_w', module.weight), const(name + '_b', module.bias)], name if not relu else name + '_linear',
               kernel_shape=[k, k], strides=[s, s], pads=[k // 2] * 4)
        return op('Relu', [y], name) if relu else y

    def linear(x, name, module, relu):
        y = op('Gemm', [x, const(name + '_w', module.weight), const(name + '_b', module.bias)], name + ('_linear' if relu else ''), transB=1)
        return op('Relu', [y], name) if relu else y

    def modulate(x, name, module):
        axes = const('axes23', [2, 3], np.int64)
        scale = op('Unsqueeze', [linear('code', name + '_scale2', module.scale, False), axes], name + '_scale')
        shift = op('Unsqueeze', [linear('code', name + '_shift2', module.shift, False), axes], name + '_shift')
        return op('Add', [op('Mul', [x, scale], name + '_scaled'), shift], name)

    def twice(x, name):
        return op('Resize', [x, '', const('twice', [1, 1, 2, 2])], name, mode='nearest', coordinate_transformation_mode='asymmetric', nearest_mode='floor')

    code = linear(linear('row', 'code1', network.code[0], True), 'code2', network.code[2], True)
    op('Identity', [code], 'code')
    x = op('Sub', [op('Div', [op('Cast', ['planes'], 'planes_float', to=TensorProto.FLOAT), const('white', 255.0)], 'planes_one'), const('half', 0.5)], 'planes_zero')
    fine = conv(conv(x, 'front', network.front), 'fine_float', network.fine)
    middle = conv(conv(fine, 'down1', network.down1), 'middle_float', network.middle)
    down2 = conv(middle, 'down2', network.down2)
    coarse = op('Relu', [op('Add', [conv(down2, 'whole', network.whole, False), down2], 'coarse_linear')], 'coarse_float')
    x = op('Relu', [modulate(conv(coarse, 'coarse1', network.coarse1, False), 'm0', network.m[0])], 'bent1')
    x = op('Relu', [op('Add', [modulate(conv(x, 'coarse2', network.coarse2, False), 'm1', network.m[1]), coarse], 'bent2_linear')], 'bent2')
    x = op('Relu', [op('Add', [twice(conv(x, 'up1', network.up1, False), 'up1_wide'), middle], 'with_middle_linear')], 'with_middle')
    x = op('Relu', [modulate(conv(x, 'join1', network.join1, False), 'm2', network.m[2])], 'bent3')
    x = op('Relu', [op('Add', [twice(conv(x, 'up2', network.up2, False), 'up2_wide'), fine], 'with_fine_linear')], 'with_fine')
    answer = conv(conv(conv(x, 'join2', network.join2), 'last', network.last), 'answer', network.answer, False)
    op('Split', [answer, const('parts', [8, 16], np.int64)], 'move', axis=1)
    nodes[-1].output.append('paint')

    shade = torch.nn.functional.pixel_unshuffle(n.window(n.CROP)[None, None], 4)
    y = op('Mul', [op('Sigmoid', ['paint'], 'painted'), const('shade', shade)], 'shaded')
    y = op('QuantizeLinear', [y, const('step', 1 / 255), const('zero', 0, np.uint8)], 'mask_packed')
    y = op('DepthToSpace', [y], 'mask_planar', blocksize=4, mode='CRD')
    op('Squeeze', [y, const('axis1', [1], np.int64)], 'mask')
    y = op('DepthToSpace', ['move'], 'moved', blocksize=2, mode='CRD')
    y = op('Pad', [y, const('border', [0, 0, 0, 0, 0, 0, 1, 1], np.int64)], 'moved_whole')
    y = op('Mul', [y, const('held', network.nodes * n.FLOW_PX)], 'moved_px')
    y = op('Shrink', [y], 'moved_enough', lambd=SMALLEST_PX, bias=SMALLEST_PX)
    op('Transpose', [y], 'flow', perm=[0, 2, 3, 1])

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, 'mouth-to-picture',
        [value('planes', TensorProto.UINT8, ['N', 6, 64, 64]), value('row', TensorProto.FLOAT, ['N', 8])],
        [value('flow', TensorProto.FLOAT, ['N', 65, 65, 2]), value('mask', TensorProto.UINT8, ['N', 128, 128])],
        [numpy_helper.from_array(v, k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9, producer_name='musecast')
    onnx.checker.check_model(model)
    return model


def halved(model):
    """the same with large weights stored as float16; the runtime widens them once, when it loads"""
    out, casts = onnx.ModelProto(), []
    out.CopyFrom(model)
    for tensor in out.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype == np.float32 and value.size > 500:
            name = tensor.name
            tensor.CopyFrom(numpy_helper.from_array(value.astype(np.float16), name + '_half'))
            casts.append(helper.make_node('Cast', [name + '_half'], [name], to=TensorProto.FLOAT))
    body = list(out.graph.node)
    del out.graph.node[:]
    out.graph.node.extend(casts + body)
    onnx.checker.check_model(out)
    return out


class Calibration(CalibrationDataReader):
    def __init__(self, crops, count):
        rng, generator = np.random.default_rng(7), torch.Generator().manual_seed(7)
        feeds = []
        for first in range(0, count, 10):
            indices = rng.integers(len(crops), size=10)
            batch = t.sample(crops, indices, rng, 1)
            source, target, flow, seen, _, _, rows = batch
            _, _, shown = t.disguise(source, target, flow, seen, rng, generator)
            planes = (n.to_planes(shown) * 255).round().clamp(0, 255).byte().numpy()
            feeds += [{'planes': planes[i:i + 1], 'row': rows[i, j:j + 1].numpy()} for i in range(10) for j in (0, 1)]
        self.feeds = iter(feeds)

    def get_next(self):
        return next(self.feeds, None)


def quantised(model, crops, count):
    with tempfile.TemporaryDirectory() as folder:
        before, after = os.path.join(folder, 'a.onnx'), os.path.join(folder, 'b.onnx')
        onnx.save(model, before)
        # What the flow is made of stays float: a step of 8 bits would be seen as trembling skin.
        convolutions = [x.name for x in model.graph.node if x.op_type == 'Conv' and x.name != 'make_answer']
        rest = [x.name for x in model.graph.node if (x.op_type == 'Relu' and not x.name.startswith('make_code')) or x.name in ('make_up1_wide', 'make_up2_wide')]
        quantize_static(before, after, Calibration(crops, count), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
                        # Not even rare peaks are cut off: they are what moves a wide-open jaw.
                        weight_type=QuantType.QInt8, per_channel=True, calibrate_method=CalibrationMethod.MinMax, nodes_to_quantize=convolutions + rest)
        return onnx.load(after)


def halves(model):
    """-> what looks and what draws, cut where the features are 8-bit numbers"""
    packed = {feature: feature + '_float_QuantizeLinear_Output' for feature in FEATURES}
    out = []
    known = {x.name for x in model.graph.value_info}
    model.graph.value_info.extend(helper.make_tensor_value_info(x, TensorProto.UINT8, None) for x in packed.values() if x not in known)
    for inputs, outputs in ((['planes'], [*packed.values()]), ([*packed.values(), 'row'], ['flow', 'mask'])):
        part = Extractor(model).extract_model(inputs, outputs)
        names = {long: short for short, long in packed.items()}
        for value in [*part.graph.input, *part.graph.output]:
            if value.name in names:
                value.CopyFrom(helper.make_tensor_value_info(names[value.name], TensorProto.UINT8, ['N', *FEATURES[names[value.name]]]))
        for node in part.graph.node:
            for k, name in enumerate(node.input):
                node.input[k] = names.get(name, name)
            for k, name in enumerate(node.output):
                node.output[k] = names.get(name, name)
        del part.graph.value_info[:]
        onnx.checker.check_model(part)
        out.append(part)
    return out


def with_packed_features(model, like):
    """the float graph with its features as the 8-bit numbers of the quantised one"""
    constants = {x.name: x for x in like.graph.initializer}
    floats = [feature + '_float' for feature in FEATURES]
    out = onnx.ModelProto()
    out.CopyFrom(model)
    body = []
    for node in out.graph.node:
        # What comes after takes the unpacked numbers.
        for k, name in enumerate(node.input):
            node.input[k] = name + '_unpacked' if name in floats else name
        body.append(node)
        for name in set(node.output).intersection(floats):
            step, zero, packed = name + '_scale', name + '_zero_point', name + '_QuantizeLinear_Output'
            out.graph.initializer.extend([constants[step], constants[zero]])
            body += [helper.make_node('QuantizeLinear', [name, step, zero], [packed], name=name + '_pack'),
                     helper.make_node('DequantizeLinear', [packed, step, zero], [name + '_unpacked'], name=name + '_unpack')]
    del out.graph.node[:]
    out.graph.node.extend(body)
    onnx.checker.check_model(out)
    return out


def made_up_face():
    """-> planes, row: a face that needs no picture; the same is made in the server (engines/embedded/picture-network.ts)"""
    y, x = np.mgrid[:128, :128] + 0.5
    lips = ((x - 64) / 27) ** 2 + ((y - 53) / 9) ** 2 < 1
    line = (np.abs(x - 64) < 25) & (np.abs(y - 52) < 1)
    luma = np.where(line, 50, np.where(lips, 105, 150 - 0.3 * np.abs(x - 64) - 0.2 * np.maximum(y - 100, 0)))
    planes = np.zeros((1, 6, 64, 64), np.uint8)
    for k in range(4):
        planes[0, k] = np.round(luma[k // 2::2, k % 2::2])
    planes[0, 4] = np.where(lips[::2, ::2], 118, 112)
    planes[0, 5] = np.where(lips[::2, ::2], 160, 148)
    return planes, np.array([[.5, .1, .1, .2, 0, 0, 0, .1]], np.float32)


def session(model):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model.SerializeToString(), options, providers=['CPUExecutionProvider'])


def run(models, planes, row):
    """-> flow, mask, by way of both graphs"""
    look, draw = (session(model) for model in models)
    features = dict(zip(FEATURES, look.run(list(FEATURES), {'planes': planes})))
    return draw.run(['flow', 'mask'], {**features, 'row': row})


def golden(models):
    flow, mask = run(models, *made_up_face())
    return {'flow': [round(float(v), 3) for v in flow[0, ::8, ::8].ravel()], 'mask': [int(v) for v in mask[0, ::8, ::8].ravel()]}


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--model', required=True)
    p.add_argument('--crops', nargs='+', required=True)
    p.add_argument('--out', required=True, help='path without ending')
    p.add_argument('--calibrate', type=int, default=120, help='crops to calibrate with')
    a = p.parse_args()
    network = n.MouthNetwork()
    if a.model != 'random':
        network.load_state_dict(torch.load(a.model))
    network.eval()
    whole = build(network)
    small = quantised(whole, t.Crops(a.crops, False), a.calibrate)
    files = {'': halves(halved(with_packed_features(whole, small))), '.int8': halves(small)}
    # The graphs are what was trained, and the small ones hardly differ.
    rng, crops = np.random.default_rng(8), t.Crops(a.crops, True)
    source, _, _, _, _, _, rows = t.sample(crops, np.linspace(0, len(crops) - 1, 40).astype(int), rng, .5)
    planes = (n.to_planes(source) * 255).round().clamp(0, 255)
    with torch.no_grad():
        flow, alpha = network.draw(*network.look(planes / 255), rows[:, 0])
        flow = torch.nn.functional.softshrink(flow, SMALLEST_PX)
    for ending, models in files.items():
        got_flow, got_mask = run(models, planes.byte().numpy(), rows[:, 0].numpy())
        flow_off = np.abs(got_flow - flow.permute(0, 2, 3, 1).numpy())
        mask_off = np.abs(got_mask - (alpha[:, 0] * 255).numpy()).mean()
        print('%s: flow differs by %.3f px in the mean, %.2f at most; mask by %.2f levels' % (ending or 'float', flow_off.mean(), flow_off.max(), mask_off))
        if not ending and (flow_off.mean() > .05 or mask_off > 1):
            raise SystemExit('the graphs are not what was trained')
        for part, model in zip(('look', 'draw'), models):
            path = '%s.%s%s.onnx' % (a.out, part, ending)
            onnx.save(model, path)
            print('%s: %d bytes' % (path, os.path.getsize(path)))
    with open(a.out + '.golden.json', 'w') as f:
        json.dump(golden(files['']), f)
        f.write('\n')


if __name__ == '__main__':
    main()
