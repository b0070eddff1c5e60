import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClipMeasures, type FrameMeasures, findingsOf } from './clip-findings.ts';

const FACE: FrameMeasures = {
  pose: { yaw: 2, pitch: -3, roll: 1 },
  faceHeightPx: 300,
  mouth: 0.02,
  eyes: 0.33,
  sharpness: 0.38,
};

function film(
  change: (frame: number) => Partial<FrameMeasures> = () => ({}),
  more: Partial<ClipMeasures> = {},
): ClipMeasures {
  return {
    name: 'idle_0',
    kind: 'video',
    frames: Array.from({ length: 100 }, (_, i) => ({ ...FACE, ...change(i) })),
    missing: [],
    lostAt: null,
    faceCount: 1,
    rival: 0,
    place: 0.5,
    steps: Array.from({ length: 99 }, (_, i) => 1 + (i % 5) / 10),
    loop: { firstFrame: 0, fileFrames: 100, isMirrored: false, seam: 1.2 },
    ...more,
  };
}

function finding(clip: ClipMeasures, subject: string) {
  const found = findingsOf(clip).find((each) => each.subject === subject);
  assert.ok(found, subject);
  return found;
}

test('a good film has nothing but good findings, and nothing to do about them', () => {
  for (const each of findingsOf(film())) {
    assert.equal(each.level, 'ok', each.found);
    assert.equal(each.advice, null);
  }
});

test('of a photo nothing is said that only films have', () => {
  const photo = film(undefined, { kind: 'picture', frames: [FACE], steps: [] });
  assert.deepEqual(
    findingsOf(photo).map(({ subject }) => subject),
    ['faces', 'face_size', 'pose', 'blur', 'mouth_open', 'eyes_closed'],
  );
});

test('a face from the side is refused with its angle and the frame that shows it most', () => {
  const found = finding(
    film((i) => ({ pose: { yaw: 50 + (i === 7 ? 10 : 0), pitch: 0, roll: 0 } })),
    'pose',
  );
  assert.equal(found.level, 'refused');
  assert.equal(found.frame, 7);
  assert.match(found.found, /seen from the side: turned 60° to the right/);
});

test('one look to the side is good advice, no refusal', () => {
  const found = finding(
    film((i) => ({ pose: { yaw: i > 40 && i < 50 ? -45 : 0, pitch: 0, roll: 0 } })),
    'pose',
  );
  assert.equal(found.level, 'advice');
  assert.match(found.found, /45° to the left/);
});

test('a small face gets advice, a tiny one is refused', () => {
  assert.equal(
    finding(
      film(() => ({ faceHeightPx: 120 })),
      'face_size',
    ).level,
    'advice',
  );
  assert.equal(
    finding(
      film(() => ({ faceHeightPx: 30 })),
      'face_size',
    ).level,
    'refused',
  );
});

test('several faces are counted, and it is said where the one is that was taken and why', () => {
  const found = finding(film(undefined, { faceCount: 3, place: 0.2, rival: 0.5 }), 'faces');
  assert.equal(found.level, 'advice');
  assert.equal(found.found, '3 faces; the one on the left was taken, since the next one is 50 % as high.');
});

test('a group in which no face is clearly the largest is refused', () => {
  const found = finding(film(undefined, { faceCount: 4, rival: 0.93 }), 'faces');
  assert.deepEqual([found.level, found.frame], ['refused', 0]);
  assert.match(found.found, /^4 faces, and none is clearly the largest: the second is 93 % as high/);
});

test('an open mouth is told with the share of the used pictures it is open in', () => {
  const loop = { firstFrame: 50, fileFrames: 40, isMirrored: false, seam: 1 };
  const found = finding(
    film((i) => ({ mouth: i >= 80 ? 0.3 + i / 1000 : 0.02 }), { loop }),
    'mouth_open',
  );
  assert.match(found.found, /25 % of the pictures/);
  assert.equal(found.frame, 89);
  assert.equal(
    finding(
      film((i) => ({ mouth: i < 50 ? 0.4 : 0.02 }), { loop }),
      'mouth_open',
    ).level,
    'ok',
  );
});

test('closed eyes, blur, missing faces, cuts and repeated pictures are told with their frame', () => {
  assert.equal(
    finding(
      film((i) => ({ eyes: i < 60 ? 0.1 : 0.3 })),
      'eyes_closed',
    ).level,
    'advice',
  );
  assert.equal(
    finding(
      film((i) => ({ eyes: i < 6 ? 0.1 : 0.3 })),
      'eyes_closed',
    ).level,
    'ok',
  );
  assert.equal(
    finding(
      film(() => ({ sharpness: 0.27 })),
      'blur',
    ).level,
    'advice',
  );
  assert.equal(finding(film(undefined, { missing: [12, 13] }), 'missing_face').frame, 12);
  assert.match(finding(film(undefined, { lostAt: 80 }), 'missing_face').found, /From 3\.2 s on/);
  const steps = Array.from({ length: 99 }, (_, i) => (i === 41 ? 40 : 1));
  assert.equal(finding(film(undefined, { steps }), 'cuts').frame, 42);
  const repeated = Array.from({ length: 99 }, (_, i) => (i % 2 === 0 ? 0 : 2));
  assert.match(finding(film(undefined, { steps: repeated }), 'repeated_frames').found, /51 % of the pictures/);
});

test('a loop is measured by its seam against the largest of its other steps', () => {
  const seam = (value: number) =>
    film(undefined, { loop: { firstFrame: 0, fileFrames: 100, isMirrored: false, seam: value } });
  assert.equal(finding(seam(2), 'loop').level, 'ok');
  assert.equal(finding(seam(3), 'loop').level, 'advice');
  const mirrored = film(undefined, { loop: { firstFrame: 25, fileFrames: 51, isMirrored: true, seam: 0 } });
  assert.match(finding(mirrored, 'loop').found, /4\.0 s from 1\.0 s on that runs there and back/);
});
