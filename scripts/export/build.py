"""Networks -> a folder of graphs that is checked: the one road that real, random and narrow weights take alike."""
import copy
import json
import os
import platform
import shutil
import time

import numpy
import onnx
import onnxruntime
import torch

import check
import golden
import to_onnx
from graphs import DecoderGraph, EncoderGraph, FastDecoderGraph, ParsingGraph, UNetGraph, WhisperGraph
from nets.fast_decoder import fast_decoder
from nets.parsing import FaceParsing
from nets.parts import halve
from nets.unet import UNet
from nets.vae import Vae
from nets.whisper import WhisperEncoder
from random_weights import randomise

NETWORKS = {'whisper': WhisperEncoder, 'unet': UNet, 'vae': Vae, 'parsing': FaceParsing, 'fast': fast_decoder}

# graph -> network that it is made of, and how
GRAPHS = {
    'whisper-encoder': ('whisper', lambda network, sizes: WhisperGraph(network)),
    'unet': ('unet', UNetGraph),
    'vae-decoder': ('vae', lambda network, sizes: DecoderGraph(network)),
    'vae-encoder': ('vae', lambda network, sizes: EncoderGraph(network)),
    'face-parsing': ('parsing', lambda network, sizes: ParsingGraph(network)),
    'fast-decoder': ('fast', lambda network, sizes: FastDecoderGraph(network)),
}

# These are used once per avatar, or their rounding would move labels: they stay in float32 in either precision.
ALWAYS_FP32 = ('vae-encoder', 'face-parsing')


def random_networks(sizes, seed):
    """One network after the other, name and network: whoever takes them may let go of one before the next is made."""
    for i, (name, make) in enumerate(NETWORKS.items()):
        yield name, randomise(make(sizes), seed + i)


def build(networks, sizes, to, *, precision, weights, hashes, say=lambda text: None):
    """Writes all graphs, golden.json + golden.bin and report.json to the folder `to`, at the very end and all together.

    @param networks Pairs of name (see NETWORKS) and network in float32, eval mode; `unet` not yet folded. Taken over.
    @param weights 'published' or 'random'. @param hashes SHA-256 of the file of each network, by name.
    @param say Is told what happens, a line at a time.
    @returns The report. @raises check.GraphDiffers Then `to` is as it was before.
    """
    os.makedirs(to, exist_ok=True)
    folder = os.path.join(to, '.unfinished')
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    try:
        report = write_all(networks, sizes, folder, precision, weights, hashes, say)
        for name in os.listdir(folder):
            os.replace(os.path.join(folder, name), os.path.join(to, name))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def write_all(networks, sizes, folder, precision, weights, hashes, say):
    began = time.perf_counter()
    gold = golden.Golden(precision, weights)
    report = {'model': sizes.model, 'precision': precision, 'weights': weights, 'versions': {
        'python': platform.python_version(), 'torch': torch.__version__, 'onnx': onnx.__version__,
        'onnxruntime': onnxruntime.__version__, 'numpy': numpy.__version__}, 'graphs': {}, 'parameters': {}}
    expected_pred = joined = None

    def properties(name, source):
        own = 'fp32' if name in ALWAYS_FP32 else precision
        return to_onnx.metadata(name, sizes, precision=own, weights=weights, source_sha256=hashes.get(source, 'none'))

    def compare(name, arrays, told, expected):
        own = 'fp32' if name in ALWAYS_FP32 else precision
        gold.add(name, told, expected)
        report['graphs'][name] = {'precision': own, **check.check(folder, name, own, arrays, expected)}
        say(f'{name}: {report["graphs"][name]}')

    for source, network in networks:
        report['parameters'][source] = sum(p.numel() for p in network.parameters())
        if source == 'unet':
            network.fold()
        for name, (of, wrap) in GRAPHS.items():
            if of != source:
                continue
            graph = wrap(network.eval(), sizes)
            arrays, told = golden.inputs(name, sizes)
            expected = golden.outputs(graph, arrays)
            if name == 'unet':
                expected_pred = expected['pred']
            if name == 'vae-decoder':
                # The joined graph's picture is this decoder on that UNet's latents.
                joined = golden.outputs(graph, {'latents': expected_pred})
            if precision == 'fp16' and name not in ALWAYS_FP32:
                # The VAE is needed in float32 by its other half; the UNet is too big to keep twice.
                graph = wrap(halve(network if source == 'unet' else copy.deepcopy(network)), sizes)
            begin = time.perf_counter()
            to_onnx.export(graph, name, sizes, folder, properties(name, source))
            export_s = time.perf_counter() - begin
            compare(name, arrays, told, expected)
            report['graphs'][name]['export_s'] = round(export_s, 1)
            del graph
        del network

    to_onnx.join(folder, 'unet', 'vae-decoder', 'unet-decoder', properties('unet-decoder', 'unet'))
    arrays, told = golden.inputs('unet-decoder', sizes)
    compare('unet-decoder', arrays, told, joined)
    for name, line in report['graphs'].items():
        line['size_bytes'] = sum(os.path.getsize(path) for path in (os.path.join(folder, f'{name}.onnx{end}') for end in ('', '.data'))
                                 if os.path.exists(path))
    gold.write(folder)
    report['seconds'] = round(time.perf_counter() - began, 1)
    with open(os.path.join(folder, 'report.json'), 'w') as file:
        json.dump(report, file, indent=1)
        file.write('\n')
    return report
