"""Speech that no network was trained on, with what the mouth should do: what the bench `lips` measures against.

  python3 held_out.py --out out/held-out --count 12
Per voice NAME.wav (sentences with pauses of digital silence) and NAME.json {phones: [[phone, startMs, endMs]], curve: rows of
eight parameters per 40 ms}; for `recordings` the five sentences read by a person in Debian's pocketsphinx-testdata.
Prints one line `missing: WHAT` for everything that cannot be made here. Needs numpy.
"""
import argparse
import glob
import json
import os
import re
import tempfile
import wave

import numpy as np

import curves
from align import align
from speech import SETS, speak_all

PAUSE_MS = 500
RECORDINGS = '/usr/share/pocketsphinx/test/data/librivox'


def write(folder, name, pieces, rate):
    """pieces: [(samples, phones)]"""
    pause = np.zeros(rate * PAUSE_MS // 1000, np.int16)
    sound, phones, starts = [pause], [], []
    for samples, spoken in pieces:
        start = sum(map(len, sound))
        phones += [(p, a + start * 1000 / rate, b + start * 1000 / rate) for p, a, b in spoken]
        starts.append((start, start + len(samples)))
        sound += [samples, pause]
    sound = np.concatenate(sound)
    frames = int(len(sound) * 25 / rate)
    loud = np.zeros(frames)
    for start, end in starts:
        only = np.zeros(len(sound), np.float32)
        only[start:end] = sound[start:end] / 32768
        loud = np.maximum(loud, curves.loudness(only, frames, rate))
    with wave.open(os.path.join(folder, name + '.wav'), 'wb') as w:
        w.setnchannels(1), w.setsampwidth(2), w.setframerate(rate), w.writeframes(sound.tobytes())
    with open(os.path.join(folder, name + '.json'), 'w') as f:
        json.dump({'phones': phones, 'curve': np.round(curves.timeline(phones, frames, loud), 4).tolist()}, f)


def read(path):
    with wave.open(path) as w:
        return np.frombuffer(w.readframes(w.getnframes()), np.int16), w.getframerate()


def recordings():
    pieces = []
    with open(RECORDINGS + '/transcription') as lines:
        for line in lines:
            text, name = re.match(r'^<s>(.*)</s>\s*\((.*)\)$', line.strip()).groups()
            samples, rate = read('%s/%s.wav' % (RECORDINGS, name))
            pieces.append((samples, align(samples.tobytes(), text.split())))
    return pieces, rate


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--out', required=True)
    p.add_argument('--count', type=int, default=12)
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for voice in speak_all('held-out', a.count, 77, folder):
            print('missing: ' + voice)
        for engine, voice, _ in SETS['held-out']:
            name = '%s-%s' % (engine, voice.replace('+', '-'))
            paths = sorted(glob.glob('%s/%s-*.json' % (folder, name)))
            if paths:
                spoken = [(read(path[:-5] + '.wav'), json.load(open(path))['phones']) for path in paths]
                write(a.out, name, [(samples, phones) for (samples, _), phones in spoken], spoken[0][0][1])
    try:
        write(a.out, 'recordings', *recordings())
    except (ImportError, OSError, KeyError) as error:
        print('missing: recordings (%s)' % error)


if __name__ == '__main__':
    main()
