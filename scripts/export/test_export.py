"""python3 -m unittest test_export   (two minutes)"""
import contextlib
import io
import json
import os
import pickle
import tempfile
import unittest

import numpy as np
import onnx
import torch

import arrays
import check
import golden
import graphs
import originals
import reference
import reference_scene as scene
import torch_speed
from build import NETWORKS, build, random_networks
from convert import convert
from nets.unet import UNet
from nets.vae import Vae
from nets.whisper import WhisperEncoder
from random_weights import randomise
from sizes import FULL, FULL_PARAMETERS, NARROW


TESTING = os.path.join(os.path.dirname(__file__), '..', '..', 'server', 'testing')


def shapes(network):
    return {key: tuple(value.shape) for key, value in network.state_dict().items()}


def write_published(folder, networks):
    """Writes weights under the names, and in the folders, that they are published with."""
    old = {new: old for old, new in originals.OLD_ATTENTION.items()}
    for name, network in networks:
        weights = network.state_dict()
        if name == 'vae':
            for part, was in old.items():
                weights = {key.replace(f'.attentions.0.{part}.', f'.attentions.0.{was}.'): value for key, value in weights.items()}
        elif name == 'whisper':
            weights = {f'model.encoder.{key}': value for key, value in weights.items()} | {'model.decoder.layer_norm.weight': torch.ones(4)}
        elif name == 'parsing':
            weights = dict(weights) | {'conv_out16.conv_out.weight': torch.ones(4), 'conv_out32.conv_out.weight': torch.ones(4)}
        path = os.path.join(folder, originals.FILES[name])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        torch.save(weights, path)


class NetworksAreThePublishedOnes(unittest.TestCase):
    def test_names_shapes_and_counts_are_those_of_diffusers_and_transformers(self):
        with torch.device('meta'):
            self.assertEqual(shapes(UNet(FULL)), shapes(reference.unet(FULL)))
            self.assertEqual(shapes(Vae(FULL)), shapes(reference.vae(FULL)))
            self.assertEqual(shapes(WhisperEncoder(FULL)), shapes(reference.whisper(FULL)))
            for name, count in FULL_PARAMETERS.items():
                self.assertEqual(sum(p.numel() for p in NETWORKS[name](FULL).parameters()), count, name)

    def test_the_unet_with_the_time_folded_in_draws_what_diffusers_draws_at_time_0(self):
        own, theirs = randomise(UNet(NARROW), 1), reference.unet(NARROW).eval()
        theirs.load_state_dict(own.state_dict())
        arrays, _ = golden.inputs('unet', NARROW)
        latents, audio = (torch.from_numpy(arrays[key]) for key in ('latents', 'audio'))
        with torch.no_grad():
            expected = theirs(latents, torch.tensor([0]), encoder_hidden_states=audio + graphs.positions(50, NARROW.width)).sample
            found = graphs.UNetGraph(own.fold(), NARROW)(latents, audio)
        self.assertLess(float((expected - found).abs().max()), 1e-5)

    def test_the_vae_reads_and_draws_what_diffusers_does(self):
        own, theirs = randomise(Vae(NARROW), 2), reference.vae(NARROW).eval()
        theirs.load_state_dict(own.state_dict())
        image = torch.from_numpy(golden.inputs('vae-encoder', NARROW)[0]['image'])
        with torch.no_grad():
            latents = theirs.encode(image).latent_dist.mode()
            self.assertLess(float((latents - own.encode(image)).abs().max()), 1e-5)
            self.assertLess(float((theirs.decode(latents).sample - own.decode(latents)).abs().max()), 1e-5)

    def test_whisper_gives_the_five_hidden_states_of_transformers(self):
        own, theirs = randomise(WhisperEncoder(NARROW), 3), reference.whisper(NARROW).eval()
        theirs.load_state_dict(own.state_dict())
        mel = torch.from_numpy(golden.inputs('whisper-encoder', NARROW)[0]['input_features'])
        with torch.no_grad():
            states = theirs(mel, output_hidden_states=True).hidden_states
            self.assertEqual(len(states), 5)
            self.assertLess(float((torch.stack(states, 2) - own(mel)).abs().max()), 1e-4)


