"""What German texts ask, complain, praise and want with."""

from __future__ import annotations

from typing import Final

from nlp.cues import Cues

DE: Final = Cues(
    openers=(
        (
            r"(?:wer|was|wann|wo|wie|warum|wieso|weshalb|welche[rsnm]?|woher|wohin) "
            r"(?:ist|sind|war|kann|konnen|konnte|wird|werden|hat|haben|gibt|finde|"
            r"bekomme|geht|lauft|"
            r"kommt|kostet|macht|mache|soll|muss|lange|viel|viele|oft|heisst|kriege|andere"
        ),
        r"funktioniert)",
        (
            r"(?:weiss|weis|kennt|hat|kann|hatte|gibt|habt|ist|sind|lauft|geht|kommt|kostet|lohnt|"
            r"bietet|funktioniert|darf|muss|soll) "
            r"(?:jemand|schon jemand|hier jemand|es|ihr|man|das|der|die|ich|sich)"
        ),
    ),
    asks=(
        r"(?:weiss|hat|kennt|kann) (?:hier |schon |zufallig )?(?:jemand|wer|einer)",
        (
            r"(?:frage mich|wusste gern|wurde gerne? wissen|mochte wissen|wollte "
            r"fragen|hatte eine frage)"
        ),
        r"(?:konnt ihr|konnen sie|kannst du) (?:mir )?(?:bitte )?(?:sagen|erklaren|verraten)",
        r"(?:kurze|eine|mal ne) frage",
    ),
    rhetorical=(
        r"echt(?: jetzt)?|ernsthaft|euer ernst|ist das euer ernst|was soll (?:das|der)",
        r"wie kann (?:man|das) (?:nur|so|sein)",
        r"(?:warum|wieso) (?:ist|sind|muss|geht)\b.*(?:immer|standig|schon wieder|so|nie)",
    ),
    wishes=(
        r"bitte(?! ?(?:schon|sehr))",
        r"(?:konnt|konntet|wurdet) ihr(?! (?:mir )?(?:bitte )?(?:sagen|erklaren|verraten))",
        r"(?:konnen|konnten|wurden) sie(?! (?:mir )?(?:bitte )?(?:sagen|erklaren))",
        r"(?:kannst|konntest|wurdest) du|(?:kann|konnte) (?:mir|uns) (?:jemand|wer)",
        (
            r"(?:brauche|benotige|brauchen|suche) (?:\w+ )?(?:hilfe|unterstutzung|"
            r"ersatz|ruckruf|rechnung)"
        ),
        (
            r"(?:mochte|will|hatte gerne?|fordere|verlange) (?:\w+ )?"
            r"(?:geld|erstattung|ersatz|ruckerstattung|umtausch|kundigen|stornieren|rechnung)"
        ),
        r"geld zuruck",
        r"meldet euch|melden sie sich|ruft mich|schreibt mir|schickt mir|sagt (?:mir )?bescheid",
        r"(?:ware|fande es) (?:\w+ )?(?:toll|schon|super|gut|cool|klasse|nett|praktisch)",
        r"(?:wunsche|wunschte) (?:mir|ihr)|helft mir|hilfe gesucht",
        r"(?:wurde mich (?:uber|freuen))",
    ),
    hints=(r"^(?:baut|bringt|macht|fugt|andert|nehmt|lasst|gebt|stoppt|behebt)",),
    blames=(
        r"frechheit|unverschamt|unverschamtheit|unmoglich|skandal|katastrophe|katastrophal|sauerei",
        r"schlechteste[rsnm]?|miserabel|mies|mieser?|grottig|grauenhaft|furchtbar|schrecklich",
        r"enttausch(?:t|end|ung)",
        r"nie wieder|nie mehr|finger weg|abzocke|betrug|betruger|geldverschwendung|schrott|mull",
        r"(?:immer noch|noch immer|weiterhin) (?:nicht|kein\w*|nichts)",
        r"(?:warte|wartet|warten) (?:\w+ )?(?:seit|schon|immer noch)|seit \w+ (?:\w+ )?warte",
        r"niemand (?:\w+ )?(?:antwortet|reagiert|meldet|hilft|erreichbar)|keine antwort",
        r"kaputt|defekt|funktioniert (?:\w+ )?(?:nicht|nie|kaum)|geht (?:\w+ )?nicht(?! um)",
        r"sturzt (?:\w+ )*ab|abgesturzt|lacherlich|unbrauchbar|nervt|zum kotzen|scheisse",
        r"unfreundlich|inkompetent|peinlich|armselig",
    ),
    troubles=(
        r"beschadigt|fehler|fehlerhaft|verspatet|verspatung|zu spat|langsam|verloren",
        r"schlecht\w*|teuer|falsch|storung|ausfall|probleme?|arger|argerlich|beschwerde|schade",
        r"schon wieder|standig|dauernd|zum dritten mal|nur noch",
    ),
    lauds=(
        r"danke|dankeschon|vielen dank|herzlichen dank",
        r"(?:ich )?liebe (?:diese\w*|das|die|den|euer\w*|es|mein\w*)",
        r"super (?:\w+)|toll(?:e[rsnm]?)? (?:service|team|arbeit|produkt|qualitat|beratung)",
        r"begeistert|grossartig|hervorragend|ausgezeichnet|fantastisch|genial|perfekt|klasse",
        r"spitze",
        r"(?:das |der |die )?beste[rsn]?|lob|empfehlenswert|empfehle|weiterempfehlen|gerne wieder",
        r"(?:sehr|richtig|total|rundum|so) (?:zufrieden|glucklich|gut|nett|freundlich|froh)",
        r"gut gemacht|gute arbeit|weiter so",
    ),
    joys=(r"gut|schon|freue|zufrieden|nett|freundlich|schnell|endlich|lecker|super|toll|prima",),
    negations=(r"nicht|kein\w*|nie|niemals|weder|ohne|wenig",),
    idioms=(r"nicht schlecht|nichts zu (?:meckern|beanstanden)|kann nicht meckern|keine probleme",),
)
