"""Synthetic speech with phone times, from flite, festival and espeak-ng, in English and other languages.

  python3 speech.py --out out/speech --count 90 --seed 1 --set train     # or --set slow, held-out
Output, per sentence: NAME.wav (mono, 16 bit, the program's own rate) and NAME.json {text, engine, voice, phones: [[phone, startMs,
endMs]]}; phones are lower-case ARPAbet and the few more of phones.py, pau = pause. `--count` is the number of sentences per voice
of share 1; a voice whose program is missing is named and left out. Times were compared by sliding labels over the sound: flite is right
within 10 ms, festival about 10 ms late, espeak-ng's vowels and stops about 35 ms late; the latter two are corrected here.
"""
import argparse
import json
import os
import random
import re
import subprocess
import sys
import tempfile

import languages
from espeak import Espeak
from phones import of_festival
from sentences import sentences

FESTIVAL_LATE_MS = 10.0
FESTIVAL_AT_ONCE = 40               # sentences per start of the program
CLEAR_VARIANTS = 'm1 m2 m3 m4 m6 m7 m8 f1 f2 f3 f5'.split()
OTHER_VARIANTS = 'Andy Annie Alicia Gene Hugo Michael Mike adam aunty belinda boris caleb grandma grandpa linda steph victor klatt klatt2 klatt4'.split()
ACCENTS = 'en-gb en-gb-scotland en-gb-x-rp en-029 en-us-nyc'.split()
FOREIGN = 'de fr es it pt-br nl pl cs sv fi tr ru hi ca'.split()
# festival's voices of other languages: voice, language of words, phone names, encoding
FESTIVAL = {'pc_diphone': ('it', 'italian', 'latin1'), 'lp_diphone': ('it', 'italian', 'latin1'),
            'czech_dita': ('cs', 'czech', 'latin2'), 'czech_krb': ('cs', 'czech', 'latin2'), 'czech_machac': ('cs', 'czech', 'latin2'),
            'czech_ph': ('cs', 'czech', 'latin2'), 'suo_fi_lj_diphone': ('fi', 'finnish', 'latin1'), 'hy_fi_mv_diphone': ('fi', 'finnish', 'latin1'),
            'upc_ca_ona_hts': ('ca', 'catalan', 'latin1'), 'msu_ru_nsh_clunits': ('ru', 'russian', 'utf8'),
            'hindi_NSK_diphone': ('hi', 'hindi', 'utf8')}
# The other voices of festival are under the GPL or LGPL, and their recordings sound through what they say: nothing learns from them.
FREE = ['msu_ru_nsh_clunits']
DEVELOPMENT = 'lp_diphone czech_machac'.split()
# Voices by what they are for; `development` is for choosing thresholds. No voice (nor its speaker under another name) is in two of them but
# `slow`: slt and kal are the same people in flite and festival.
SETS = {
    'train': [('flite', v, n) for v, n in (('kal16', 5), ('rms', 5), ('slt', 1))] + [('festival', 'cmu_us_slt_arctic_hts', 0.4)] +
             [('festival', v, 0.4) for v in FREE] +
             [('espeak', 'en-us+' + v, 0.5) for v in CLEAR_VARIANTS] + [('espeak', 'en-us+' + v, 0.25) for v in OTHER_VARIANTS] +
             [('espeak', a + '+' + CLEAR_VARIANTS[(3 * k + j) % 11], 0.25) for k, a in enumerate(ACCENTS) for j in range(4)] +
             [('espeak', a + '+' + CLEAR_VARIANTS[(k + 4 * j) % 11], 0.25) for k, a in enumerate(FOREIGN) for j in range(3)],
    'slow': [('flite', v, 1) for v in ('kal16', 'rms', 'slt')],
    'development': [('festival', v, 1) for v in DEVELOPMENT] +
                   [('espeak', v, 0.5) for v in ('en-gb+Henrique', 'en-us+anika', 'de+pablo', 'en-us+miguel')],
    'held-out': [('flite', 'awb', 1), ('festival', 'ked_diphone', 1), ('espeak', 'en-us+m5', 1), ('espeak', 'en-us+f4', 1)],
}


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


