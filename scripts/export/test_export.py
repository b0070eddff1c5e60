"""python3 -m unittest test_export   (about two minutes; needs what requirements-test.txt lists)"""
import json
import os
import pickle
import tempfile
import unittest

import numpy as np
import onnx
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import WhisperConfig, WhisperModel

import check
import golden
import graphs
import originals
from build import NETWORKS, build, random_networks
from convert import convert
from nets.unet import UNet
from nets.vae import Vae
from nets.whisper import WhisperEncoder
from random_weights import randomise
from sizes import FULL, FULL_PARAMETERS, NARROW


def diffusers_unet(sizes):
    return UNet2DConditionModel(
        sample_size=64, in_channels=8, out_channels=4, cross_attention_dim=sizes.width, attention_head_dim=sizes.unet_heads,
        block_out_channels=sizes.unet_channels, norm_num_groups=sizes.unet_groups, layers_per_block=2,
        down_block_types=('CrossAttnDownBlock2D',) * 3 + ('DownBlock2D',), up_block_types=('UpBlock2D',) + ('CrossAttnUpBlock2D',) * 3)


def diffusers_vae(sizes):
    return AutoencoderKL(block_out_channels=sizes.vae_channels, norm_num_groups=sizes.vae_groups, layers_per_block=2, latent_channels=4,
                         down_block_types=('DownEncoderBlock2D',) * 4, up_block_types=('UpDecoderBlock2D',) * 4)


def transformers_whisper(sizes):
    return WhisperModel(WhisperConfig(
        d_model=sizes.width, encoder_layers=sizes.whisper_blocks, encoder_attention_heads=sizes.whisper_heads, encoder_ffn_dim=4 * sizes.width,
        max_source_positions=sizes.positions, num_mel_bins=sizes.mel_bins, decoder_layers=1, decoder_attention_heads=sizes.whisper_heads,
        decoder_ffn_dim=8, vocab_size=64, pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=0, max_target_positions=8)).eval()


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
            self.assertEqual(shapes(UNet(FULL)), shapes(diffusers_unet(FULL)))
            self.assertEqual(shapes(Vae(FULL)), shapes(diffusers_vae(FULL)))
            self.assertEqual(shapes(WhisperEncoder(FULL)), shapes(transformers_whisper(FULL).encoder))
            for name, count in FULL_PARAMETERS.items():
                self.assertEqual(sum(p.numel() for p in NETWORKS[name](FULL).parameters()), count, name)

    def test_the_unet_with_the_time_folded_in_draws_what_diffusers_draws_at_time_0(self):
        own, theirs = randomise(UNet(NARROW), 1), diffusers_unet(NARROW).eval()
        theirs.load_state_dict(own.state_dict())
        arrays, _ = golden.inputs('unet', NARROW)
        latents, audio = (torch.from_numpy(arrays[key]) for key in ('latents', 'audio'))
        with torch.no_grad():
            expected = theirs(latents, torch.tensor([0]), encoder_hidden_states=audio + graphs.positions(50, NARROW.width)).sample
            found = graphs.UNetGraph(own.fold(), NARROW)(latents, audio)
        self.assertLess(float((expected - found).abs().max()), 1e-5)

    def test_the_vae_reads_and_draws_what_diffusers_does(self):
        own, theirs = randomise(Vae(NARROW), 2), diffusers_vae(NARROW).eval()
        theirs.load_state_dict(own.state_dict())
        image = torch.from_numpy(golden.inputs('vae-encoder', NARROW)[0]['image'])
        with torch.no_grad():
            latents = theirs.encode(image).latent_dist.mode()
            self.assertLess(float((latents - own.encode(image)).abs().max()), 1e-5)
            self.assertLess(float((theirs.decode(latents).sample - own.decode(latents)).abs().max()), 1e-5)

    def test_whisper_gives_the_five_hidden_states_of_transformers(self):
        own, theirs = randomise(WhisperEncoder(NARROW), 3), transformers_whisper(NARROW)
        theirs.encoder.load_state_dict(own.state_dict())
        mel = torch.from_numpy(golden.inputs('whisper-encoder', NARROW)[0]['input_features'])
        with torch.no_grad():
            states = theirs.encoder(mel, output_hidden_states=True).hidden_states
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
        with tempfile.TemporaryDirectory() as folder:
            networks = [(name, network) for name, network in random_networks(NARROW, 5) if name in ('unet', 'vae')]
            build(networks, NARROW, folder, precision='fp32', weights='random', hashes={})
            arrays, _ = golden.inputs('vae-encoder', NARROW)
            wrong = {'latents': np.ones((2, 4, 8, 8), np.float32)}
            with self.assertRaisesRegex(check.GraphDiffers, 'latents differs from torch by .* expected at most 0.001'):
                check.check(folder, 'vae-encoder', 'fp32', arrays, wrong)


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
