"""The published files -> weights under the names of our networks. Nothing in them is run: they are read as weights alone."""
import hashlib
import os
import pickle

import torch

from nets.parsing import TRAINING_ONLY


class OriginalsWrong(Exception):
    """Files are missing or hold something else; the message names each of them."""


UNET_SHA256 = '7ebf6c98c181e20838e4c0054e96e944ac60d5d692cc01db42839fe11b787007'

# network -> file below the folder of the originals
FILES = {
    'whisper': 'whisper/pytorch_model.bin',
    'unet': 'musetalkV15/unet.pth',
    'vae': 'sd-vae/diffusion_pytorch_model.bin',
    'parsing': 'face-parse-bisent/79999_iter.pth',
    'fast': 'taesd/taesd_decoder.pth',
}

# How the VAE's file, older than the library that reads it today, calls its attention's weights.
OLD_ATTENTION = {'query': 'to_q', 'key': 'to_k', 'value': 'to_v', 'proj_attn': 'to_out.0'}


def missing(folder, wanted):
    """What to tell about files that are not there; empty when all are."""
    return [f'{os.path.join(folder, FILES[name])} is missing' for name in wanted if not os.path.isfile(os.path.join(folder, FILES[name]))]


def sha256(path):
    with open(path, 'rb') as file:
        return hashlib.file_digest(file, 'sha256').hexdigest()


def read(folder, name):
    """The weights of the network `name` by our names, float32. @raises OriginalsWrong"""
    path = os.path.join(folder, FILES[name])
    try:
        weights = torch.load(path, map_location='cpu', weights_only=True, mmap=_is_zip(path))
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, UnicodeDecodeError, KeyError) as error:
        raise OriginalsWrong(f'{path}: expected weights as torch saves them, got something else ({_first_line(error)}). Fetch it again.') from error
    if isinstance(weights, dict) and 'state_dict' in weights:
        weights = weights['state_dict']
    if not isinstance(weights, dict) or not all(isinstance(value, torch.Tensor) for value in weights.values()):
        raise OriginalsWrong(f'{path}: expected a table of weights by name, got {type(weights).__name__}. Fetch it again.')
    return RENAME[name](weights)


def _is_zip(path):
    with open(path, 'rb') as file:
        return file.read(2) == b'PK'


def _first_line(error):
    return str(error).strip().split('\n')[0][:120]


def _vae(weights):
    renamed = {}
    for key, value in weights.items():
        head, _, part = key.rpartition('.')
        owner, _, last = head.rpartition('.')
        if '.attentions.' in key and last in OLD_ATTENTION:
            key = f'{owner}.{OLD_ATTENTION[last]}.{part}'
            if value.ndim == 4:
                value = value[:, :, 0, 0]
        renamed[key] = value
    return renamed


def _whisper(weights):
    for prefix in ('model.encoder.', 'encoder.'):
        own = {key[len(prefix):]: value for key, value in weights.items() if key.startswith(prefix)}
        if own:
            return own
    return weights


def _parsing(weights):
    return {key: value for key, value in weights.items() if not key.startswith(TRAINING_ONLY)}


RENAME = {'whisper': _whisper, 'unet': dict, 'vae': _vae, 'parsing': _parsing, 'fast': dict}


def fill(network, weights, path):
    """Loads `weights`, each of which must be there, have its shape and be finite. @raises OriginalsWrong"""
    expected = network.state_dict()
    problems = [f'{key} is missing' for key in expected if key not in weights and not key.endswith('num_batches_tracked')]
    problems += [f'{key} is not a weight of this network' for key in weights if key not in expected]
    for key in expected.keys() & weights.keys():
        if expected[key].shape != weights[key].shape:
            problems.append(f'{key} must be {list(expected[key].shape)}, got {list(weights[key].shape)}')
        elif not torch.isfinite(weights[key]).all():
            problems.append(f'{key} has values that are not numbers')
    if problems:
        more = f'\n  and {len(problems) - 8} more' if len(problems) > 8 else ''
        raise OriginalsWrong(f'{path} does not hold the weights that were expected, {len(problems)} problem(s):\n  '
                             + '\n  '.join(sorted(problems)[:8]) + more + '\nIs it the file of another version? See the README for where each comes from.')
    network.load_state_dict({key: weights[key].float() if weights[key].is_floating_point() else weights[key] for key in weights}, strict=False, assign=True)
    return network.eval()
