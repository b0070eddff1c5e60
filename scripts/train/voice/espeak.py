"""espeak-ng's library: speech with its phoneme events. The command line tells phones for MBROLA voices only."""
import ctypes
import wave

from phones import of_ipa

VOWELS = set('aa ae ah ao aw ax ay eh er ey ih iy ow oy uh uw uy oe'.split())
STOPS = set('p b t d k g'.split())
LATE_MS = 35.0                  # of its vowels and stops; see speech.py
RATE, PITCH, RANGE = 1, 3, 4    # espeak_PARAMETER


class _Id(ctypes.Union):
    _fields_ = [('number', ctypes.c_int), ('name', ctypes.c_char_p), ('string', ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [('type', ctypes.c_int), ('uid', ctypes.c_uint), ('text_position', ctypes.c_int), ('length', ctypes.c_int),
                ('audio_position', ctypes.c_int), ('sample', ctypes.c_int), ('user_data', ctypes.c_void_p), ('id', _Id)]


class _Voice(ctypes.Structure):      # languages: a priority byte, then the name
    _fields_ = [('name', ctypes.c_char_p), ('languages', ctypes.c_void_p), ('identifier', ctypes.c_char_p)] + \
               [(n, ctypes.c_ubyte) for n in ('gender', 'age', 'variant', 'xx1')] + [('score', ctypes.c_int), ('spare', ctypes.c_void_p)]


class Espeak:
    """One per process, as the library's state is."""

    def __init__(self):
        self.lib = ctypes.CDLL('libespeak-ng.so.1')
        self.rate = self.lib.espeak_Initialize(2, 0, None, 3)          # synchronous retrieval, phoneme events, in IPA
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
                self.events.append((event[i].audio_position, event[i].id.string.decode('utf8', 'ignore')))
            i += 1
        return 0

    def speak(self, text, voice, wav, speed, pitch=50, range_=50):
        """-> [(phone, startMs, endMs)], our names; `voice` is LANGUAGE+VARIANT, pitch and range 0..99. Raises OSError if there is no such voice."""
        self.audio, self.events = [], []
        language, _, variant = voice.partition('+')
        name = self.files.get(language, language) + ('+' + variant if variant else '')
        if self.lib.espeak_SetVoiceByName(name.encode()) != 0:
            raise OSError('espeak-ng has no voice ' + voice)
        for parameter, value in ((RATE, int(175 * speed)), (PITCH, pitch), (RANGE, range_)):
            self.lib.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        self.lib.espeak_Synth(data, len(data) + 1, 0, 1, 0, 1, None, None)
        self.lib.espeak_Synchronize()
        pcm = b''.join(self.audio)
        with wave.open(wav, 'wb') as w:
            w.setnchannels(1), w.setsampwidth(2), w.setframerate(self.rate), w.writeframes(pcm)
        starts = []
        for at, (ms, name) in enumerate(self.events):
            ours = of_ipa(name, language)
            end = self.events[at + 1][0] if at + 1 < len(self.events) else ms
            for k, phone in enumerate(ours):
                begin = ms + (end - ms) * k / len(ours)
                early = LATE_MS if phone in VOWELS | STOPS else 0
                before = max(0.0, begin - starts[-1][1]) if starts else begin      # the phone before keeps at least 40 % of its length
                starts.append((phone, begin - min(early, 0.6 * before)))
        phones = [('pau', 0.0, starts[0][1])] if starts and starts[0][1] > 0 else []
        total = len(pcm) / 2 / self.rate * 1000
        for k, (phone, ms) in enumerate(starts):
            phones.append((phone, ms, starts[k + 1][1] if k + 1 < len(starts) else total))
        return [p for p in phones if p[2] > p[1]]
