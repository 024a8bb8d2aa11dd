"""What Spanish, French, Italian and Portuguese texts ask, complain, praise and want with."""

from __future__ import annotations

from typing import Final

from nlp.cues import Cues

ES: Final = Cues(
    openers=(
        (
            r"(?:quien|que|cuando|donde|como|cual|cuales|cuanto|cuanta|cuantos|cuantas|por que) "
            r"(?:es|son|esta|estan|puedo|puede|se|hay|vuelve|vuelven|abre|abren|cuesta|vale|tarda|"
            r"hago|hacer|cambio|tengo|sale|llega|funciona|opinais|tal|dia|hora|va|van|diferencia)"
        ),
        r"(?:alguien|saben|sabeis|sabes) (?:sabe|ha|lo|la|me|que|conoce|puede decirme|tiene|si|de)",
    ),
    asks=(
        r"alguien (?:sabe|ha probado|lo ha|la ha|conoce|tiene)",
        r"me (?:pregunto|gustaria saber)|quisiera saber|quiero saber|tengo una (?:duda|pregunta)",
        r"(?:me )?(?:podeis|pueden|puedes|podrian|podriais) decir(?:me)?",
    ),
    rhetorical=(
        r"en serio|de verdad|es (?:una )?broma|como es posible|hasta cuando|que clase de",
        r"por que\b.*(?:siempre|tan|nunca|otra vez)",
    ),
    wishes=(
        r"por favor|porfa(?:vor|s)?",
        (
            r"(?:me |nos )?(?:podeis|pueden|puedes|podrian|podriais|podria|puede)(?: alguien)?"
            r"(?: por favor)? (?!decir|ver\b|ser\b|haber|estar)\w+(?:r|rme|rnos|rlo|rla)\b"
        ),
        (
            r"necesito (?:\w+ )?(?:ayuda|soporte|una factura|que|un reembolso|"
            r"hablar|cancelar|devolver)"
        ),
        (
            r"(?:quiero|exijo|quisiera|solicito|pido) (?:que|mi dinero|el dinero|un reembolso|una "
            r"devolucion|cancelar|devolver|hablar|la devolucion|el reembolso)"
        ),
        r"ojala|estaria (?:bien|genial|bueno)|seria (?:genial|bueno|ideal|estupendo)",
        r"me gustaria que",
        (
            r"(?:avis|llam|contact|escrib|respond|contest|ayud|envi|mand)(?:en|enme|"
            r"adme|idme|arme|ame|eme)"
            r"(?:me|nos)?|avisadme|ayudadme|devuelvan(?:me)?|devolvedme"
        ),
        r"(?:vuelvan|vuelvan a|pongan|anadan|arreglen|arreglad|quiten|traigan)",
    ),
    hints=(r"deberian|deberiais",),
    blames=(
        r"verguenza|vergonzos[oa]|lamentable|penos[oa]|asco|asqueros[oa]|inaceptable|indignante",
        r"(?:el |la |los |las )?peor(?:es)?|pesim[oa]s?|horribles?|terribles?|fatal|desastre",
        r"nefast[oa]",
        r"estafa(?:dores)?|timo|robo|enganan|basura|mierda|porqueria",
        r"decepcion(?:ad[oa]|ante)?|hart[oa]s?|cansad[oa]s? de|indignad[oa]",
        r"nunca (?:mas|vuelvo|volvere)",
        r"no (?:vuelvo|volvere|compren|compreis|recomiendo|lo recomiendo)",
        (
            r"no (?:me )?(?:funciona|funcionan|sirve|anda|carga|abre|llega|ha "
            r"llegado|contestan|responden)"
        ),
        r"nadie (?:me )?(?:contesta|responde|ayuda|atiende|da)",
        r"(?:esta|estaba|llego|vino|se) (?:\w+ )?rot[oa]|se (?:me )?rompio",
        r"(?:llevo|llevamos) .{0,25}(?:esperando|sin)|sigo (?:esperando|sin)",
        r"todavia (?:no|espero)",
        r"tomadura de pelo|perdida de (?:tiempo|dinero)|dinero tirado",
    ),
    troubles=(
        r"defectuos[oa]|danad[oa]|error(?:es)?|fallo|falla|fallos|lent[oa]|tarde|retraso",
        r"mal[oa]?|car[oa]|problemas?|queja|otra vez|perdid[oa]|averia|caid[oa]|sin respuesta",
    ),
    lauds=(
        r"gracias|enhorabuena|felicidades (?:a|al|por)|felicitaciones|bravo",
        r"me (?:encanta|encantan|encanto|fascina)|adoro|amo (?:esta|este|mi)",
        r"excelentes?|fantastic[oa]s?|increibles?|genial|estupend[oa]|maravillos[oa]|perfect[oa]",
        r"(?:lo|la|los|las|muy|super|totalmente) recomend(?:o|able|ado|ados)|recomiendo",
        r"(?:el|la|los|las) mejor(?:es)?|buen(?:a|os)? (?:trabajo|servicio|atencion|calidad)",
        r"gran trabajo",
        r"(?:muy|super|tan) (?:content[oa]s?|feliz|satisfech[oa]s?|buen[oa]s?|amables?|bien)",
    ),
    joys=(
        r"bien|buen[oa]?s?|content[oa]|feliz|rapid[oa]|rapidez|amables?|bonit[oa]|ric[oa]|por fin",
    ),
    negations=(r"no|nunca|jamas|ni|sin|tampoco|nada",),
    idioms=(r"no (?:esta|estan) (?:nada )?mal|sin (?:problemas?|quejas?)|ningun problema",),
)

