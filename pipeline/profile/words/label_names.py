"""What labels are called, and how they say that nothing is wrong, in the languages of loggers."""

import re

from longstride.pipeline.profile.words.time_names import plain

__all__ = ["is_label_name", "is_target_name", "may_be_label_name", "names_normal", "says_normal"]

STRONG = """
label anomaly anomalies anomalous abnormal abnormality attack fault failure outlier changepoint defect intrusion
groundtruth malicious malfunction breakdown misbehavior misbehaviour
anomalie anomalien anomalia anomalía störung stoerung fehler ausfall störfall defekt angriff
défaut defaut panne défaillance defaillance attaque étiquette etiquette
falla fallo avería averia ataque etiqueta falha avaria guasto attacco etichetta
storing afwijking aanval usterka awaria etykieta atak fel feil fejl avvikelse avvik afvigelse vika virhe poikkeama
arıza ariza poruha závada meghibásodás hiba
аномалия авария
неисправность отказ
атака метка 异常 異常 故障 攻击
标签 標籤 ラベル
"""
WEAK = """
y class cls target normal alarm alert status state event error broken leak leakage condition health drift
truth gt fraud contamination activity result outcome category
alarme alarma allarme larm zustand état etat estado stato toestand stan tila klasse classe clase
condición ereignis статус класс 状态
狀態 状態 类别
"""
"""Names of labels, and of channels."""
FILLERS = "is has flag flags of the bin binary true"
QUALIFIERS = "type id code kind n no nr num number score index machine system name hidden"
"""What such a word is together with is a label too, or a number that says something of it."""
TARGETS = r"rul|ttf|remainingusefullife|remaininglife|timetofailure|restlebensdauer|cyclestofailure"
NORMAL = """
normal benign healthy nominal regular normale normaal normalny normalne gesund normalbetrieb sain sano
норма нормально 正常
"""
NOTHING = """
ok good none no false 0 0.0 - io i.o. i.o gut nein kein keine keiner ohne bon non aucun aucune bien ninguno ninguna
nessuno nessuna geen nee nie brak nej ingen ei não nao nenhum nenhuma bom buono faux falsch falso
нет 无 無 否
"""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


STRONG_WORDS, WEAK_WORDS, QUALIFYING = _words(STRONG) | {"event"}, _words(WEAK), _words(QUALIFIERS)
FILLING, NORMAL_WORDS = _words(FILLERS), _words(NORMAL)
NOTHING_WORDS = _words(NOTHING)
NORMAL_OR_ATTACK = {"normalattack", "attackattack"}


def is_label_name(name: str) -> bool:
    """Whether a name says nothing else than that it is a label: is_anomaly, anomaly_label, Faults."""
    words = _split(name)
    return bool(words) and not re.search(r"\d", name) and all(word in STRONG_WORDS for word in words)


def may_be_label_name(name: str) -> bool:
    """Whether a name is one of labels and of channels, or has such a word: Class, attack_type, Machine failure."""
    words = _split(name)
    if plain(name) in NORMAL_OR_ATTACK or any(word in STRONG_WORDS - {"event"} for word in words):
        return True
    named = [word for word in words if word not in QUALIFYING]
    return bool(named) and all(word in WEAK_WORDS | STRONG_WORDS for word in named)


def is_target_name(name: str) -> bool:
    """Whether a name is one of a number that models should find, such as the remaining useful life."""
    return re.fullmatch(TARGETS, plain(name)) is not None or bool(
        {"anomaly", "outlier"} & set(_split(name))  # such as the score of another model
    )


def says_normal(text: str) -> bool:
    """Whether a text of a label says that nothing is wrong."""
    return names_normal(text) or text.strip().lower() in NOTHING_WORDS


def names_normal(text: str) -> bool:
    """Whether a text says so wherever it stands."""
    return text.strip().lower() in NORMAL_WORDS


def _split(name: str) -> list[str]:
    """Words of a name, without those that say nothing."""
    bare = re.sub(r"[(\[].*?[)\]]", "", name) or name
    apart = re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|(?<=[a-z])(?=[A-Z])", " ", bare)
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", apart)]
    found: list[str] = []
    for word in words:
        known = next((one for one in (word, word.removesuffix("s")) if one in STRONG_WORDS | WEAK_WORDS), None)
        found += [known] if known else [word] if word in QUALIFYING else _joined(word)
    kept = [word for word in found if word not in FILLING]
    if "ground" in kept and "truth" in kept:
        kept = [word for word in kept if word not in ("ground", "truth")] + ["groundtruth"]
    if "change" in kept and "point" in kept:
        kept = [word for word in kept if word not in ("change", "point")] + ["changepoint"]
    return kept


def _joined(word: str) -> list[str]:
    """Words that are written as one, such as isanomaly and anomalylabel."""
    found = re.fullmatch(r"(is)?(\w+?)(s?label|s?labels|s?flag)?", word)
    base = found[2] if found else word
    return [base] if base in STRONG_WORDS | WEAK_WORDS else [word]
