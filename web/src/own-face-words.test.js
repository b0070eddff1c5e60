import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findingsToTell, nameFromFile, progressShare, progressWords } from './own-face-words.js';

const finding = (level, found) => ({ level, found, advice: null });

test('the share only grows from the first byte to the last step', () => {
  const jobs = [
    { phase: 'sending', share: 0 },
    { phase: 'sending', share: 1 },
    { phase: 'preparing', share: 0 },
    { phase: 'preparing', share: 1 },
  ];
  assert.deepEqual(jobs.map(progressShare), [0, 0.2, 0.2, 1]);
  assert.equal(progressShare({ phase: 'waiting' }), null);
});

test('what is fine is not told, advice is, and a refusal is not told twice', () => {
  const findings = [finding('ok', 'One face.'), finding('advice', 'It is blurred.'), finding('refused', 'No face.')];
  const ready = { phase: 'ready', id: 'a', name: 'Eva', portrait: '', report: { level: 'advice', findings } };
  assert.deepEqual(
    findingsToTell(ready).map(({ found }) => found),
    ['It is blurred.', 'No face.'],
  );
  assert.match(progressWords(ready), /could be better/);
  assert.match(progressWords({ ...ready, report: null }), /Eva is ready/);
  const refused = { ...finding('refused', 'No face.'), advice: 'Show one.' };
  const failed = {
    phase: 'failed',
    problem: 'Avatar x: no face',
    report: { level: 'refused', findings: [...findings.slice(0, 2), refused] },
  };
  assert.equal(progressWords(failed), 'No face.');
  assert.equal(progressWords({ ...failed, report: null }), 'Avatar x: no face');
  assert.deepEqual(
    findingsToTell(failed).map(({ found }) => found),
    ['It is blurred.', 'Show one.'],
  );
  assert.deepEqual(findingsToTell({ phase: 'waiting' }), []);
});

test('a file lends its name to the face unless a camera has given it', () => {
  assert.equal(nameFromFile('Eva_Maria.jpg'), 'Eva Maria');
  for (const camera of ['IMG_2041.HEIC', 'DSC00012.jpg', 'PXL_20240101.mp4', 'portrait.png', '1.webp']) {
    assert.equal(nameFromFile(camera), '', camera);
  }
});
