import type { RgbPicture } from './face-landmarks.ts';
import { openHuman } from './human-library.ts';

/** What a picture shows if not a face. */
export type ThingSeen = 'person' | 'animal' | 'nothing';

/** Those of the eighty kinds of things (COCO) that the network knows. It takes cats for dogs at times. */
const ANIMALS = new Set([
  'bird',
  'cat',
  'dog',
  'horse',
  'sheep',
  'cow',
  'elephant',
  'bear',
  'zebra',
  'giraffe',
  'teddy bear',
]);
const MIN_SCORE = 0.3;

/**
 * Says what is seen in a picture that shows no face, to tell people what is wrong with it. Takes two seconds.
 *
 * @returns `nothing` also if it cannot be found out.
 */
export async function thingSeen({ widthPx, heightPx, data }: RgbPicture): Promise<ThingSeen> {
  const human = await openHuman({ object: { enabled: true, minConfidence: MIN_SCORE, maxDetected: 5 } });
  const picture = human.tf.tensor3d(data, [heightPx, widthPx, 3], 'int32');
  try {
    const { object } = await human.detect(picture);
    const labels = object.toSorted((a, b) => b.score - a.score).map(({ label }) => String(label));
    const known = labels.find((label) => label === 'person' || ANIMALS.has(label));
    return known === undefined ? 'nothing' : known === 'person' ? 'person' : 'animal';
  } finally {
    picture.dispose();
  }
}
