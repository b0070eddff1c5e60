"""Sentences to be spoken: our own words in our own templates, made from a seed. Every English phone is common in them, the lips' sounds most of all.

  python3 sentences.py --count 20 --seed 1
"""
import argparse
import random

NOUNS = """apple baby paper pepper bubble bamboo puppy mother summer hammer memory moment movie problem people bottle table
ladder button letter water river feather father weather leather thief month mouth tooth path thumb van fever coffee sofa village
valley wave oven glove fish dish ship shop sugar shoulder ocean vision treasure garage measure church chair picture kitchen bridge
judge jungle orange garden kangaroo cake sock clock kite goose tiger eagle finger singer king spring string ring song window wagon
whale wheel winter wolf woman yard yellow onion union yacht lemon lake lion line hill pillow shell rabbit road arrow carrot forest
mirror horse bird girl nurse turtle purple flower power tower hour mouse house cloud boy toy coin voice noise boat road rope phone
home moon spoon school shoe juice room book cook foot wood bush cup bus duck mud love money honey cat map lamp camp stamp bag hat
egg bed bread desk guest tea tree sea leaf beach meal team bee key piano rice bike light night time child eye ice sky bay day game
lake train rain snake name plate day law dog ball song thought autumn lobster market harbour number member chamber""".split()
VERBS = """pick bring make move buy borrow pump bump open close push pull show shave save give leave love find follow offer
visit view wave throw thank breathe think watch catch choose teach judge join enjoy jump draw write read rub rob rip rinse wash
wish wear want win walk work use measure imagine map mix miss mash melt boil beat build bake bite paint pour pass park keep kick cook
call carry clean cut count dig drop drink drive taste touch take tell sell sing sew send stop stamp sip sweep spoil spell heat hide
hear hope hold harm like lift lose load look need name know knit feed feel fill fix fold forget fumble""".split()
ADJECTIVES = """big small happy purple blue brown bright warm cold empty simple public modern famous brave heavy fluffy fifty five
leafy tough rough smooth both thin thick other southern shy sharp fresh cheap rich huge orange strange large quick cosy young yellow
cute few new true cool full good wooden wild wide white quiet sweet silver silent safe soft sour loud round proud royal noisy open
old lonely low slow calm dark sharp hard early first third nervous merry very pretty red ready heavy better best deep green cheap
easy busy nice fine high mild tiny grey plain late tall long wrong small awful""".split()
NAMES = 'Peter Bob Emma Mary Philip Vivian Thomas Judith Sharon Charlie George Zoe Sam Anna Mark Lynn Ruth Oliver Hugo Yvonne Wendy Paul'.split()
PLACES = """at home|in the park|by the river|on the bus|above the village|from the bathroom|behind the shop|over the bridge|
for the first time|before five|after the movie|with my mother|without a map|under the moon|in February|at half past seven|
on Monday morning|near the harbour|every other month|both times|for a while|through the bamboo""".replace('\n', '').split('|')
TEMPLATES = """{N} will {v} the {a} {n} {p}.|The {a} {n} and the {n} {v} {p}.|Could you {v} my {a} {n}, please?|
I never {v} a {n} {p}.|Why would {N} {v} {p}?|We {v} {number} {a} {n}s, but they {v} none.|{N} and {N} {v} the {n}.|
Maybe it is a {a} {n}; maybe not.|What a {a} {n}!|{n}. {n}. {n}.|No, {N}, the {n} is {a} and {a}.|{p}, {N} may {v} the {n}.|
{number}, {number}, {number}.|Please {v} it, {v} it, and {v} it again.|My {n} was {a}, so I {v} yours.|{word} {word} {word} {word} {word}.|
{word} {word} {word}.|{a} {n}, {a} {n}, {a} {n}.|They say that a {n} should {v} the {a} {n} {p}.""".replace('\n', '').split('|')
NUMBERS = 'one two three four five six seven eight nine ten eleven twelve thirteen fifteen twenty forty fifty ninety hundred thousand'.split()
ONSETS = 'p b t d k g f v th s z sh ch j m n l r w y h pl bl pr br fl fr sp st sm sn tr dr kl kr gr sw tw'.split()
RHYMES = 'a ay ee oo oh ow ie oy or ar ap ab am av af ip ib im eep eeb oom oop ope obe ome ash etch ith oth ove uff ut ock ing ong'.split()


def sentences(count, seed):
    """-> list of `count` sentences, the same for the same seed"""
    rng = random.Random(seed)
    fillers = {'n': NOUNS, 'v': VERBS, 'a': ADJECTIVES, 'N': NAMES, 'p': PLACES, 'number': NUMBERS, 'word': NOUNS + VERBS + ADJECTIVES}
    out = []
    for _ in range(count):
        if rng.random() < 0.1:                      # words of no language, for the combinations that words lack
            text = ' '.join(rng.choice(ONSETS) + rng.choice(RHYMES) for _ in range(rng.randint(3, 7))) + '.'
        else:
            text = rng.choice(TEMPLATES)
            for key, words in fillers.items():
                while '{%s}' % key in text:
                    text = text.replace('{%s}' % key, rng.choice(words), 1)
        out.append(text[0].upper() + text[1:])
    return out


if __name__ == '__main__':
    p = argparse.ArgumentParser()
    p.add_argument('--count', type=int, default=20)
    p.add_argument('--seed', type=int, default=1)
    a = p.parse_args()
    print('\n'.join(sentences(a.count, a.seed)))
