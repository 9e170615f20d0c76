"""What labels are called, and how they say that nothing is wrong, in the languages of loggers."""

import re

from longstride.pipeline.profile.words.time_names import plain

__all__ = ["is_label_name", "is_target_name", "may_be_label_name", "names_normal", "says_normal"]

STRONG = """
label labelled labeled anomaly anomalies anomalous anom abnormal abnormality attack fault faulty faulted failure
outlier changepoint defect defective intrusion groundtruth malicious malfunction breakdown misbehavior misbehaviour
ytrue ylabel
anomalie anomalien anomalia anomalía störung stoerung fehler ausfall störfall defekt angriff
défaut defaut panne défaillance defaillance attaque étiquette etiquette
falla fallo avería averia ataque etiqueta falha avaria guasto attacco etichetta
fehlerhaft gestört defectueux défectueux anormal anormale anomalo anomalía anómalo defectuoso difettoso
неисправен 고장 이상 결함 공격 라벨 레이블
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
fail failed fails trip tripped ok nok ng pass passed warning warn incident maintenance damage damaged degraded
degradation severity risk crack blocked clogged stuck diagnosis scrap reject rejected bad annotation annotated
prediction predicted pred classification
alarme alarma allarme larm zustand état etat estado stato toestand stan tila klasse classe clase
condición ereignis warnung wartung meldung störmeldung состояние тревога 报警 告警 警報 警告 泄漏 상태 경보 알람
статус класс 状态
狀態 状態 类别
"""
"""Names of labels, and of channels."""
FILLERS = "is has flag flags of the bin binary true"
QUALIFIERS = """
type id code kind n no nr num number score index machine system name hidden detected detection required within
aktiv actif attivo activo level mode will has quality klasse
typ 代码 코드
"""
"""What such a word is together with is a label too, or a number that says something of it."""
JOINED = re.compile(
    r"(is|has)?(?P<base>\w+?)(s?label|s?labels|s?flag|フラグ|ラベル|検知|标志|标记|标签|检测|플래그|여부"
    r"|(?P<kind>klasse|code|typ|type|id|代码|코드))?"
)
TARGETS = (
    r"rul|ttf|soh|stateofhealth|toolwear|remainingusefullife|remaininglife|timetofailure|restlebensdauer"
    r"|cyclestofailure"
)
NORMAL = """
normal benign healthy nominal regular normale normaal normalny normalne gesund normalbetrieb sain sano
норма нормально исправен исправно 정상 正常
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
NORMAL_OR_ATTACK = {"normalattack", "attackattack", "attflag", "attflags"}


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
    found = JOINED.fullmatch(word)
    if found is None or found["base"] not in STRONG_WORDS | WEAK_WORDS:
        return [word]
    return [found["base"], *([found["kind"]] if found["kind"] else [])]