class GraphsAreTheNetworks(unittest.TestCase):
    def test_positions_are_those_of_the_definition(self):
        table = graphs.positions(50, 384)
        np.testing.assert_allclose(table[1, :4], [0.841471, 0.540302, 0.815251, 0.579108], atol=1e-6)
        np.testing.assert_allclose(table[49, 382:], [0.005140, 0.999987], atol=1e-6)
        self.assertAlmostEqual(float(table.double().sum()), 7580.5613, places=3)

    def test_golden_inputs_follow_the_formula(self):
        np.testing.assert_allclose(golden.noise((3,), 1, -1, 1), [-0.527089, -0.261459, 0.008484], atol=1e-6)
        state = 1
        for _ in range(10_000):
            state = (1664525 * state + 1013904223) % 2**32
        self.assertEqual(golden.noise((10_000,), 1, 0, 1)[-1], np.float32(state / 2**32))

    def test_a_picture_with_one_bad_value_says_so_in_its_level(self):
        rgb = torch.full((2, 3, 4, 4), 99.5)
        rgb[1, 0, 2, 2] = torch.nan
        image, level = graphs.as_picture(rgb)
        self.assertEqual(image[0, 0, 0].tolist(), [100, 100, 100])
        self.assertEqual(level[0], 99.5)
        self.assertTrue(level[1].isnan())

    def test_half_precision_stays_within_its_limits_and_says_what_it_is(self):
        with tempfile.TemporaryDirectory() as folder:
            report = build(random_networks(NARROW, 5), NARROW, folder, precision='fp16', weights='random', hashes={})
            self.assertLess(report['graphs']['unet-decoder']['outputs']['image']['levels'], 1)
            self.assertGreater(report['graphs']['unet']['outputs']['pred']['relative'], 0)
            model = onnx.load(os.path.join(folder, 'unet.onnx'), load_external_data=False)
            told = {item.key: item.value for item in model.metadata_props}
            self.assertEqual((told['musecast.precision'], told['musecast.weights']), ('fp16', 'random'))
            kinds = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) == 4}
            self.assertEqual(kinds, {onnx.TensorProto.FLOAT16})

    def test_a_graph_that_differs_from_torch_is_refused(self):
        inputs, _ = golden.inputs('vae-encoder', NARROW)
        wrong = {'latents': np.ones((2, 4, 8, 8), np.float32)}
        with self.assertRaisesRegex(check.GraphDiffers, 'latents differs from torch by .* expected at most 0.001'):
            check.check(os.path.join(TESTING, 'musetalk-narrow'), 'vae-encoder', 'fp32', inputs, wrong)

    def test_a_conversion_that_fails_leaves_what_was_there_before(self):
        with tempfile.TemporaryDirectory() as folder, open(os.path.join(folder, 'golden.json'), 'w') as before:
            broken = WhisperEncoder(NARROW).eval()
            broken.layer_norm.weight.data[0] = torch.nan
            with self.assertRaises(check.GraphDiffers):
                build([('whisper', broken)], NARROW, folder, precision='fp32', weights='random', hashes={})
            self.assertEqual(os.listdir(folder), ['golden.json'])
            self.assertEqual(os.path.getsize(before.name), 0)

    def test_values_that_are_not_numbers_show_in_the_level_of_their_picture_alone(self):
        latents = golden.inputs('vae-decoder', NARROW)[0]['latents']
        latents[1, 0, 3, 3] = np.nan
        for name in ('vae-decoder', 'fast-decoder'):
            level = check.run(os.path.join(TESTING, 'musetalk-narrow', f'{name}.onnx'), {'latents': latents}, ('image', 'level'))[0]['level']
            self.assertEqual(np.isnan(level).tolist(), [False, True], name)


