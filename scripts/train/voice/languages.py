"""Words of languages other than English, and strings of them to be spoken. Common words that anybody knows, with the lips' sounds in most.

sentences(count, seed, language) -> list of strings; numbers are left as digits, so that the language's voice reads them.
"""
import random

WORDS = {
    'de': """Mama Papa Apfel Butter Baum Buch Bild Blume Fenster Vogel Wasser Wetter Woche Himmel Sommer Morgen Abend Fisch Tisch Schule
Straße Spiegel Zug Zeit zwei zwölf Pferd Pfanne Kopf Topf Lampe kaufen laufen bleiben geben nehmen kommen machen möchten können müssen
schön grün blau braun warm kalt früh spät immer nie über unter Mühe Tür Öl böse Haus Maus Leute Freund Feuer Eis klein mein bald""",
    'fr': """maman papa pomme pain beurre bonjour bateau beau bleu brun blanc vent vin pont bon chambre campagne fenêtre feuille fleur
famille femme homme jambe lampe eau oiseau rue lune musique voiture vache chapeau jardin jouer manger boire vouloir pouvoir savoir
faire parler demain matin soir toujours jamais peu deux neuf huit nuit lui oui moi petit grand vieux jeune peur cœur sœur plume""",
    'es': """mamá papá bebé abuelo boca beso vino vaca vida verde blanco bueno pequeño mañana amigo amor agua fuego fuente puerta pueblo
playa perro gato lobo nube noche hambre hombre nombre siempre también cabeza mesa libro lápiz jamón queso leche zapato calle lluvia
hijo ojo rojo jugar beber vivir hablar poder querer saber comprar nueve diez cien rápido fácil muy poco mucho""",
    'it': """mamma papà bambino bello buono bosco bocca pane pizza pomodoro ponte porta vino vento verde bianco blu uomo donna amico
famiglia figlio foglia moglie montagna campagna bisogno gnocchi sciarpa pesce mare luna lupo gatto cane albero libro tempo sempre
mai molto poco oggi domani ieri prima dopo parlare mangiare bere vivere potere volere sapere fare nove dieci cento""",
    'pt-br': """mamãe papai bebê bom boa pão mão não avó avô água fogo vento vinho verde branco azul homem mulher amigo família filho
folha trabalho manhã noite lua chuva peixe pássaro gato cachorro mesa livro porta janela cabeça boca beijo abraço falar beber
comer viver poder querer saber comprar nove dez cem sempre nunca também muito pouco hoje amanhã ontem bem""",
    'nl': """mama papa appel boter boom boek bloem brood vader moeder vogel vis water weer week wind winter zomer morgen avond huis
muis tuin trui buiten deur neus leuk uur vuur muur groen blauw bruin wit zwart klein groot school straat schip spiegel kopen lopen
blijven geven nemen komen maken moeten kunnen mogen altijd nooit over onder vijf zes acht elf bijna""",
    'pl': """mama tata baba babcia brat but buty biały błękit chleb masło mleko piwo woda wiatr wiosna lampa okno pies kot ptak ryba
dom droga drzwi miasto most pole las książka szkoła szafa życie żaba źródło ćma dziecko dzień noc zima lato jabłko ziemia mówić
pić jeść żyć kupować być mieć pięć sześć dziewięć zawsze nigdy bardzo mało dobrze wiem przyjaciel trzy wstążka""",
    'cs': """maminka tatínek babička bratr buchta bílý modrý chléb máslo mléko pivo voda vítr věc město most pole les kniha škola
skříň život žába pramen dítě den noc zima léto jablko země mluvit pít jíst žít koupit být mít pět šest devět vždycky nikdy velmi
málo dobře vím přítel tři řeka moře příběh pampeliška vlak vůz hvězda ovoce duben""",
    'sv': """mamma pappa barn bror bok blomma bröd fader moder fågel fisk vatten väder vecka vind vinter sommar morgon kväll hus mus
dörr näsa sju sjö stjärna skön kjol tjugo grön blå brun vit svart liten stor skola gata skepp spegel köpa springa bli ge ta komma
göra måste kunna alltid aldrig över under fem sex åtta elva nästan möbel öppna papper""",
    'fi': """mamma pappa mummo vauva poika pallo puu pöytä perhe pilvi puhua piippu mökki meri metsä mies maa maito muna muumi vesi
viisi vene veli vihreä valo yö työ tyttö hyvä pyörä kynä lumi kuu suu uusi kissa koira lintu kala kirja koulu ovi ikkuna omena
leipä voi juoda syödä elää ostaa olla aina koskaan paljon vähän tänään huomenna eilen ilma lampi kampa""",
    'tr': """anne baba bebek abla balık bal bulut beyaz mavi mor pembe para pazar pencere kapı kitap köprü köpek kedi kuş gün gül göz
güneş gümüş su süt şeker şehir çocuk çay çiçek ev yol yaz yıl ay ağaç dağ deniz rüzgar sabah akşam her zaman hiç çok az iyi kötü
bugün yarın dün konuşmak içmek yemek almak bilmek istemek beş altı sekiz bin elma armut""",
    'ru': """мама папа баба бабушка брат буква белый волна вода ветер весна лампа окно пёс кот птица рыба дом дорога дверь город мост
поле лес книга школа шкаф жизнь жаба ключ дитя день ночь зима лето яблоко земля говорить пить есть жить купить быть пять шесть
девять всегда никогда очень мало хорошо знаю друг три река море пух мёд люблю мяч щука цвет объём""",
    'hi': """माँ बाप बहन भाई पिता पानी फूल फल बाग बाज़ार बच्चा बिल्ली मछली आम मेज़ किताब कलम घर दूध चाय रोटी नमक सब्ज़ी पेड़ पहाड़ नदी
समुद्र हवा बादल बारिश सूरज चाँद तारा दिन रात सुबह शाम आज कल अब कब बहुत कम बड़ा छोटा अच्छा नया पुराना बोलना पीना खाना देखना
जाना आना करना मम्मी पापा भालू""",
    'ca': """mare pare avi boca bo bona blau blanc bosc pa poma porta pont vi vent verd home dona amic família fill fulla muntanya
camp llum lluna lloc peix mar gat gos arbre llibre temps sempre mai molt poc avui demà ahir abans després parlar menjar beure viure
poder voler saber fer nou deu cent pluja platja""",
}


def sentences(count, seed, language):
    """-> list of `count` strings, the same for the same seed"""
    rng, words = random.Random(seed), WORDS[language].split()
    out = []
    for _ in range(count):
        said = [rng.choice(words) if rng.random() < 0.93 else str(rng.choice([rng.randint(0, 20), rng.randint(0, 2000)]))
                for _ in range(rng.randint(2, 9))]
        for at in range(1, len(said)):
            if rng.random() < 0.12:
                said[at - 1] += ','
        out.append(' '.join(said) + rng.choice('..?!'))
    return out
