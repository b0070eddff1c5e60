"""A trained voice network -> models/voice-to-mouth.onnx, its 8-bit twin, and the golden vectors that the server checks at start.

  python3 export_voice.py --model out/voice.pt --out ../../../models/voice-to-mouth
  python3 export_voice.py --out ../../../models/voice-to-mouth          the twin alone, from the .onnx that is there
Graph, one step of 40 ms: mel float32 [4, 80] (log-mel rows), state float32 [1, 594] -> mouth float32 [1, 8], next float32 [1, 594].
State: peak and rows of the running normalisation, its mean shape (80), both layers of the GRU (256 each); all zero at the start.
Golden vectors (JSON): eight numbers for each of 12 steps from the zero state, of rows -4 + 2 sin(0.7 (4 step + row) + 0.31 bin).
"""
import argparse
import json

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import train_voice as t

STEPS = 12


def golden_rows():
    step, row, bin_ = np.meshgrid(np.arange(STEPS), np.arange(4), np.arange(80), indexing='ij')
    return (-4 + 2 * np.sin(0.7 * (4 * step + row) + 0.31 * bin_)).astype(np.float32)


def build(network):
    nodes, constants = [], {}

    def const(name, value, dtype=np.float32):
        constants[name] = np.asarray(value, dtype)
        return name

    def op(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output] if isinstance(output, str) else output, **attributes))
        return output if isinstance(output, str) else output[0]

    op('Split', ['state', const('parts', [1, 1, 80, t.HIDDEN, t.HIDDEN], np.int64)], ['peak0', 'rows0', 'shape0', 'h1', 'h2'], axis=1)
    # The running normalisation of train_voice.normalise; the state counts from the first peak and the prior shape.
    const('bins0', [t.LEVEL_BINS[0]], np.int64), const('bins1', [t.LEVEL_BINS[1]], np.int64), const('axis1', [1], np.int64), const('axis0', [0], np.int64)
    op('Slice', ['mel', 'bins0', 'bins1', 'axis1'], 'level_bins')
    op('ReduceMean', ['level_bins', 'axis1'], 'level', keepdims=1)                                    # [4, 1]
    op('ReduceMax', ['level', 'axis0'], 'loudest', keepdims=1)                                        # [1, 1]
    op('Add', ['peak0', const('first_peak', t.FIRST_PEAK)], 'peak_before')
    op('Sub', ['loudest', 'peak_before'], 'above')
    op('Add', ['peak_before', op('Mul', ['above', const('attack', t.ATTACK)], 'rise')], 'peak_up')
    op('Sub', ['peak_before', const('decay', t.DECAY)], 'peak_down')
    op('Where', [op('Greater', ['above', const('zero', 0)], 'is_above'), 'peak_up', 'peak_down'], 'peak_free')
    op('Max', ['peak_free', const('lowest_peak', t.LOWEST_PEAK)], 'peak')
    op('Sub', ['level', 'peak'], 'under_peak')
    op('Sigmoid', [op('Mul', [op('Add', ['under_peak', const('within', t.ACTIVE_WITHIN)], 'over'), const('four', 4)], 'steep')], 'active')
    op('ReduceSum', ['active', 'axis0'], 'count', keepdims=1)
    op('ReduceSum', [op('Mul', ['active', 'mel'], 'active_mel'), 'axis0'], 'active_sum', keepdims=1)
    op('Sub', [op('Div', ['active_sum', op('Add', ['count', const('tiny', 1e-6)], 'count_safe')], 'active_mean'), 'peak'], 'mean')
    op('Min', [op('Add', ['rows0', 'count'], 'rows_free'), const('most_rows', t.MOST_ROWS)], 'rows')
    op('Add', ['shape0', const('prior', network.prior.numpy()[None])], 'shape_before')
    op('Div', ['count', op('Add', ['rows', const('prior_rows', t.PRIOR_ROWS)], 'rows_all')], 'share')
    op('Add', ['shape_before', op('Mul', ['share', op('Sub', ['mean', 'shape_before'], 'change')], 'shared_change')], 'shape')
    op('Sub', [op('Sub', ['mel', 'peak'], 'mel_peak'), 'shape'], 'flat')
    op('Clip', [op('Mul', ['flat', const('half', 0.5)], 'halved'), const('low', -2), const('high', 1.5)], 'clipped')
    op('Reshape', ['clipped', const('row_shape', [1, 320], np.int64)], 'x')
    op('Relu', [op('Gemm', ['x', const('front_w', network.front.weight.numpy()), const('front_b', network.front.bias.numpy())], 'front', transB=1)], 'heard')
    before = op('Reshape', ['heard', const('seq_in', [1, 1, -1], np.int64)], 'seq')
    for k, gru in ((1, network.gru1), (2, network.gru2)):
        def zrh(w):                                                     # torch orders the gates r z n, ONNX z r h
            r, z, n = np.split(w.numpy(), 3)
            return np.concatenate([z, r, n])
        const('w%d' % k, zrh(gru.weight_ih_l0)[None]), const('r%d' % k, zrh(gru.weight_hh_l0)[None])
        const('b%d' % k, np.concatenate([zrh(gru.bias_ih_l0), zrh(gru.bias_hh_l0)])[None])
        op('Reshape', ['h%d' % k, 'seq_in'], 'state%d' % k)
        op('GRU', [before, 'w%d' % k, 'r%d' % k, 'b%d' % k, '', 'state%d' % k], ['', 'y%d' % k], hidden_size=t.HIDDEN, linear_before_reset=1)
        before = 'y%d' % k
        op('Reshape', [before, const('flat_h', [1, t.HIDDEN], np.int64)], 'next%d' % k)
    op('Sigmoid', [op('Gemm', ['next2', const('mouth_w', network.mouth.weight.numpy()), const('mouth_b', network.mouth.bias.numpy())], 'logits', transB=1)], 'mouth')
    op('Concat', [op('Sub', ['peak', 'first_peak'], 'peak1'), 'rows', op('Sub', ['shape', 'prior'], 'shape1'), 'next1', 'next2'], 'next', axis=1)
    size = 82 + 2 * t.HIDDEN
    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    # Large tables are stored as float16: half the file; the runtime widens them once, when it loads.
    large = [k for k, v in constants.items() if v.size > 1000 and v.dtype == np.float32]
    casts = [helper.make_node('Cast', [k + '_half'], [k], to=TensorProto.FLOAT) for k in large]
    initializers = [numpy_helper.from_array(v.astype(np.float16), k + '_half') if k in large else numpy_helper.from_array(v, k)
                    for k, v in constants.items()]
    graph = helper.make_graph(casts + nodes, 'voice-to-mouth', [value('mel', [4, 80]), value('state', [1, size])], [value('mouth', [1, 8]), value('next', [1, size])],
                              initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9, producer_name='musecast')
    onnx.checker.check_model(model)
    return model