FR: Final = Cues(
    openers=(
        (
            r"(?:qui|quand|ou|comment|pourquoi|combien|quel(?:le)?s?|que|qu'est-ce|lequel|laquelle)"
            r"(?: est-ce| puis-je| peut-on| sera| est| sont| faire| changer| coute| "
            r"trouver| faut-il| "
            r"avoir| ca| vous| on| je| le| la| les| que| qui| plan| modele| contacter| savoir)"
        ),
        r"est-ce qu(?:e|'\w+)|est-il|y a-t-il|avez-vous|livrez-vous|savez-vous|peut-on",
        r"(?:quelqu'un|qqn|quelqu un) (?:sait|a|connait|peut me dire|aurait|utilise|d'autre)",
    ),
    asks=(
        r"(?:quelqu'un|qqn) (?:sait|a deja|connait|peut me dire|aurait)",
        r"je me demande|j'aimerais savoir|je voudrais savoir|une (?:petite )?question",
        r"(?:pouvez-vous|pourriez-vous|peux-tu|vous pouvez) (?:me )?(?:dire|expliquer|confirmer)",
    ),
    rhetorical=(
        r"serieux|serieusement|vraiment|c'est une blague|vous plaisantez|vous vous moquez",
        r"comment (?:est-ce|peut-on|osez-vous)\b.*(?:possible|encore|oser)",
        r"pourquoi\b.*(?:toujours|aussi|encore|jamais)",
    ),
    wishes=(
        r"s'il (?:vous|te) plait|svp|stp",
        r"(?:pouvez|pourriez)[- ]vous (?!(?:me )?(?:dire|expliquer|confirmer))",
        (
            r"(?:vous (?:pouvez|pourriez)|(?:peux|pourrais)[- ]tu|quelqu'un (?:peut|pourrait)) "
            r"(?!(?:me )?(?:dire|expliquer|confirmer))"
        ),
        r"(?:j'ai|avons|aurais) besoin d(?:e|')|besoin d'aide|aidez[- ]moi|au secours",
        (
            r"(?:je (?:veux|voudrais|souhaite|demande|exige)|j'exige|j'aimerais) "
            r"(?:etre|un|une|mon|le|la|que|"
            r"annuler|resilier|parler|recevoir|avoir|me faire)"
        ),
        r"merci de (?:me|nous|bien|ne|vouloir|repondre|corriger|rappeler|remettre|retirer|faire)",
        r"(?:ce serait|ca serait|il serait) (?:bien|super|genial|cool|top|chouette)",
        (
            r"(?:remettez|ramenez|ajoutez|arretez|corrigez|reparez|rendez|repondez|"
            r"rappelez|contactez|"
            r"envoyez|prevenez|faites)(?:[- ](?:moi|nous|le|la|les))?|tenez[- ]moi"
        ),
    ),
    hints=(r"vous devriez|il faudrait|il faut que vous",),
    blames=(
        r"honte|honteux|scandale|scandaleux|inadmissible|inacceptable|lamentable|pathetique",
        r"(?:le |la |les )?pires?|nul(?:le)?s?|horribles?|affreux|catastroph(?:e|ique)|desastre",
        r"execrable",
        r"arnaque(?:urs?)?|escroc(?:s|querie)?|voleurs?|poubelle|merde|foutage de gueule",
        r"decu(?:e|s|es)?|decevants?|decevante|deception|degoute[e]?|ras[- ]le[- ]bol|marre",
        r"(?:plus jamais|jamais plus|a fuir|a eviter|fuyez|evitez)",
        r"(?:ne |n')?(?:marche|fonctionne|repond|charge|s'ouvre) (?:pas|plus|jamais)",
        r"personne ne|aucune (?:reponse|nouvelle|aide)|sans reponse|toujours (?:pas|rien|aucun\w*)",
        r"(?:j'|on |nous )attend(?:s|ons)? (?:\w+ )?(?:depuis|toujours|encore)|que j'attends",
        r"casse[e]?s?|plante (?:tout le temps|sans|toujours|encore|a chaque)",
        r"perte de (?:temps|argent)|argent perdu",
    ),
    troubles=(
        r"abime[e]?|defectueu(?:x|se)|en panne|panne|bug(?:s|ue)?|erreurs?|plante|lent[e]?",
        r"retard|en retard|mauvais[e]?s?|cher|chere|probleme[s]?|plainte|encore|perdu[e]?",
        r"injoignable",
    ),
    lauds=(
        (
            r"merci(?! de (?:me|nous|bien|ne|vouloir|repondre|corriger|rappeler|"
            r"remettre|retirer|faire))"
        ),
        r"(?:j'|on |nous )?ador(?:e|ons)|j'aime (?:beaucoup|trop|tellement|bien)",
        r"excellents?|excellente|geniale?|superbe?s?|magnifiques?|parfaite?s?|fantastiques?",
        r"formidable",
        r"(?:le|la|les) meilleure?s?|bravo|felicitations|chapeau|au top|coup de coeur",
        r"(?:je )?recommande|rien a redire",
        (
            r"(?:tres|trop|si|vraiment) (?:contente?s?|satisfaite?s?|heureu(?:x|se)|"
            r"bien|bon|bonne|sympa|ravie?)"
        ),
        r"(?:bon|beau|super|top) (?:service|travail|produit|accueil)",
    ),
    joys=(
        r"bien|bon|bonne|beau|belle|content[e]?|ravi[e]?|sympa|rapide|top|super|enfin|delicieux",
    ),
    negations=(r"pas|plus|jamais|ne|aucun[e]?|sans|ni|rien",),
    idioms=(
        r"pas mal|rien a (?:dire|redire|reprocher)|aucun (?:souci|probleme)",
        r"sans (?:souci|probleme)",
    ),
)

