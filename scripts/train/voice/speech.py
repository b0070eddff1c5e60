"""Synthetic speech with phone times, from flite, festival and espeak-ng.

  python3 speech.py --out out/speech --count 90 --seed 1 --set train     # or --set slow, held-out
Output, per sentence: NAME.wav (mono, 16 bit, the program's own rate) and NAME.json {text, engine, voice, phones: [[phone, startMs,
endMs]]}; phones are lower-case ARPAbet, pau = pause. `--count` is the number of sentences per voice; a voice whose program is
missing is named and left out. Times were compared by sliding labels over the sound: flite is right within 10 ms, festival about
10 ms late, espeak-ng's vowels and stops about 35 ms late; the latter two are corrected here.
"""
import argparse
import ctypes
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import wave

from sentences import sentences

VOWELS = set('aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw'.split())
STOPS = set('p b t d k g'.split())
FESTIVAL_LATE_MS = 10.0
ESPEAK_LATE_MS = 35.0
CLEAR_VOICES = 'm1 m2 m3 m4 m6 m7 m8 f1 f2 f3 f5'.split()
# Voices by what they are for. No voice (nor its speaker under another name) is in both: slt and kal are the same people in flite and festival.
SETS = {
    'train': [('flite', v, 5) for v in ('kal16', 'rms', 'slt')] + [('festival', 'cmu_us_slt_arctic_hts', 2)] +
             [('espeak', 'en-us+' + v, 1) for v in CLEAR_VOICES] + [('espeak', 'en-gb+' + v, 0.6) for v in CLEAR_VOICES],
    'slow': [('flite', v, 1) for v in ('kal16', 'rms', 'slt')],
    'held-out': [('flite', 'awb', 1), ('festival', 'ked_diphone', 1), ('espeak', 'en-us+m5', 1), ('espeak', 'en-us+f4', 1)],
}

# espeak-ng mnemonics -> ARPAbet: looked up whole, then without stress and length marks, then by the first character.
ESPEAK = {
    'p': 'p', 'b': 'b', 't': 't', 'd': 'd', 'k': 'k', 'g': 'g', 'f': 'f', 'v': 'v', 'T': 'th', 'D': 'dh', 's': 's', 'z': 'z',
    'S': 'sh', 'Z': 'zh', 'h': 'hh', 'm': 'm', 'n': 'n', 'N': 'ng', 'l': 'l', 'r': 'r', 'j': 'y', 'w': 'w', 'tS': 'ch',
    'dZ': 'jh', 't#': 'dx', '?': 'pau', '*': 'dx', 'x': 'hh', 'I': 'ih', 'I2': 'ih', 'i': 'iy', 'i:': 'iy', 'e': 'eh',
    'eI': 'ey', 'E': 'eh', 'E@': 'eh', 'e@': 'eh', 'a': 'ae', 'a#': 'ax', 'aa': 'ae', 'aI': 'ay', 'aI@': 'ay', 'aI3': 'ay',
    'aU': 'aw', 'aU@': 'aw', 'A': 'aa', 'A:': 'aa', 'A@': 'aa', 'A#': 'aa', '0': 'aa', '0#': 'aa', 'O': 'ao', 'O:': 'ao', 'O@': 'ao',
    'o@': 'ao', 'o': 'ao', 'oU': 'ow', 'OI': 'oy', 'U': 'uh', 'U@': 'uh', 'u': 'uw', 'u:': 'uw', 'V': 'ah', '3': 'er', '3:': 'er',
    '@': 'ax', '@2': 'ax', '@5': 'ax', '@-': 'ax', '@L': 'l', 'i@': 'iy', 'i@3': 'iy', '': 'pau', '_': 'pau', '_:': 'pau', '_!': 'pau'}


def espeak_phone(name):
    for key in (name, re.sub(r"[',%=|]", '', name), re.sub(r"[':,%=|~]", '', name)):
        if key in ESPEAK:
            return ESPEAK[key]
    clean = re.sub(r"[',%=|]", '', name)
    return ESPEAK.get(clean[:1], 'ax' if clean else 'pau')


def flite(text, voice, wav, speed):
    command = ['flite', '-voice', voice, '-psdur', '--setf', 'duration_stretch=%g' % (1 / speed), '-t', text, '-o', wav]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    phones, start = [], 0.0
    for word in said.split():
        m = re.match(r'^([a-z]+):([\d.]+)$', word)
        if m:
            phones.append((m[1], start, float(m[2]) * 1000))
            start = float(m[2]) * 1000
    return phones


def festival(text, voice, wav, speed):
    with tempfile.TemporaryDirectory() as folder:
        script, labels = os.path.join(folder, 'u.scm'), os.path.join(folder, 'u.lab')
        with open(script, 'w') as f:
            f.write('(voice_%s)\n(Parameter.set (quote Duration_Stretch) %g)\n(set! u (Utterance Text "%s"))\n(utt.synth u)\n'
                    '(utt.save.wave u "%s" (quote riff))\n(utt.save.segs u "%s")\n'
                    % (voice, 1 / speed, text.replace('"', ' '), os.path.abspath(wav), labels))
        subprocess.run(['festival', '-b', script], check=True, capture_output=True)
        phones, start = [], 0.0
        for line in open(labels):
            t = line.split()
            if len(t) == 3 and re.match(r'^[\d.]+$', t[0]):
                end = max(start, float(t[0]) * 1000 - FESTIVAL_LATE_MS)
                phones.append(('pau' if t[2] in ('#', 'h#', 'pau') else t[2], start, end))
                start = end
        return phones