def festival(texts, voice, wavs, speeds):
    """-> per sentence its phones, or None where festival has no word for it"""
    _, names, encoding = FESTIVAL.get(voice, ('en', 'english', 'latin1'))
    spoken = []
    with tempfile.TemporaryDirectory() as folder:
        script, labels = os.path.join(folder, 'u.scm'), os.path.join(folder, '%d.lab')
        with open(script, 'w', encoding=encoding, errors='ignore') as f:
            f.write('(voice_%s)\n' % voice)
            for k, (text, wav, speed) in enumerate(zip(texts, wavs, speeds)):
                f.write('(Parameter.set (quote Duration_Stretch) %g)\n(set! u (Utterance Text "%s"))\n(utt.synth u)\n'
                        '(utt.save.wave u "%s" (quote riff))\n(utt.save.segs u "%s")\n'
                        % (1 / speed, text.replace('"', ' '), os.path.abspath(wav), labels % k))
        subprocess.run(['festival', '-b', script], check=True, capture_output=True)
        for k in range(len(texts)):
            phones, start = [], 0.0
            for line in open(labels % k, encoding='latin1'):
                t = line.split()
                if len(t) == 3 and re.match(r'^[\d.]+$', t[0]):
                    end = max(start, float(t[0]) * 1000 - FESTIVAL_LATE_MS)
                    ours = of_festival(names, t[2])
                    for j, phone in enumerate(ours):
                        phones.append((phone, start + (end - start) * j / len(ours), start + (end - start) * (j + 1) / len(ours)))
                    start = end
            spoken.append(phones)
    return spoken


def say_all(engine, voice, texts, wavs, speeds, rng):
    """-> [phones of each sentence]; raises OSError, KeyError or CalledProcessError if the voice cannot be had"""
    if engine == 'festival':
        return [p for at in range(0, len(texts), FESTIVAL_AT_ONCE)
                for p in festival(*[part[at:at + FESTIVAL_AT_ONCE] if isinstance(part, list) else part for part in (texts, voice, wavs, speeds)])]
    if engine == 'flite':
        return [flite(text, voice, wav, speed) for text, wav, speed in zip(texts, wavs, speeds)]
    library = say_all.library = getattr(say_all, 'library', None) or Espeak()
    plain = rng is None
    return [library.speak(text, voice, wav, speed, *(() if plain else (rng.randint(30, 75), rng.randint(25, 90))))
            for text, wav, speed in zip(texts, wavs, speeds)]


def words_of(engine, voice):
    language = FESTIVAL.get(voice, ('en',))[0] if engine == 'festival' else voice.split('+')[0] if engine == 'espeak' else 'en'
    return lambda count, seed: languages.sentences(count, seed, language) if language in languages.WORDS else sentences(count, seed)


def speak_all(which, count, seed, folder):
    """writes the set's speech -> names of voices that could not be made"""
    os.makedirs(folder, exist_ok=True)
    missing, slow, fast = [], *{'slow': (0.3, 0.6), 'train': (0.75, 1.4)}.get(which, (0.85, 1.25))
    for at, (engine, voice, share) in enumerate(SETS[which]):
        rng = random.Random(seed * 1000 + at)
        texts = words_of(engine, voice)(max(1, round(count * share)), seed * 1000 + at)
        names = [os.path.join(folder, '%s-%s-%04d' % (engine, voice.replace('+', '-'), k)) for k in range(len(texts))]
        try:
            speeds = [rng.uniform(slow, fast) for _ in texts]
            spoken = say_all(engine, voice, texts, [n + '.wav' for n in names], speeds, rng if which == 'train' else None)
        except (OSError, KeyError, subprocess.CalledProcessError) as error:
            print('%s %s: %s' % (engine, voice, error), file=sys.stderr)
            missing.append('%s %s' % (engine, voice))
            for name in names:
                if os.path.exists(name + '.wav'):
                    os.remove(name + '.wav')
            continue
        for name, text, phones in zip(names, texts, spoken):
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