class TheReferenceIsTheDefinition(unittest.TestCase):
    def test_its_log_mel_has_the_numbers_of_the_definition(self):
        tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)).astype(np.float32)
        mel = reference.log_mel(tone, FULL)[0]
        self.assertEqual(mel.shape, (80, 3000))
        for (row, column), value in {(0, 0): 0.983279, (10, 50): 1.348738, (11, 50): 1.438204, (20, 50): -0.561796, (10, 101): 0.356680}.items():
            self.assertAlmostEqual(float(mel[row, column]), value, places=4)
        np.testing.assert_allclose(reference.log_mel(np.zeros(1600, np.float32), FULL), -1.5)

    def test_its_windows_begin_80_ms_before_their_frame_and_are_zero_outside_of_the_sound(self):
        starts = reference.window_starts(16_000)
        self.assertEqual([starts[i] for i in (0, 1, 2, 10)], [-4, -2, 0, 16])
        hidden = np.arange(1, 51, dtype=np.float32).reshape(50, 1, 1) * np.ones((1, 5, 2), np.float32)
        heard = reference.windows(hidden, 16_000, starts, 10)
        self.assertEqual(heard[0, ::5, 0].tolist(), [0, 0, 0, 0, 1, 2, 3, 4, 5, 6])
        self.assertEqual(heard[24, ::5, 0].tolist(), [45, 46, 47, 48, 49, 50, 0, 0, 0, 0])

    def test_a_cycle_shows_both_ends_twice(self):
        self.assertEqual([reference.mirror(4, i) for i in range(10)], [0, 1, 2, 3, 3, 2, 1, 0, 0, 1])

    def test_the_box_has_the_nose_at_half_of_its_height_and_a_margin(self):
        points = scene.points(0)
        x1, y1, x2, y2 = reference.face.face_box(points, scene.HEIGHT, scene.WIDTH)
        self.assertEqual((y1 + y2 - 10) / 2, points[29, 1])
        self.assertEqual((x1, x2), (points[:, 0].min(), points[:, 0].max()))
        self.assertEqual(int(reference.face.jaw_kernel().sum()), 373)

    def test_the_committed_graphs_make_of_the_committed_steps_what_the_reference_made(self):
        told, kept = arrays.read(os.path.join(TESTING, 'musetalk-parity'), 'parity')
        whole = {name: kept[name].reshape(at['shape']) for name, at in told['arrays'].items() if at['stride'] == 1}
        run = lambda name, **inputs: check.run(os.path.join(TESTING, 'musetalk-narrow', f'{name}.onnx'), inputs, {
            'unet': ('pred',), 'vae-encoder': ('latents',), 'unet-decoder': ('image',), 'whisper-encoder': ('hidden',)}[name])[0]
        rgb = (whole['crops'][..., ::-1].astype(np.float32) / 127.5 - 1).transpose(0, 3, 1, 2)
        upper = rgb.copy()
        upper[:, :, rgb.shape[2] // 2:] = -1
        latents = np.concatenate([run('vae-encoder', image=np.ascontiguousarray(image))['latents'] for image in (upper, rgb)], 1)
        self.assertLess(np.abs(latents - whole['latents']).max() / np.abs(latents).max(), 1e-4)
        told_unet = {'latents': latents[whole['shown_of']], 'audio': whole['windows']}
        self.assertLess(np.abs(run('unet', **told_unet)['pred'] - whole['predicted']).max() / np.abs(whole['predicted']).max(), 1e-4)
        self.assertLess(np.abs(run('unet-decoder', **told_unet)['image'].astype(int) - whole['faces']).mean(), 0.01)
        mel = reference.log_mel(whole['sound'] / np.float32(32768), NARROW)
        hidden = np.concatenate([run('whisper-encoder', input_features=part[None])['hidden'] for part in mel])
        self.assertLess(np.abs(hidden.reshape(-1)[::told['arrays']['hidden']['stride']] - kept['hidden']).max() / np.abs(hidden).max(), 1e-4)


class TheSpeedOfTorch(unittest.TestCase):
    def test_every_batch_is_measured_and_says_how_many_frames_a_second_that_is(self):
        with contextlib.redirect_stdout(io.StringIO()):
            measured = torch_speed.measure(random_networks(NARROW, 1), NARROW, 'cpu', measured_s=0.01)
        self.assertEqual([row['batch'] for row in measured['rows']], [1, 2, 4, 8, 16])
        for row in measured['rows']:
            self.assertAlmostEqual(row['frames_per_second'] * row['ms'] / 1000, row['batch'])
        self.assertGreater(measured['matrix_flops'], 1e8)


class PublishedFilesLoad(unittest.TestCase):
    def test_files_in_the_published_layout_make_the_graphs_that_their_weights_make(self):
        with tempfile.TemporaryDirectory() as source, tempfile.TemporaryDirectory() as found, tempfile.TemporaryDirectory() as expected:
            write_published(source, random_networks(NARROW, 7))
            report = convert(source, found, NARROW, precision='fp32', fast=True)
            self.assertEqual(report['weights'], 'published')
            build(random_networks(NARROW, 7), NARROW, expected, precision='fp32', weights='random', hashes={})
            with open(os.path.join(expected, 'golden.bin'), 'rb') as one, open(os.path.join(found, 'golden.bin'), 'rb') as two:
                self.assertEqual(one.read(), two.read())
            model = onnx.load(os.path.join(found, 'unet.onnx'), load_external_data=False)
            told = {item.key: item.value for item in model.metadata_props}
            self.assertEqual(told['musecast.source_sha256'], originals.sha256(os.path.join(source, originals.FILES['unet'])))
            with open(os.path.join(found, 'golden.json')) as file:
                self.assertEqual(set(json.load(file)['graphs']), set(graphs.CONTAINS))

    def test_all_missing_files_are_named_at_once(self):
        with tempfile.TemporaryDirectory() as source:
            with self.assertRaises(originals.OriginalsWrong) as caught:
                convert(source, source, NARROW, precision='fp32')
            for name in ('whisper', 'unet', 'vae', 'parsing'):
                self.assertIn(originals.FILES[name], str(caught.exception))

    def test_a_file_of_another_network_is_told_by_what_does_not_fit(self):
        with tempfile.TemporaryDirectory() as source:
            write_published(source, [(name, network) for name, network in random_networks(NARROW, 7) if name == 'unet'])
            weights = originals.read(source, 'unet')
            weights['conv_in.weight'] = weights['conv_in.weight'][:, :4]
            weights['extra'] = torch.zeros(1)
            del weights['conv_out.bias']
            with self.assertRaisesRegex(originals.OriginalsWrong, r'3 problem\(s\):\n  conv_in.weight must be \[8, 8, 3, 3\], got \[8, 4, 3, 3\]\n'
                                        '  conv_out.bias is missing\n  extra is not a weight'):
                originals.fill(UNet(NARROW), weights, 'unet.pth')

    def test_a_web_page_saved_under_a_weight_s_name_is_told_as_such(self):
        with tempfile.TemporaryDirectory() as source:
            path = os.path.join(source, originals.FILES['parsing'])
            os.makedirs(os.path.dirname(path))
            with open(path, 'w') as file:
                file.write('<!DOCTYPE html><title>Google Drive - Virus scan warning</title>')
            with self.assertRaisesRegex(originals.OriginalsWrong, '79999_iter.pth: expected weights as torch saves them'):
                originals.read(source, 'parsing')

    def test_a_file_that_would_run_code_is_not_run(self):
        with tempfile.TemporaryDirectory() as source:
            path, ran = os.path.join(source, originals.FILES['parsing']), os.path.join(source, 'ran')
            os.makedirs(os.path.dirname(path))

            class Trap:
                def __reduce__(self):
                    return os.mkdir, (ran,)

            for save in (lambda: torch.save({'a': Trap()}, path), lambda: pickle.dump({'a': Trap()}, open(path, 'wb'))):
                save()
                with self.assertRaises(originals.OriginalsWrong):
                    originals.read(source, 'parsing')
                self.assertFalse(os.path.exists(ran))


if __name__ == '__main__':
    unittest.main()
