"""Names of months as twenty-five languages write them, to the English ones that strptime reads."""

__all__ = ["ENGLISH", "SEVERAL"]

NAMES = {
    "Jan": (
        "siječanj siječnja sij januarja ian ianuarie януари яну ян січень "
        "jaan saus січ січня ιαν ιανουαρίου "
        "ene enero gen gennaio janeiro januar januari január janv janvier led leden ledna oca ocak sty "
        "styczeń stycznia tammi tammikuu tammikuuta янв январь января"
    ),
    "Feb": (
        "veljača veljače velj februarja februarie февруари лютий "
        "veebr vas фев fév лют лютого φεβ φεβρουαρίου "
        "febbraio febr febrero februar februari február fev fevereiro fevrier févr février helmi "
        "helmikuu helmikuuta lut lutego luty úno únor února şub şubat февр февраль февраля"
    ),
    "Mar": (
        "ožujak ožujka ožu marec martie maret березень "
        "märts kov бер березня μαρ μαρτίου "
        "bře březen března maalis maaliskuu maaliskuuta maart maerz marca mars mart marts marzec marzo "
        "março mrt mrz márc március mär märz мар март марта"
    ),
    "Apr": (
        "travanj travnja aprila aprilie април квітень "
        "apr bal кві квітня απρ απριλίου "
        "abr abril aprile avr avril dub duben dubna huhti huhtikuu huhtikuuta kwi kwiecień kwietnia nis "
        "nisan ápr április апр апрель апреля"
    ),
    "May": (
        "svibanj svibnja svi травень "
        "geg тра травня μαΐ μαΐου "
        "kvě květen května mag maggio mai maio maj maja mayo mayıs mei máj május touko toukokuu toukokuuta май мая"
    ),
    "Jun": (
        "lipanj lipnja junij junija iun iunie юни червень "
        "juuni birž чер червня ιουν ιουνίου "
        "cze czerwca czerwiec giu giugno haz haziran juin junho juni junio jún június kesä kesäkuu "
        "kesäkuuta červen června čvn июн июнь июня"
    ),
    "Jul": (
        "srpanj srpnja julij julija iul iulie юли липень "
        "juuli liep лип липня ιουλ ιουλίου "
        "heinä heinäkuu heinäkuuta juil juillet julho juli julio júl július lip lipca lipiec lug luglio "
        "tem temmuz července červenec čvc июл июль июля"
    ),
    "Aug": (
        "kolovoz kolovoza kol avg avgust avgusta agu серпень "
        "aug rugp сер серпня αυγ αυγούστου "
        "ago agosto aout août augusti augustus augusztus ağu ağustos elo elokuu elokuuta sie sierpień "
        "sierpnia srp srpen srpna авг август августа"
    ),
    "Sep": (
        "rujan rujna ruj septembra septembrie септември сеп вересень "
        "rugs сен вер вересня σεπ σεπτεμβρίου "
        "eyl eylül sept septembre septiembre set setembro settembre syys syyskuu syyskuuta szept "
        "szeptember wrz wrzesień września zář září сент сентябрь сентября"
    ),
    "Oct": (
        "oktobra octombrie октомври жовтень "
        "spal жов жовтня οκτ οκτωβρίου "
        "eki ekim loka lokakuu lokakuuta octobre octubre okt oktober október ott ottobre out outubro paź "
        "październik października říj říjen října окт октябрь октября"
    ),
    "Nov": (
        "studeni studenoga studenog stu noi noiembrie ноември ное листопад "
        "nov lapkr ноя лис листопада νοε νοεμβρίου "
        "kas kasım lis listopad listopada listopadu marras marraskuu marraskuuta novembre novembro "
        "noviembre нояб ноябрь ноября"
    ),
    "Dec": (
        "prosinac prosinca decembra decembrie декември грудень "
        "dets gruod гру грудня δεκ δεκεμβρίου "
        "ara aralık decembre des desember dez dezember dezembro dic dicembre diciembre déc décembre gru "
        "grudnia grudzień joulu joulukuu joulukuuta pro prosince prosinec дек декабрь декабря"
    ),
}
"""Bulgarian, Croatian, Czech, Danish, Dutch, Estonian, Finnish, French, German, Greek, Hungarian, Indonesian,
Italian, Lithuanian, Norwegian, Polish, Portuguese, Romanian, Russian, Serbian, Slovenian, Spanish, Swedish,
Turkish and Ukrainian, whole and short, as Unicode has them."""
SEVERAL = {
    "lip": ("Jul", "Jun"),
    "srp": ("Aug", "Jul"),
    "lis": ("Nov", "Oct"),
    "listopad": ("Nov", "Oct"),
    "listopada": ("Nov", "Oct"),
}
"""Names that are read as the first, as in Polish or Czech, and are the second in Croatian."""

ENGLISH = {name: month for month, names in NAMES.items() for name in names.split()}
"""Short English name of each, by its name in small letters without a point."""
