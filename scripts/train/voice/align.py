"""Phone times of a recording whose words are known, by PocketSphinx and its US English model (apt: python3-pocketsphinx, pocketsphinx-en-us).

align(pcm, words) -> [(phone, startMs, endMs)] in lower-case ARPAbet, pau for silence; pcm is 16 kHz mono 16-bit as bytes.
The grammar is the words as a chain of phones, pronunciations in parallel, silence allowed anywhere. Times come in steps of 10 ms;
against flite's own labels they are 8 to 14 ms early in the median, which is corrected here.
"""
import os
import tempfile

MODEL = '/usr/share/pocketsphinx/model/en-us'
EARLY_MS = 10.0


def dictionary():
    words = {}
    with open(MODEL + '/cmudict-en-us.dict') as lines:
        for line in lines:
            word, *phones = line.split()
            words.setdefault(word.split('(')[0], []).append(phones)
    return words


def align(pcm, words):
    from pocketsphinx import pocketsphinx
    lexicon = dictionary()
    arcs, here, free = [], 0, 1
    for word in words:
        end, free = free, free + 1
        for pronunciation in lexicon[word]:
            a = here
            for k, phone in enumerate(pronunciation):
                if k == len(pronunciation) - 1:
                    b = end
                else:
                    b, free = free, free + 1
                arcs.append((a, b, phone))
                a = b
        here = end
    with tempfile.TemporaryDirectory() as folder:
        phones = sorted({p for alternatives in lexicon.values() for q in alternatives for p in q})
        with open(os.path.join(folder, 'phones.dic'), 'w') as f:
            f.write(''.join('%s %s\n' % (p, p) for p in phones))
        with open(os.path.join(folder, 'u.fsg'), 'w') as f:
            f.write('FSG_BEGIN <u>\nNUM_STATES %d\nSTART_STATE 0\nFINAL_STATE %d\n' % (free, here) +
                    ''.join('TRANSITION %d %d 1.0 %s\n' % t for t in arcs) + 'FSG_END\n')
        c = pocketsphinx.Decoder.default_config()
        for key, value in (('-hmm', MODEL + '/en-us'), ('-dict', folder + '/phones.dic'), ('-fsg', folder + '/u.fsg'), ('-logfn', '/dev/null')):
            c.set_string(key, value)
        for key, value in (('-beam', 1e-80), ('-wbeam', 1e-80), ('-pbeam', 1e-80), ('-silprob', 0.1), ('-lw', 1.0), ('-wip', 1.0)):
            c.set_float(key, value)
        c.set_boolean('-bestpath', False)
        decoder = pocketsphinx.Decoder(c)
        decoder.start_utt()
        decoder.process_raw(pcm, False, True)
        decoder.end_utt()
        found = [(s.word.lower(), s.start_frame * 10.0, (s.end_frame + 1) * 10.0) for s in decoder.seg() if s.word != '(NULL)']
    return [('pau' if w in ('<sil>', 'sil') else w, a + EARLY_MS * (a > 0), b + EARLY_MS) for w, a, b in found]
