"""Words for two states of a thing, in the languages of loggers."""

__all__ = ["TRUTH_WORDS"]

PAIRS = """
false true, f t, no yes, n y, off on, closed open, close open, closed opened, stopped running, stop run,
stop start, inactive active, disabled enabled, disable enable, down up, low high, absent present,
disconnected connected, offline online, unlocked locked, idle busy, idle running, released pressed,
unplugged plugged, not_charging charging, discharging charging, normal alarm, ok alarm, ok fault, ok error,
normal fault, normal abnormal, good bad, pass fail, clear active, dry wet, empty full, night day,
manual auto, standby on, clear detected, inactive alarm, falsch wahr, n j, zu auf, zu offen, inaktiv aktiv,
geschlossen offen geöffnet auf, nein ja, aus an ein, abgeschaltet eingeschaltet,
ausgeschaltet eingeschaltet, gestoppt läuft, steht läuft, faux vrai, non oui, arrêt marche, arrêté démarré,
inactif actif, fermé ouvert, fermée ouverte, éteint allumé, désactivé activé, falso verdadero, no sí si,
apagado encendido, apagada encendida, cerrado abierto, cerrada abierta, inactivo activo, parado marcha,
desactivado activado, falso vero, spento acceso, chiuso aperto, chiusa aperta, fermo marcia,
disattivo attivo, falso verdadeiro, não sim, nao sim, inativo ativo, desligado ligado, fechado aberto,
fechada aberta, parado ligado, desativado ativado, onwaar waar, nee ja, uit aan, dicht open, gesloten open,
nie tak, wyłączony włączony, wyłączone włączone, wył zał, zamknięty otwarty, zamknięte otwarte,
fałsz prawda, ne ano, vypnuto zapnuto, vypnutý zapnutý, zavřeno otevřeno, nie áno, vypnuté zapnuté,
zatvorené otvorené, nej ja, av på, från till, stängd öppen, fra til, slukket tændt, lukket åben, nei ja,
lukket åpen, stengt åpen, ei kyllä, ikke ja, pois päälle, pois päällä, kiinni auki, seis käy, nem igen,
ki be, zárva nyitva, nu da, oprit pornit, închis deschis, inchis deschis, ne da, isključeno uključeno,
iskljuceno ukljuceno, zatvoreno otvoreno, izklopljeno vklopljeno, izključeno vključeno, hayır evet,
hayir evet, kapalı açık, kapali acik, yanlış doğru, нет да, выкл вкл, выключено включено, выключен включен,
закрыто открыто, закрыт открыт, стоп пуск, ложь истина, ні так, вимк увімк, вимкнено увімкнено,
закрито відкрито, не да, изкл вкл, изключено включено, затворено отворено, όχι ναι, κλειστό ανοιχτό,
κλειστό ανοικτό, tidak ya, mati nyala, mati hidup, tutup buka, không có, tắt bật, ปิด เปิด, ไม่ ใช่, לא כן,
כבוי דלוק, סגור פתוח, لا نعم, مغلق مفتوح, نہیں ہاں, नहीं हाँ, बंद चालू, 关 开, 關 開, 否 是, 关闭 打开,
关闭 开启, 關閉 開啟, 停止 运行, 停止 運行, 停止 启动, 假 真, 停 开, 断开 闭合, 离线 在线, 停止 運転, 切 入,
いいえ はい, オフ オン, 閉 開, 偽 真, 無効 有効, 정지 운전, 정지 가동, 꺼짐 켜짐, 끔 켬, 아니오 예,
아니요 예, 닫힘 열림, 거짓 참, 해제 설정
"""
"""The word for 0, and those for 1."""
TRUTH_WORDS = {
    frozenset((zero, one)): (zero, one)
    for zero, *ones in map(str.split, PAIRS.replace("\n", " ").split(","))
    for one in ones
}
"""The word for 0 and that for 1, by both of them in lower case."""