def quantised(model):
    """The same with 8-bit weights, per row, and sums of 8-bit numbers: a step reads a quarter of the memory. Everything between the layers stays float."""
    tables = {i.name.removesuffix('_half'): numpy_helper.to_array(i).astype(np.float32) for i in model.graph.initializer if i.name.endswith('_half')}
    tables.update({i.name: numpy_helper.to_array(i) for i in model.graph.initializer if not i.name.endswith('_half')})
    nodes, constants = [], {}

    def const(name, value):
        constants[name] = np.ascontiguousarray(value)
        return name

    def op(kind, inputs, outputs, **attributes):
        nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return outputs[0]

    def dense(x, name, weight, bias, out):
        step = np.maximum(np.abs(weight).max(1), 1e-9) / 127
        const(name + '_8', np.round(weight / step[:, None]).astype(np.int8).T), const(name + '_step', step.astype(np.float32))
        return op('DynamicQuantizeMatMul', [x, name + '_8', name + '_step', '', const(name + '_bias', bias.astype(np.float32))], [out], domain='com.microsoft')

    def gru(k, x, before, after):
        """as ONNX defines it, gates z r n, with linear_before_reset"""
        both, parts_ = const('gates', np.array([2 * t.HIDDEN, t.HIDDEN])), const('halves', np.array([t.HIDDEN, t.HIDDEN]))
        into, again = np.split(tables['b' + k][0], 2)
        x = op('Reshape', [x, const('flat_in', np.array([1, -1]))], ['x' + k])
        op('Split', [dense(x, 'w' + k, tables['w' + k][0], into, 'from_x' + k), both], ['zr_x' + k, 'n_x' + k], axis=1)
        op('Split', [dense(before, 'r' + k, tables['r' + k][0], again, 'from_h' + k), both], ['zr_h' + k, 'n_h' + k], axis=1)
        op('Split', [op('Sigmoid', [op('Add', ['zr_x' + k, 'zr_h' + k], ['zr_sum' + k])], ['zr' + k]), parts_], ['z' + k, 'reset' + k], axis=1)
        fresh = op('Tanh', [op('Add', ['n_x' + k, op('Mul', ['reset' + k, 'n_h' + k], ['n_reset' + k])], ['n_sum' + k])], ['n' + k])
        kept = op('Mul', ['z' + k, op('Sub', [before, fresh], ['older' + k])], ['kept' + k])
        op('Add', [fresh, kept], [after])

    for node in model.graph.node:
        if node.op_type == 'GRU':
            k = node.output[1].removeprefix('y')
            gru(k, node.input[0], 'h' + k, node.output[1])
        elif node.op_type == 'Gemm' and node.input[1] == 'front_w':
            dense(node.input[0], 'front', tables['front_w'], tables['front_b'], node.output[0])
        else:
            nodes.append(node)
    # What only the old layers read goes.
    while True:
        read_ = {i for node in nodes for i in node.input} | {o.name for o in model.graph.output}
        dead = [node for node in nodes if not read_.intersection(node.output)]
        if not dead:
            break
        nodes = [node for node in nodes if node not in dead]
    kept = [i for i in model.graph.initializer if i.name in read_] + [numpy_helper.from_array(v, k) for k, v in constants.items()]
    graph = helper.make_graph(nodes, 'voice-to-mouth', model.graph.input, model.graph.output, kept)
    opsets = [helper.make_opsetid('', 18), helper.make_opsetid('com.microsoft', 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name='musecast')


def read(path):
    """an exported .onnx -> the network that it was, but for the viseme head, which is new"""
    tables = {i.name.removesuffix('_half'): torch.tensor(numpy_helper.to_array(i).astype(np.float32)) for i in onnx.load(path).graph.initializer}
    network = t.VoiceNetwork().eval()

    def rzn(w):
        z, r, n = np.split(w, 3)
        return np.concatenate([r, z, n])

    with torch.no_grad():
        network.prior.copy_(tables['prior'][0])
        for layer, name in ((network.front, 'front'), (network.mouth, 'mouth')):
            layer.weight.copy_(tables[name + '_w']), layer.bias.copy_(tables[name + '_b'])
        for k, gru in ((1, network.gru1), (2, network.gru2)):
            into, again = np.split(tables['b%d' % k][0].numpy(), 2)
            for mine, theirs in ((gru.weight_ih_l0, tables['w%d' % k][0].numpy()), (gru.weight_hh_l0, tables['r%d' % k][0].numpy()),
                                 (gru.bias_ih_l0, into), (gru.bias_hh_l0, again)):
                mine.copy_(torch.tensor(rzn(theirs)))
    return network


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--model')
    p.add_argument('--out', required=True, help='path without ending')
    a = p.parse_args()
    if not a.model:
        onnx.save(quantised(onnx.load(a.out + '.onnx')), a.out + '.int8.onnx')
        return
    network = t.VoiceNetwork().eval()
    network.load_state_dict(torch.load(a.model))
    for w in network.parameters():
        w.requires_grad_(False)
    model = build(network)
    rows = golden_rows()
    expected = torch.sigmoid(network(torch.tensor(t.normalise(rows[None], network.prior.numpy()).astype(np.float32)))[0])[0].numpy()
    run, state, got = ReferenceEvaluator(model), np.zeros((1, 82 + 2 * t.HIDDEN), np.float32), []
    for step in rows:
        mouth, state = run.run(None, {'mel': step, 'state': state})
        got.append(mouth[0])
    difference = np.abs(np.array(got) - expected).max()
    print('largest difference between the graph and the trained network: %.5f' % difference)      # the latter stores float16 features
    if difference > 0.01:
        raise SystemExit('the graph is not what was trained')
    onnx.save(model, a.out + '.onnx'), onnx.save(quantised(model), a.out + '.int8.onnx')
    with open(a.out + '.golden.json', 'w') as f:
        rows = ',\n'.join('    [%s]' % ', '.join('%.5g' % v for v in row) for row in got)
        f.write('{\n  "mouth": [\n%s\n  ]\n}' % rows)
        f.write('\n')


if __name__ == '__main__':
    main()
