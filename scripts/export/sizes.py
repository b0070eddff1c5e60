"""How big each network is: MuseTalk 1.5 as published, and a narrow copy of the same blocks that is small enough for tests."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Channels, heads and lengths of the five networks.

    The blocks, their order and the names of their weights are the same for all sizes.
    """
    model: str
    unet_channels: tuple[int, int, int, int]
    unet_heads: int
    unet_groups: int
    vae_channels: tuple[int, int, int, int]
    vae_groups: int
    width: int                  # of whisper's states, and of what the UNet's cross-attention looks at
    whisper_heads: int
    positions: int              # 20 ms each
    parsing_channels: int       # of the first stage; the four stages have 1, 2, 4 and 8 times as many
    fast_channels: int
    latent: int                 # side of a latent, an eighth of the picture's

    mel_bins = 80
    whisper_blocks = 4
    layers = 5                  # hidden states that are kept: before block 1, after blocks 1 to 4
    window = 10                 # positions that one frame sees
    labels = 19
    parsing_image = 512         # the mask is made in pixels of this picture, so it has one size

    @property
    def mel_frames(self) -> int:
        return 2 * self.positions

    @property
    def image(self) -> int:
        return 8 * self.latent

    @property
    def audio_rows(self) -> int:
        return self.window * self.layers


FULL = Sizes(model='musetalk-1.5', unet_channels=(320, 640, 1280, 1280), unet_heads=8, unet_groups=32, vae_channels=(128, 256, 512, 512),
             vae_groups=32, width=384, whisper_heads=6, positions=1500, parsing_channels=64, fast_channels=64, latent=32)

NARROW = Sizes(model='musetalk-1.5', unet_channels=(8, 8, 8, 16), unet_heads=2, unet_groups=4, vae_channels=(4, 8, 8, 8),
               vae_groups=4, width=32, whisper_heads=4, positions=150, parsing_channels=3, fast_channels=4, latent=8)

# What the published files hold; nets/ is checked against it before anything is converted.
FULL_PARAMETERS = {'unet': 849_947_844, 'vae': 83_653_863, 'whisper': 8_208_384, 'fast': 1_222_531}