class _Id(ctypes.Union):
    _fields_ = [('number', ctypes.c_int), ('name', ctypes.c_char_p), ('string', ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [('type', ctypes.c_int), ('uid', ctypes.c_uint), ('text_position', ctypes.c_int), ('length', ctypes.c_int),
                ('audio_position', ctypes.c_int), ('sample', ctypes.c_int), ('user_data', ctypes.c_void_p), ('id', _Id)]


class _Voice(ctypes.Structure):      # languages: a priority byte, then the name
    _fields_ = [('name', ctypes.c_char_p), ('languages', ctypes.c_void_p), ('identifier', ctypes.c_char_p)] + \
               [(n, ctypes.c_ubyte) for n in ('gender', 'age', 'variant', 'xx1')] + [('score', ctypes.c_int), ('spare', ctypes.c_void_p)]


class Espeak:
    """The library's phoneme events; the command line tells phones for MBROLA voices only."""

    def __init__(self):
        self.lib = ctypes.CDLL('libespeak-ng.so.1')
        self.rate = self.lib.espeak_Initialize(2, 0, None, 1)          # synchronous retrieval, phoneme events
        self.audio, self.events = [], []
        self.callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))(self.on_audio)
        self.lib.espeak_SetSynthCallback(self.callback)
        self.lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        listed, i, self.files = self.lib.espeak_ListVoices(None), 0, {}
        while listed[i]:
            voice = listed[i].contents
            self.files.setdefault(ctypes.string_at(voice.languages + 1).decode(), voice.identifier.decode())
            i += 1

    def on_audio(self, samples, count, event):
        if count > 0:
            self.audio.append(ctypes.string_at(samples, 2 * count))
        i = 0
        while event[i].type != 0:
            if event[i].type == 7:
                self.events.append((event[i].audio_position, event[i].id.string.decode('utf8', 'replace')))
            i += 1
        return 0

    def speak(self, text, voice, wav, speed):
        self.audio, self.events = [], []
        language, _, variant = voice.partition('+')
        name = self.files[language] + ('+' + variant if variant else '')
        if self.lib.espeak_SetVoiceByName(name.encode()) != 0:
            raise OSError('espeak-ng has no voice ' + voice)
        self.lib.espeak_SetParameter(1, int(175 * speed), 0)
        data = text.encode()
        self.lib.espeak_Synth(data, len(data) + 1, 0, 1, 0, 1, None, None)
        self.lib.espeak_Synchronize()
        pcm = b''.join(self.audio)
        with wave.open(wav, 'wb') as w:
            w.setnchannels(1), w.setsampwidth(2), w.setframerate(self.rate), w.writeframes(pcm)
        starts = []
        for ms, mnemonic in self.events:
            phone = espeak_phone(mnemonic)
            early = ESPEAK_LATE_MS if phone in VOWELS | STOPS else 0
            before = max(0.0, ms - starts[-1][1]) if starts else ms      # the phone before keeps at least 40 % of its length
            starts.append((phone, ms - min(early, 0.6 * before)))
        phones = [('pau', 0.0, starts[0][1])] if starts and starts[0][1] > 0 else []
        total = len(pcm) / 2 / self.rate * 1000
        for k, (phone, ms) in enumerate(starts):
            phones.append((phone, ms, starts[k + 1][1] if k + 1 < len(starts) else total))
        return [p for p in phones if p[2] > p[1]]


def speak_all(which, count, seed, folder):
    """writes the set's speech -> names of voices that could not be made"""
    os.makedirs(folder, exist_ok=True)
    missing, library = [], None
    for at, (engine, voice, share) in enumerate(SETS[which]):
        rng = random.Random(seed * 1000 + at)
        for k, text in enumerate(sentences(max(1, round(count * share)), seed * 1000 + at)):
            name = os.path.join(folder, '%s-%s-%04d' % (engine, voice.replace('+', '-'), k))
            speed = rng.uniform(0.3, 0.6) if which == 'slow' else rng.uniform(0.85, 1.25)
            try:
                if engine == 'espeak':
                    library = library or Espeak()
                    phones = library.speak(text, voice, name + '.wav', speed)
                else:
                    phones = {'flite': flite, 'festival': festival}[engine](text, voice, name + '.wav', speed)
            except (OSError, KeyError, subprocess.CalledProcessError) as error:
                print('%s %s: %s' % (engine, voice, error), file=sys.stderr)
                missing.append('%s %s' % (engine, voice))
                break
            with open(name + '.json', 'w') as f:
                json.dump({'text': text, 'engine': engine, 'voice': voice, 'phones': [[p, round(a, 1), round(b, 1)] for p, a, b in phones]}, f)
    return missing


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--out', required=True)
    p.add_argument('--count', type=int, default=90)
    p.add_argument('--seed', type=int, default=1)
    p.add_argument('--set', choices=sorted(SETS), default='train')
    a = p.parse_args()
    for voice in speak_all(a.set, a.count, a.seed, a.out):
        print('left out: ' + voice)


if __name__ == '__main__':
    main()
