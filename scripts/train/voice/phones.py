"""Other people's names of phones -> ours: lower-case ARPAbet, and `uy` (French u), `oe` (French eu), `bh` (Spanish b between vowels).

of_ipa('t͡ʃ') -> ['ch']; of_festival('italian', 'dZ') -> ['jh']. Unknown names raise KeyError: a table that misses a sound should say so.
A trilled r is not an English one, whose lips are round: it moves the tongue alone, like dx and l.
"""
import unicodedata

CONSONANTS = {
    'p': 'p', 'b': 'b', 'm': 'm', 'ɱ': 'v', 'β': 'bh', 'ɸ': 'f', 'f': 'f', 'v': 'v', 'ʋ': 'v', 'θ': 'th', 'ð': 'dh', 't': 't', 'd': 'd',
    'ʈ': 't', 'ɖ': 'd', 'ɾ': 'dx', 'ɽ': 'dx', 'n': 'n', 'ɳ': 'n', 'ɲ': 'n', 'ŋ': 'ng', 's': 's', 'z': 'z', 'ʃ': 'sh', 'ʒ': 'zh', 'ʂ': 'sh',
    'ʐ': 'zh', 'ɕ': 'sh', 'ʑ': 'zh', 'ɧ': 'sh', 'ç': 'hh', 'x': 'hh', 'ɣ': 'hh', 'χ': 'hh', 'ʁ': 'hh', 'h': 'hh', 'ɦ': 'hh', 'ħ': 'hh',
    'ʔ': 'hh', 'k': 'k', 'g': 'g', 'ɡ': 'g', 'q': 'k', 'c': 'k', 'ɟ': 'g', 'l': 'l', 'ɫ': 'l', 'ɬ': 'l', 'ɭ': 'l', 'ʎ': 'l', 'ʟ': 'l', 'r': 'dx',
    'ɹ': 'r', 'ɻ': 'r', 'ʀ': 'hh', 'j': 'y', 'ʝ': 'y', 'w': 'w', 'ʍ': 'w', 'ɥ': 'uy', 'ɰ': 'hh'}
VOWELS = {
    'i': 'iy', 'ɪ': 'ih', 'ᵻ': 'ih', 'ɨ': 'ih', 'e': 'eh', 'ɛ': 'eh', 'æ': 'ae', 'a': 'aa', 'ɐ': 'ah', 'ɑ': 'aa', 'ɒ': 'aa', 'ɔ': 'ao', 'o': 'ao',
    'u': 'uw', 'ʊ': 'uh', 'ʉ': 'uw', 'ʌ': 'ah', 'ə': 'ax', 'ɘ': 'ax', 'ɤ': 'ax', 'ɯ': 'ih', 'ɜ': 'er', 'ɚ': 'er', 'ɝ': 'er', 'y': 'uy', 'ʏ': 'uy',
    'ø': 'oe', 'œ': 'oe', 'ɵ': 'oe', 'ɶ': 'oe'}
WHOLE = {'aɪ': 'ay', 'aʊ': 'aw', 'ɔɪ': 'oy', 'ɔø': 'oy', 'ɔʏ': 'oy', 'oʊ': 'ow', 'əʊ': 'ow', 'eɪ': 'ey', 'tʃ': 'ch', 'dʒ': 'jh', 'tɕ': 'ch', 'dʑ': 'jh',
         'tʂ': 'ch', 'dʐ': 'jh', 'ts': 't s', 'dz': 'd z', 'aɪɚ': 'ay er', 'aɪə': 'ay ax', 'aʊɚ': 'aw er', 'əl': 'l', '': 'pau'}
# Where a language's voice writes a sound with another's sign.
OWN = {'de': {'ɜ': 'ah'}, 'ru': {'y': 'ih'}, 'pt-br': {'y': 'ih'}, 'hi': {'c': 'ch', 'cʰ': 'ch', 'ɟ': 'jh'}, 'sv': {'sx': 'sh'},
       'cs': {'r\u031d': 'zh', 'r\u031d\u030a': 'sh'}}
# What says how, not what: length, stress, tone, breath, voice, place, nasality, ties, syllables.
SILENT = set("ːˑˈˌʰʱʲˠˤʷˀʼ˞|‿.-_^'\"~*#?!;:0123456789˥˦˧˨˩↓↑→↗↘ⁿˡ")


