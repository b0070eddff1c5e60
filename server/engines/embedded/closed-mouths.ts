import { type Avatar, type AvatarClip, avatarFrame, GEOMETRY_SIZE } from '../../avatars/avatar.ts';
import { cutMouth, MOUTH_CROP_BYTES } from '../../avatars/mouth-crop.ts';
import { type FaceLook, type FacePicture, lookAt } from './face-look.ts';
import { faceReach } from './face-reach.ts';
import { type FaceFeatures, FEATURE_BYTES, type PictureNetwork } from './picture-network.ts';

/** Frames of a clip that are looked at for colours, which do not change within a clip. */
const SAMPLED_FRAMES = 8;

/** One frame's closed mouth, all that is needed to draw another in its place. */
export interface ClosedMouth {
  readonly features: FaceFeatures;
  /** See `FRAME_GEOMETRY`. */
  readonly geometry: Float32Array;
  readonly look: FaceLook;
  /** What a mouth may move, see `faceReach`. */
  readonly reach: Uint8Array;
}

/** The closed mouth of a single picture. */
export async function closedMouth(picture: FacePicture, network: PictureNetwork): Promise<ClosedMouth> {
  const features = await featuresOf(picture, network);
  return { features, geometry: picture.geometry, look: lookAt([picture]), reach: faceReach(picture.geometry) };
}

/** The closed mouths of one clip, looked at when they are first drawn on and kept: 59 KB per frame. */
export class ClosedMouths {
  readonly #avatar: Avatar;
  readonly #clip: AvatarClip;
  readonly #network: PictureNetwork;
  readonly #geometry: Float32Array;
  readonly #look: FaceLook;
  readonly #known = new Map<number, ClosedMouth>();

  /** @param network Stays the caller's. */
  constructor(avatar: Avatar, clip: AvatarClip, network: PictureNetwork) {
    this.#avatar = avatar;
    this.#clip = clip;
    this.#network = network;
    this.#geometry = new Float32Array(clip.geometry);
    const count = Math.min(SAMPLED_FRAMES, clip.frameCount);
    this.#look = lookAt(
      Array.from({ length: count }, (_, n) => this.#picture(Math.floor((n * clip.frameCount) / count))),
    );
  }

  get frameCount(): number {
    return this.#clip.frameCount;
  }

  /** Memory of what is kept. */
  get keptBytes(): number {
    return this.#known.size * FEATURE_BYTES;
  }

  /**
   * @param clipFrame Wraps around.
   * @returns Never to be written.
   * @throws {AppError} `engine_failed` if the network fails.
   */
  async at(clipFrame: number): Promise<ClosedMouth> {
    const { frameCount } = this.#clip;
    const index = ((clipFrame % frameCount) + frameCount) % frameCount;
    const known = this.#known.get(index);
    if (known) return known;
    const picture = this.#picture(index);
    const features = await featuresOf(picture, this.#network);
    const { geometry } = picture;
    const mouth = { features, geometry, look: this.#look, reach: faceReach(geometry) };
    this.#known.set(index, mouth);
    return mouth;
  }

  /** Lets go of what is kept; it is made anew when it is wanted. */
  forget(): void {
    this.#known.clear();
  }

  #picture(index: number): FacePicture {
    const geometry = this.#geometry.subarray(index * GEOMETRY_SIZE, (index + 1) * GEOMETRY_SIZE);
    return { frame: avatarFrame(this.#avatar, this.#clip, index), geometry };
  }
}

/** Keeps what the clips of a thread remember below a limit: the clip that was drawn on least recently forgets first. */
export class RecentClips {
  readonly #limitBytes: number;
  /** In the order of use. */
  readonly #clips = new Set<ClosedMouths>();

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** Whether one more frame can be kept without another being forgotten. */
  get hasRoom(): boolean {
    return this.#keptBytes + FEATURE_BYTES <= this.#limitBytes;
  }

  /** Call it when a mouth was drawn on `clip`, which itself never forgets here. */
  use(clip: ClosedMouths): void {
    this.#clips.delete(clip);
    this.#clips.add(clip);
    let bytes = this.#keptBytes;
    for (const oldest of this.#clips) {
      if (bytes <= this.#limitBytes || oldest === clip) return;
      bytes -= oldest.keptBytes;
      this.remove(oldest);
    }
  }

  get #keptBytes(): number {
    let bytes = 0;
    for (const { keptBytes } of this.#clips) bytes += keptBytes;
    return bytes;
  }

  /** Forgets a clip at once. */
  remove(clip: ClosedMouths): void {
    clip.forget();
    this.#clips.delete(clip);
  }
}

async function featuresOf({ frame, geometry }: FacePicture, network: PictureNetwork): Promise<FaceFeatures> {
  const planes = new Uint8Array(MOUTH_CROP_BYTES);
  cutMouth(frame, geometry, planes);
  return network.look(planes);
}
