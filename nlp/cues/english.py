"""What English texts ask, complain, praise and want with."""

from __future__ import annotations

from typing import Final

from nlp.cues import Cues

_AUX = "is|are|was|were|do|does|did|can|could|will|would|should|has|have|am"
_TELL = "tell|explain|confirm|clarify|say|advise|recommend|remind me (?:when|how|what)"

EN: Final = Cues(
    openers=(
        rf"(?:who|what|when|where|which|how|why)(?:'s|'re|s| (?:{_AUX})) (?!i'm)\w+",
        (
            rf"(?:what|which|how|whose) (?:\w+ ){{1,2}}(?:{_AUX}) (?:i|you|we|they|"
            rf"it|he|she|there|the)"
        ),
        r"(?:how|where|what|when) (?:to|do i|can i|long|much|many|often)",
        r"which \w+ (?:includes?|has|have|works?|comes?|supports?|fits?|costs?)",
        (
            r"(?:do|does|did|can|could|will|would|should|has|have|is|are|am) "
            r"(?:i|you|we|they|he|she|there|anyone|anybody|someone|somebody|any of you|your|my)"
        ),
        r"(?:is|are|does|will|has|was) (?:it|the|this|that|these) \w+",
        (
            r"(?:anyone|anybody) (?:here |else )?(?:know|knows|tried|try|using|used|"
            r"have|has|got|heard)"
        ),
    ),
    asks=(
        r"(?:does|do|has|have|did|is|can) (?:anyone|anybody|someone|somebody|any of you)",
        r"(?:anyone|anybody|someone) (?:know|knows|else|here know)",
        (
            r"any (?:idea|ideas|news on|update on|updates on|word on|"
            r"recommendations?|tips|suggestions)"
        ),
        r"(?:i|i'm|just|was|been) wonder(?:ing)?",
        r"(?:quick|another|one|stupid|dumb|serious) question",
        r"(?:would|i'd) (?:like|love) to know",
        r"(?:want|wanna|need) to know",
        rf"(?:can|could|would|will) (?:you|someone|somebody|anyone|u)(?: please)? (?:{_TELL})",
        r"is it (?:just me|only me|possible)",
        r"what do you (?:think|recommend|suggest)",
        r"(?:not sure|unsure|curious) (?:if|whether|how|which|what|about)",
    ),
    rhetorical=(
        r"really",
        r"seriously",
        r"srsly",
        r"wtf",
        r"what the (?:hell|heck|fuck)",
        r"are you (?:kidding|joking|serious)(?: me)?",
        r"(?:is this|this is) a joke",
        r"how (?:hard|difficult) (?:can|is) it",
        r"how is (?:this|that) (?:acceptable|ok|okay|even|possible|allowed)",
        r"how (?:can|could|dare) (?:you|they|anyone|a company)",
        (
            r"why (?:is|are|does|do|am|can't|cant|won't|wont|don't|doesn't|even)\b.*"
            r"(?:always|still|so|such|even|never|every time|keep|terrible|bad|awful|slow|hard)"
        ),
        r"what(?:'s| is) (?:wrong with|the point)",
        r"who (?:thought|approved|needs|asked)",
        r"am i supposed to",
        r"when will (?:you|they) (?:learn|ever|finally)",
        r"you call (?:this|that)",
    ),
    wishes=(
        r"(?<!yes )(?<!oh )(?:please|pls|plz)(?! (?:god|note|join|welcome|find))",
        r"kindly",
        (
            rf"(?:can|could|would|will|may) (?:you|u|someone|somebody|anyone|anybody)(?: from \w+)?"
            rf"(?: guys| all| just| at least)? (?!{_TELL}|be |imagine|believe|think|recommend)\w+"
        ),
        (
            r"(?:can|could|may) (?:we|i)(?: please)? (?:get|have|request|return|"
            r"cancel|swap|exchange)"
            r" (?:a|an|my|some|the|this|it|one)"
        ),
        (
            r"i(?:'d| would) (?:like|love|want|prefer) (?:a|an|my|to (?:have|get|see|cancel|return|"
            r"receive|request|speak|talk|be))"
        ),
        (
            r"(?:i|we) (?:need|want|demand|require|expect) (?:(?:a|an|my|your|some|full|our|the) )*"
            r"(?:refund|replacement|help|support|money|invoice|receipt|answer|call|"
            r"someone|assistance|"
            r"compensation|copy)"
        ),
        r"(?:i|we) (?:need|want) (?:you|someone|somebody|support) to",
        r"need (?:some |your |urgent )?(?:help|support|assistance)",
        r"help (?:me|us)(?! (?:so|a lot|get|to|find))",
        r"(?:would|i'd|we'd|'d) (?:really |so |absolutely )?love (?:to (?:see|have|get)|if|an? )",
        (
            r"would be (?:great|nice|cool|good|awesome|lovely|amazing|helpful|perfect|useful)"
            r" (?:if|to (?:have|see|get))"
        ),
        (
            r"(?:i )?wish (?:you|they|it|there|we|this)(?:'d)? (?:would|could|had|"
            r"made|were|was|offered)"
        ),
        r"let (?:me|us) know",
        r"(?:dm|pm|message|call|email|e-mail|contact|phone|ring) (?:me|us)(?: back)?",
        r"get (?:in touch|back to me|back to us)",
        r"feature request",
        r"(?:(?:want|need|get|like|have)|give (?:me|us)) (?:my|our|a) (?:money back|refund)",
        (
            r"(?:looking for|in need of|need) (?:a|an|someone|somebody)(?: new)? "
            r"(?:who|to|that|replacement|recommendation|alternative|repair|refund|spare)"
        ),
        r"unsubscribe me",
    ),
    hints=(
        (
            r"^(?:send|give|bring|fix|add|stop|remove|cancel|refund|replace|restock|release|reply|"
            r"respond|answer|allow|offer|consider|change|return|explain|delete|update) "
            r"(?:me|us|my|it|this|that|these|the|a|an|back|your|more|to|sending|calling|charging|"
            r"selling|making|support|some)"
        ),
        r"bring back",
        r"should (?:really )?(?:add|offer|bring|allow|give|make|sell)",
        r"asap",
    ),
    blames=(
        r"(?:the )?worst",
        r"scam(?:mers?|med)?",
        r"rip[- ]?off",
        r"(?:a |such a )?(?:complete |total )?joke",
        r"(?:a |total |complete |what a |huge )?waste of (?:money|time)",
        r"disgusting|disgraceful|disgrace|shambles|appalling|atrocious|abysmal|unacceptable",
        r"disappoint(?:ed|ing|ment)",
        r"unbelievabl[ey]|ridiculous|pathetic|outrageous|shocking|shameful|shame on",
        r"terrible|horrible|awful|dreadful|lousy|rubbish|garbage|trash|crap|shit|sucks?|useless",
        (
            r"(?:never|not) (?:again|buying|ordering|shopping|using|coming|going|flying|recommend)"
            r"(?!.*(?:anything|anywhere) else)"
        ),
        r"(?:i'm|im|i am|we're|so) done with",
        r"fed up|sick of|tired of|had enough",
        r"(?:stay|steer) (?:away|clear)|avoid (?:at all|this|them|like)|do not buy|don't buy",
        r"unhelpful|incompetent|dishonest|rude",
        r"(?:charged|billed) (?:me |us )?(?:twice|double|again)",
        r"refus(?:e|es|ed|ing) to",
        r"ruin(?:ed|s|ing)",
        r"(?:still|yet) (?:no|not|haven't|hasn't|waiting|nothing|isn't|don't|doesn't)",
        r"no sign of",
        r"(?:nobody|no one|noone) (?:replies|answers|responds|cares|helps|picks up|knows)",
        r"(?:not|isn't|aren't|doesn't|does not|don't|won't|stopped|stops|never) work(?:s|ing)?",
        (
            r"(?:on hold|waiting|waited|queued|stuck) (?:for |since )?(?:over |more than |about )?"
            r"(?:an?|\d+|two|three|four|five|six|ten|half|hours?|days?|weeks?|months?|ages)"
        ),
        (
            r"(?:hasn't|haven't|has not|have not|didn't|never) (?:even )?"
            r"(?:arrived?|shown up|come|received|turned up|delivered|replied|answered|responded)"
        ),
        r"hate (?:the|this|that|your|how|it|when|my)",
        r"cancell?ed on (?:me|us)",
    ),
    troubles=(
        r"crash(?:es|ed|ing)?|freez(?:es|ing)|froze|bugs?|buggy|glitch(?:es|y)?|lagg?(?:y|s|ing)",
        r"broken?|broke|smashed|damaged|faulty|defective|leak(?:s|ing|ed)?|torn|cracked",
        r"late|delay(?:s|ed)?|slow|lost|missing|wrong|cold|dirty|stale|overpriced|expensive",
        r"outage|(?:is|are|was) down|error|fail(?:s|ed|ing|ure)?|problems?|issues?",
        r"complain(?:t|ts)?",
        r"again|another|third time|second time|every (?:single )?time|every day|already",
        r"weeks? later|days? later|months? later|a (?:day|week|month) later",
        r"bad|poor|cheap|annoying|angry|frustrat(?:ed|ing)|upset|worse|dies|died",
        r"no (?:reply|response|answer|refund|help|signal)|ignored?",
    ),
    lauds=(
        r"thank(?:s| you| u)(?! (?:for nothing|a lot for ruining))|thx|cheers (?:to|for)",
        (
            r"(?:i|we|just|absolutely|really|totally|my \w+) (?:\w+ )?(?:love|loves|"
            r"loved|adore|adores)"
            r"(?! to (?:see|have|get))"
        ),
        r"love (?:the|this|that|how|my|it|these|your)",
        r"(?:the )?best",
        r"fantastic|brilliant|excellent|superb|amazing|awesome|outstanding|flawless|phenomenal",
        r"impress(?:ed|ive)",
        r"(?:well|great|good|nice|amazing) (?:done|job|work)",
        r"kudos|hats off|shout ?out|props to|bravo|congrats (?:to|on)",
        r"(?:five|5) stars?|10/10|5/5",
        r"(?:would|will|highly|definitely|totally|can) (?:\w+ )?recommend",
        r"(?:would|will) (?:\w+ )?buy (?:\w+ )?again",
        (
            r"(?:great|good|lovely|wonderful|friendly|perfect|quick|fast) "
            r"(?:service|support|staff|experience|food|quality|value|customer|people|product|team)"
        ),
        (
            r"(?:so|very|really|extremely|more than|super) (?:happy|pleased|"
            r"satisfied|glad|grateful|good)"
        ),
        r"works? (?:perfectly|great|well|like a charm|flawlessly|wonders|a treat)",
        r"game ?changer|life ?saver|worth every|exceeded|nailed it|spot on|second to none",
        r"saved my|made my (?:day|week|life)|(?:my|our) li(?:fe|ves) (?:\w+ ){0,2}easier",
        r"obsessed with|addicted to|in love with",
    ),
    joys=(
        r"great|good|nice|lovely|wonderful|perfect|beautiful|delicious|comfortable|gorgeous|nicest",
        r"happy|pleased|glad|satisfied|delighted|fan of|enjoy(?:ed|ing)?",
        r"easy|easier|easiest|quick(?:ly)?|fast|helpful|friendly|kind|smooth|early|sorted|finally",
        r"love|loved|like|favou?rite|worth|recommend|adore",
    ),
    negations=(
        (
            r"not|no|never|isn't|wasn't|aren't|weren't|don't|doesn't|didn't|won't|wouldn't|can't|"
            r"cannot|couldn't|haven't|hasn't|hardly|nothing|without|zero|ain't|less than"
        ),
    ),
    idioms=(
        r"can(?:'t|not| not) (?:recommend|praise|thank|rate) (?:\w+ ){1,4}?(?:enough|highly)",
        r"couldn't (?:be|have been|ask for|recommend)",
        (
            r"(?:no|zero|nothing to|not a single|can't) (?:complaints?|complain|"
            r"fault|issues?|problems?)"
        ),
        r"(?:never|won't|not|don't|doesn't|didn't) (?:be |been )?disappoint(?:ed|s)?",
        r"not bad(?: at all)?",
    ),
)
