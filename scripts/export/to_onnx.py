"""torch -> ONNX files as the server wants them: small graph, weights beside it, metadata that says what is inside."""
import logging
import os
import warnings

import onnx
import torch

from graphs import BATCHED, CONTAINS, example

OPSET = 18
FORMAT = '1'
MOST_IN_BATCH = 64

# Attributes that mean the same when they are left out.
DEFAULTS = {'auto_pad': b'NOTSET', 'group': 1, 'dilations': [1, 1], 'strides': [1, 1], 'allowzero': 0, 'start': 0}

# Short value names, and different ones in each graph, so that two graphs can be joined as they are.
PREFIX = {'whisper-encoder': 'w', 'unet': 'u', 'vae-decoder': 'd', 'vae-encoder': 'e', 'face-parsing': 'p', 'fast-decoder': 'f'}


def metadata(name, sizes, *, precision, weights, source_sha256):
    """The `metadata_props` of the graph `name`, all strings. The server refuses a graph whose metadata does not say what it needs."""
    values = {
        'graph': name, 'format': FORMAT, 'model': sizes.model, 'contains': CONTAINS[name], 'precision': precision, 'weights': weights,
        'source_sha256': source_sha256, 'width': sizes.width, 'layers': sizes.layers, 'positions': sizes.positions,
        'mel_frames': sizes.mel_frames, 'latent': sizes.latent, 'image': sizes.image, 'parsing_image': sizes.parsing_image,
    }
    return {f'musecast.{key}': str(value) for key, value in values.items()}


def export(graph, name, sizes, folder, properties):
    """Writes `<folder>/<name>.onnx` and its weights `<name>.onnx.data`; returns the path of the first."""
    path = os.path.join(folder, f'{name}.onnx')
    inputs = tuple(torch.zeros(shape) for shape in example(name, sizes).values())
    batch = torch.export.Dim('batch', min=1, max=MOST_IN_BATCH)
    shapes = tuple({0: batch} if name in BATCHED else {} for _ in inputs)
    logging.getLogger('torch.onnx').setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter('ignore')
        program = torch.onnx.export(graph.eval(), inputs, dynamo=True, opset_version=OPSET, dynamic_shapes=shapes, verbose=False,
                                    input_names=list(graph.inputs), output_names=list(graph.outputs))
    program.save(path, external_data=True)
    model = onnx.load(path, load_external_data=False)
    tidy(model, PREFIX[name])
    return save(model, path, properties)


def save(model, path, properties):
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, properties)
    model.producer_name, model.producer_version, model.doc_string = 'musecast', FORMAT, ''
    onnx.save(model, path)
    onnx.checker.check_model(path)
    return path


def tidy(model, prefix):
    """Makes the graph small: without the exporter's notes and attributes that say what is so anyway, same constants once, short names.

    Inputs and outputs keep their names.
    """
    graph = model.graph
    graph.name = 'musecast'
    for part in (*graph.node, *graph.initializer, *graph.input, *graph.output):
        part.doc_string = ''
        del part.metadata_props[:]
    del graph.metadata_props[:], graph.value_info[:], model.functions[:]
    short = {value.name: value.name for value in (*graph.input, *graph.output)}
    short[''] = ''
    constants = {}
    for initializer in list(graph.initializer):
        # Weights beside the graph differ anyway; what lies in the graph are shapes and scalars.
        key = initializer.name if initializer.external_data else (tuple(initializer.dims), initializer.data_type, onnx.numpy_helper.to_array(initializer).tobytes())
        short[initializer.name] = constants.setdefault(key, f'{prefix}{len(short)}')
        if constants[key] != f'{prefix}{len(short) - 1}':
            graph.initializer.remove(initializer)
        else:
            initializer.name = short[initializer.name]
    for node in graph.node:
        node.name = ''
        for attribute in list(node.attribute):
            if DEFAULTS.get(attribute.name) == onnx.helper.get_attribute_value(attribute):
                node.attribute.remove(attribute)
        for values in (node.input, node.output):
            for k, value in enumerate(values):
                values[k] = short.setdefault(value, f'{prefix}{len(short)}')


def join(folder, first, second, name, properties):
    """One graph out of two, the only output of the first being the only input of the second. Uses the weights of both where they lie."""
    one, two = (onnx.load(os.path.join(folder, f'{part}.onnx'), load_external_data=False) for part in (first, second))
    link, entry = one.graph.output[0].name, two.graph.input[0].name
    for node in two.graph.node:
        for k, value in enumerate(node.input):
            if value == entry:
                node.input[k] = link
    one.graph.node.extend(two.graph.node)
    one.graph.initializer.extend(two.graph.initializer)
    del one.graph.output[:]
    one.graph.output.extend(two.graph.output)
    return save(one, os.path.join(folder, f'{name}.onnx'), properties)