def of_ipa(name, language=''):
    """an espeak-ng phoneme in IPA -> list of ours, empty if it only colours the sound before; digits and punctuation are its marks for tones and pauses"""
    if name in OWN.get(language, {}):
        return [OWN[language][name]]
    clean = ''.join(c for c in unicodedata.normalize('NFD', name) if c not in SILENT and not unicodedata.combining(c))
    clean = clean if 'ç' not in unicodedata.normalize('NFC', name) else 'ç'
    if not clean and 'ʲ' in name:
        return []
    if clean in WHOLE:
        return WHOLE[clean].split()
    out, at = [], 0
    while at < len(clean):
        for length in (3, 2, 1):
            part = clean[at:at + length]
            if part in WHOLE or (length == 1 and (part in VOWELS or part in CONSONANTS)):
                break
        else:
            raise KeyError('no phone is known by the IPA name %r (%s)' % (name, ' '.join('%04x' % ord(c) for c in name)))
        out += WHOLE[part].split() if part in WHOLE else [VOWELS.get(part) or CONSONANTS[part]]
        at += len(part)
    return [out[0], 'er'] if len(out) == 2 and '˞' in name else out


_PLAIN = {**{x: x for x in 'p b t d k g f v s z m n l'.split()}, 'h': 'hh', 'j': 'y', 'w': 'w', 'r': 'dx', '#': 'pau', '_': 'pau', 'pau': 'pau',
          'a': 'aa', 'e': 'eh', 'i': 'iy', 'o': 'ao', 'u': 'uw'}


def _of(text):
    """'ours: theirs theirs, ours: theirs' -> {theirs: ours}"""
    return {theirs: ours.strip() for part in text.split(',') for ours, names in [part.split(':=')] for theirs in names.split()}


FESTIVAL = {
    'italian': {**_PLAIN, **_of('eh:=E E1 e1, ao:=O O1 o1, aa:=a1, iy:=i1, uw:=u1, sh:=S, zh:=Z, t s:=ts, ch:=tS, d z:=dz, jh:=dZ, n:=J nf, ng:=ng, '
                                'l:=L')},
    'czech': {**_PLAIN, **_of('aa:=a:, eh:=e:, iy:=i:, ao:=o:, uw:=u:, t s:=c, ch:=c~, hh:=ch, d:=d~, d z:=dz, jh:=dz~, ng:=n*, n:=n~, zh:=r~, sh:=r~* '
                              's~, t:=t~, zh:=z~')},
    'finnish': {**_PLAIN, **_of('uy:=y y:, ae:=@ @:, oe:=7 7:, ax:=&, aa:=a:, eh:=e:, iy:=i:, ao:=o:, uw:=u:, p:=p:, t:=t:, k:=k:, b:=b:, d:=d:, g:=g:, '
                                'f:=f:, th:=T T:, dh:=D:, s:=s:, sh:=S S:, z:=z:, zh:=Z:, hh:=h:, v:=v:, m:=m:, n:=n:, ng:=N N:, l:=L l: L:, dx:=r:, '
                                'y:=j:, w:=w:, pau:=##')},
    'catalan': {**_PLAIN, **_of('ax:=ax, aa:=a1, eh:=e1 E E1, iy:=i1, ao:=o1 O O1, uw:=u1, zh:=Z, sh:=S, n:=J, l:=L, dx:=rr')},
    'russian': {**_PLAIN, **_of('iy:=ii, ih:=yy y, uw:=uu, eh:=ee, ao:=oo, aa:=aa, ax:=ae ay ur, p:=pp, b:=bb, t:=tt, d:=dd, k:=kk, g:=gg, t s:=c, '
                                'ch:=ch, f:=ff, v:=vv, s:=ss, z:=zz, sh:=sh sch, zh:=zh, hh:=h hh, m:=mm, n:=nn, l:=ll, dx:=rr')},
    'hindi': {**_PLAIN, **_of('ah:=a @, aa:=aa, ih:=ih, iy:=iy, uh:=uh, uw:=uw, eh:=eh ee, ay:=ay, ao:=oh oo, aw:=aw, ch:=ch, t:=T th tth, d:=D dh ddh, '
                              'n:=N, y:=y, dx:=R, sh:=sh, jh:=j, k sh:=ksh, s dx iy:=sri, k:=kh, g:=gh, t:=td, b:=bh, zh:=zh, hh:=x, l:=L')},
}


def of_festival(language, name):
    """-> list of ours"""
    if language == 'english':
        return ['pau' if name in ('#', 'h#', 'pau') else name]
    return FESTIVAL[language][name].split()