IT: Final = Cues(
    openers=(
        (
            r"(?:chi|che|cosa|quando|dove|come|perche|quale|quali|quanto|quanta|quanti|quante) "
            r"(?:e|sono|posso|si|torna|tornano|apre|aprite|costa|costano|trovo|"
            r"faccio|fare|ci|ha|hanno|"
            r"arriva|esce|dura|cambio|va|vanno|tempo|differenza|mi|bisogna|funziona)"
        ),
        r"(?:qualcuno|sapete|sai) (?:sa|ha|lo|la|conosce|puo dirmi|se|di|quando|dove)",
    ),
    asks=(
        r"qualcuno (?:sa|ha provato|lo ha|l'ha|conosce|usa)",
        r"mi (?:chiedo|domando)|vorrei sapere|volevo sapere|ho una domanda|una domanda",
        r"(?:potete|puoi|potreste|potrebbe) (?:dirmi|spiegarmi|confermarmi)",
    ),
    rhetorical=(
        r"davvero|sul serio|ma siete seri|e uno scherzo|state scherzando|come e possibile",
        r"ma come si fa",
        r"perche\b.*(?:sempre|cosi|mai|ancora)",
    ),
    wishes=(
        r"per favore|per piacere|per cortesia|cortesemente|vi prego",
        (
            r"(?:potete|puoi|potreste|potrebbe|potresti|puo|qualcuno puo) "
            r"(?!dirmi|spiegarmi|confermarmi|essere)\w+r(?:e|mi|ci|lo|la|la)\b"
        ),
        r"ho bisogno (?:di|che)|mi serve|aiutatemi|aiuto",
        (
            r"(?:voglio|vorrei|esigo|chiedo|pretendo) (?:il|un|una|i|che|la|essere|"
            r"annullare|parlare|"
            r"disdire|ricevere) ?(?:mio |miei )?\w+"
        ),
        r"fatemi sapere|contattatemi|chiamatemi|rispondetemi|mandatemi|scrivetemi|fammi sapere",
        r"sarebbe (?:bello|utile|fantastico|ottimo|comodo)|mi piacerebbe (?:che|avere|vedere)",
        r"magari",
        r"rimettete|aggiungete|sistemate|riportate|togliete|smettete|rispondete|ridatemi",
    ),
    hints=(r"dovreste|dovete",),
    blames=(
        r"vergogna|vergognos[oaei]|scandalos[oaei]|inaccettabil[ei]|indecente|ridicol[oaei]",
        r"assurdo",
        r"(?:il |la |i |le )?peggior[ei]?|pessim[oaei]|orribil[ei]|terribil[ei]|schifo",
        r"schifos[oaei]",
        r"truff(?:a|atori|ato)|fregatura|ladri|spazzatura|merda|disastro|penos[oaei]|scadent[ei]",
        r"delus[oaei]|delusione|deludent[ei]|stuf[oaei]|stanc[oa] di",
        r"mai piu|state alla larga|evitate|non comprate|non (?:lo |la )?(?:consiglio|consigliamo)",
        r"(?:si e|e) rott[oa]",
        (
            r"non (?:mi )?(?:funziona|funzionano|va|parte|risponde|rispondono|"
            r"arriva|si apre|e arrivat[oa])"
        ),
        r"nessuno (?:mi )?(?:risponde|aiuta|sa)|nessuna risposta|ancora (?:niente|nulla|nessun\w*)",
        r"(?:aspetto|aspettiamo|sto aspettando|attendo) .{0,25}da|soldi (?:buttati|sprecati)",
        r"perdita di (?:tempo|soldi)",
    ),
    troubles=(
        r"rott[oaei]|difettos[oaei]|danneggiat[oaei]|errore|errori|guast[oaei]|lent[oaei]",
        r"ritardo|tardi",
        r"mal[ei]|brutt[oaei]|car[oaei]|problem[ai]|reclamo|di nuovo|pers[oaei]|blocca|crasha",
    ),
    lauds=(
        r"grazie(?! (?:a chi|al cielo))|complimenti|bravi|bravissimi|brav[oa]",
        r"ador[oa]|amo (?:quest[oaei]|il|la|questa)|mi piac(?:e|ciono) (?:molto|tanto|un sacco)",
        r"eccellent[ei]|fantastic[oaei]|ottim[oaei]|meraviglios[oaei]|perfett[oaei]|stupend[oaei]",
        r"(?:il|la|i|le) miglior[ei]?|(?:lo|la|li|le|vivamente|super) consiglio",
        r"consigliat(?:o|a|issim[oa])",
        (
            r"(?:molto|davvero|proprio|cosi|super) (?:content[oaei]|felic[ei]|"
            r"soddisfatt[oaei]|buon[oaei]|gentil[ei])"
        ),
    ),
    joys=(
        r"bene|buon[oaei]|bell[oaei]|content[oa]|felice|gentil[ei]|veloc[ei]|finalmente|comod[oa]",
    ),
    negations=(r"non|mai|nessun[oa]?|senza|ne|niente",),
    idioms=(r"(?:niente|non) male|nessun problema|senza problemi|niente da dire",),
)

