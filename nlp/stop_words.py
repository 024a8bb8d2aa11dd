"""Words that say nothing about what a text is about, beyond the usual stop words, by language.

Chosen by what was left at the top when phrases of tweets, posts and comments were counted. All are
written as tokens: without accents and apostrophes ("don't" is the tokens "don" and "t").
"""

from __future__ import annotations

from typing import Final


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_NET: Final = "rt via amp http https www lol omg wtf xd haha hahaha pls plz thx btw imo imho tbh"

FILLERS: Final = {
    "en": _words(
        f"""
        {_NET} smh fyi idk ffs lmao tho cuz gonna gotta wanna kinda dunno yeah yep yes
        nope nah ok
        okay hey hi hello oh ah ugh wow damn hell shit fuck fucking fuckin
        don didn doesn isn wasn aren weren won wouldn couldn shouldn hasn haven hadn ain
        ll ve re dont didnt doesnt isnt wasnt cant wont wouldnt couldnt im ive youre
        thats theres
        today tonight yesterday tomorrow lately recently already currently soon ago
        monday tuesday wednesday thursday friday saturday sunday weekend
        january february march april june july august september october november december
        thank thanks please sorry welcome dear guy guys man dude folks mate bro
        thing things stuff lot lots bit way ways kind sort sure
        actually literally honestly basically maybe probably finally seriously simply totally
        absolutely definitely apparently obviously exactly especially completely truly clearly
        get gets getting got gotten go goes going gone went come comes coming came
        know knows knew known knowing think thinks thinking thought want wants wanted wanting
        need needs needed let lets like likes liked feel feels feeling felt look looks looking
        looked say says saying said tell tells telling told try tries trying tried take
        takes taking took
        taken give gives giving gave given keep keeps keeping kept put start starts
        started starting
        make makes making made see seeing seen saw find finds finding found mean means meant
        guess hope hoping happen happens happened happening talk talking talked ask asked asking
        believe seem seems seemed end ends ended turn turned turns love loves loved hate
        hated hates
        wonder wondering wish right wrong true able instead far away else yet ever rather
        left leave leaving wait waiting waited read reading hear heard hearing anymore
        use uses using used buy buys buying bought posted post stood changed change sent send
        pick picked everybody somebody anybody nobody cent percent hundred thousand
        million billion second third fourth fifth half couple
        """
    ),
    "de": _words(
        f"""
        {_NET} heute gestern morgen immer noch schon mal gar halt eben eigentlich
        endlich wirklich
        bitte danke gerne leider vielleicht einfach ganz sehr mehr gibt geht kommt macht
        sagt hab
        haett waer montag dienstag mittwoch donnerstag freitag samstag sonntag leute ding dinge
        bisschen ja nein nee okay ok
        """
    ),
    "es": _words(
        f"""
        {_NET} jaja jajaja hoy ayer manana ahora siempre nunca gracias favor hola gente
        cosa cosas
        verdad mejor peor puede hace hacer decir va voy ser tener tengo quiero vez veces
        si no ya alguien sabe dice
        lunes martes miercoles jueves viernes sabado domingo
        """
    ),
    "fr": _words(
        f"""
        {_NET} mdr ptdr aujourd hui hier demain toujours jamais merci svp plait bonjour
        salut gens
        chose choses vraiment bien tres trop faire fait fais va vais veux veut dit oui non ca
        lundi mardi mercredi jeudi vendredi samedi dimanche
        """
    ),
    "it": _words(
        f"""
        {_NET} oggi ieri domani sempre mai grazie favore ciao gente cosa cose davvero
        proprio molto
        fare fatto faccio vuole voglio dire detto si no ok
        lunedi martedi mercoledi giovedi venerdi sabato domenica
        """
    ),
    "pt": _words(
        f"""
        {_NET} kkk kkkk kkkkk hoje ontem amanha sempre nunca obrigado obrigada favor oi
        ola gente
        coisa coisas verdade muito fazer fez faz vai vou quero ter dizer sim nao pra pro
        ta vc vcs
        segunda terca quarta quinta sexta sabado domingo
        """
    ),
}
"""They end a run, as stop words do."""

WEAK: Final = {
    "en": _words(
        """
        new old next good bad great best worst better worse nice big small long short
        real little high low early free full different time hour day week month year
        minute morning evening night moment people person everyone someone work working
        worked job world life company awful terrible horrible amazing awesome perfect
        happy sad angry excited
        """
    ),
    "de": _words(
        """
        neu neue neuen neuer neues alt alte erste ersten letzte gut gute guten schlecht
        zeit tag tage woche monat jahr stunde stunden uhr mensch menschen
        """
    ),
    "es": _words(
        """
        nuevo nueva nuevos nuevas primera primer ultimo ultima bueno buena buen malo
        mala gran tiempo dia dias semana mes ano anos hora horas minutos persona
        personas mundo vida
        """
    ),
    "fr": _words(
        """
        nouveau nouvelle nouveaux nouvelles premier premiere dernier derniere bon bonne
        mauvais grand grande temps jour jours semaine mois an ans annee heure heures
        monde vie personne
        """
    ),
    "it": _words(
        """
        nuovo nuova nuovi nuove primo prima ultimo ultima buono buona buon brutto gran
        tempo giorno giorni settimana mese anno anni ora ore mondo vita persona persone
        """
    ),
    "pt": _words(
        """
        novo nova novos novas primeiro primeira ultimo ultima bom boa mau ruim grande
        tempo dia dias semana mes ano anos hora horas mundo vida pessoa pessoas
        """
    ),
}
"""They stand in a phrase beside another word, but not alone and not among themselves."""

NO_STOPS: Final = {
    "en": _words("call empty full serious"),
    "de": frozenset[str](),
    "es": _words("empleo trabajo"),
    "fr": frozenset[str](),
    "it": frozenset[str](),
    "pt": frozenset[str](),
}
"""On the usual lists, but what people complain about."""
