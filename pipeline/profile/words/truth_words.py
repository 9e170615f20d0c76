"""Words for two states of a thing, in the languages of loggers."""

__all__ = ["TRUTH_WORDS"]

PAIRS = """
false true, f t, no yes, n y, off on, closed open, close open, closed opened, stopped running, stop run,
stop start, inactive active, disabled enabled, disable enable, down up, low high, absent present,
disconnected connected, offline online, unlocked locked, idle busy, idle running, released pressed,
unplugged plugged, not_charging charging, discharging charging, normal alarm, ok alarm, ok fault, ok error,
normal fault, normal abnormal, good bad, pass fail, clear active, dry wet, empty full, night day,
manual auto, standby on, clear detected, inactive alarm, falsch wahr, nein ja, n j, aus ein, aus an, zu auf,
geschlossen offen, geschlossen ge\u00f6ffnet, inaktiv aktiv, gestoppt l\u00e4uft, faux vrai, non oui,
arr\u00eat marche, ferm\u00e9 ouvert, ferm\u00e9e ouverte, inactif actif, falso verdadero, no s\u00ed, no si,
apagado encendido, cerrado abierto, cerrada abierta, inactivo activo, falso vero, spento acceso,
chiuso aperto, falso verdadeiro, n\u00e3o sim, desligado ligado, fechado aberto, nee ja, uit aan
"""
TRUTH_WORDS = {frozenset(pair.split()): tuple(pair.split()) for pair in PAIRS.replace("\n", " ").split(",")}
"""The word for 0 and that for 1, by both of them in lower case."""