PT: Final = Cues(
    openers=(
        (
            r"(?:quem|que|quando|onde|como|por que|porque|porque e que|qual|quais|"
            r"quanto|quanta|quantos|quantas) "
            r"(?:e|sao|posso|se|volta|voltam|abre|abrem|custa|custam|encontro|faco|"
            r"fazer|ha|tem|chega|sai|"
            r"demora|mudo|consigo|fica|vai|vao|eu|tempo|funciona|o|a|devo)"
        ),
        r"(?:alguem|voces|vcs|sabem) (?:sabe|ja|conhece|tem|pode me dizer|sabem|entregam|se|aqui)",
    ),
    asks=(
        r"alguem (?:sabe|ja usou|ja testou|ja|conhece|aqui)",
        r"gostaria de saber|queria saber|quero saber|tenho uma (?:duvida|pergunta)|uma duvida",
        (
            r"(?:podem|pode|poderia|poderiam) (?:me |-me )?(?:dizer|explicar|"
            r"confirmar|informar)(?:-me)?"
        ),
    ),
    rhetorical=(
        r"serio|a serio|e serio isso|ta de brincadeira|e brincadeira|como assim|ate quando",
        r"como e possivel",
        r"por ?que\b.*(?:sempre|tao|nunca|ainda)",
    ),
    wishes=(
        r"por favor|pfv|pf|por gentileza",
        (
            r"(?:podem|pode|poderiam|poderia|podes|conseguem|alguem pode)(?: me| nos|-me)? "
            r"(?!(?:me )?(?:dizer|explicar|confirmar|informar|ser\b|estar|haver))\w+r\b"
        ),
        r"(?:preciso|precisamos|necessito) (?:de|que|falar|cancelar)|me ajudem?|ajuda",
        (
            r"(?:quero|exijo|gostaria de|queria|solicito) (?:o |um |uma |que |a |"
            r"meu |ser |cancelar|falar|"
            r"receber|trocar|devolver)"
        ),
        r"(?:me )?(?:avisem|liguem|respondam|contactem|chamem|enviem|mandem)(?:-me)?|me avisa",
        r"me liga",
        r"seria (?:bom|otimo|legal|incrivel|fixe|util)|bem que (?:podiam|podia)|tomara",
        r"voltem|coloquem|adicionem|consertem|arrumem|tirem|parem|tragam|devolvam|resolvam",
    ),
    hints=(r"deviam|deveriam|devia",),
    blames=(
        r"vergonha|vergonhos[oa]|absurdo|inaceitavel|inadmissivel|lamentavel|ridicul[oa]|descaso",
        r"revoltante",
        r"(?:o |a |os |as )?pior(?:es)?|pessim[oa]s?|horrivel|horriveis|terrivel|nojo|lixo",
        r"desastre",
        r"golpe|fraude|enganad[oa]|ladroes|roubo|burla|porcaria|merda|palhacada",
        r"decepcion(?:ad[oa]|ante)|decepcao|desiludid[oa]|desilusao|fart[oa]|cansad[oa] de",
        r"nunca mais|nao (?:comprem|recomendo|volto|compro mais)|fujam|evitem",
        (
            r"nao (?:me )?(?:funciona|funcionam|carrega|abre|chegou|respondem|"
            r"responde|atendem|resolve\w*|presta)"
        ),
        r"ninguem (?:me )?(?:responde|ajuda|atende|resolve|sabe)|sem resposta",
        r"ate (?:hoje|agora) (?:nada|nao)",
        r"(?:estou|to|sigo|continuo) (?:a )?(?:esperando|esperar|aguardando|sem)",
        r"ainda (?:nao|estou|espero)",
        r"quebr(?:ou|ad[oa])|dinheiro (?:jogado|deitado|perdido)|perda de (?:tempo|dinheiro)",
    ),
    troubles=(
        r"partid[oa]|estragad[oa]|avariad[oa]|defeito|erros?|lent[oa]|atras(?:o|ad[oa]|ou)",
        r"mau|ma|ruim|car[oa]|problemas?|reclamacao|de novo|outra vez|perdid[oa]|trava(?:ndo)?",
        r"falha",
    ),
    lauds=(
        r"obrigad[oa]|valeu|parabens (?:a|ao|pelo|pela|aos)|parabens",
        r"ador(?:o|ei|amos)|am(?:o|ei) (?:est[ea]|ess[ea]|meu|minha|o|a)",
        r"excelentes?|fantastic[oa]s?|incrivel|incriveis|maravilhos[oa]s?|perfeit[oa]s?",
        r"otim[oa]s?|top",
        r"(?:o|a|os|as) melhor(?:es)?|(?:super |muito )?recomend(?:o|ado|amos)|bom trabalho",
        r"nota (?:10|dez|mil)",
        (
            r"(?:muito|super|tao|bem) (?:feliz|felizes|satisfeit[oa]s?|contentes?|"
            r"bo[am]|bons|simpatic[oa]s?)"
        ),
    ),
    joys=(
        r"bom|boa|bons|boas|bem|feliz|contente|rapid[oa]|simpatic[oa]|bonit[oa]|finalmente|legal",
        r"fixe",
    ),
    negations=(r"nao|nunca|jamais|nem|sem|nada",),
    idioms=(r"nada mal|sem (?:problemas?|reclamacoes)|nenhum problema",),
)
