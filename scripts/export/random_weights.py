"""Random weights from a seed: for trying everything without the published files. What they draw is noise, and the metadata says so."""
import torch


@torch.no_grad()
def randomise(network, seed):
    """Fills `network` so that signals keep their size from end to end: nothing dies out, nothing saturates. Returns it.

    The same names and shapes get the same numbers for the same seed.
    """
    generator = torch.Generator().manual_seed(seed)

    def noise(tensor, scale, centre=0.0):
        tensor.copy_(torch.randn(tensor.shape, generator=generator) * scale + centre)

    for name, tensor in sorted(network.state_dict().items()):
        if name.endswith('num_batches_tracked'):
            continue
        if name.endswith('running_var'):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.5 + 0.75)
        elif name.endswith('running_mean') or name.endswith('bias'):
            noise(tensor, 0.1)
        elif tensor.ndim == 1:
            noise(tensor, 0.1, 1.0)
        elif 'embed_positions' in name:
            noise(tensor, 0.3)
        else:
            # Values of the attention to the sound: a mean over 50 rows is small, and the mouth should hear something.
            gain = 4.0 if 'attn2.to_v' in name else 1.0
            noise(tensor, gain / tensor[0].numel() ** 0.5)
    return network.eval()
