"""What the default themes are about, in words of our own: the seeds that their model grows from.

Names and codes are those of the top level of IPTC Media Topics; nothing of the standard's
definitions is copied. Each theme has phrases that stand for it and sentences as people and papers
write them; the labelled data sets cover a few themes only, these cover all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PHRASES: Final[Mapping[str, str]] = {
    "medtop:01000000": """
        film; movie; cinema; box office; actor; actress; director; trailer; tv series; episode;
        season finale; netflix; streaming show; soap opera; music; song; album; band; concert;
        singer; rapper; guitar; playlist; tour dates; lyrics; orchestra; opera; painting; museum;
        art exhibition; gallery; sculpture; theatre; musical; ballet; novel; author; poetry; book
        launch; comic; anime; celebrity; red carpet; oscars; grammy awards; fashion week; designer
        dress; newspaper; journalist; broadcaster; radio show; podcast; photography; cultural
        heritage; comedy; drama; documentary; k-pop; fans of the singer; new single; music video""",
    "medtop:02000000": """
        police; arrested; murder; robbery; theft; burglary; stabbing; shooting suspect; fraud
        charges; court; judge; jury; trial; verdict; guilty; sentenced to prison; lawsuit; sues;
        lawyer; attorney; prosecutor; appeal court; supreme court; investigation; detective; drug
        trafficking; money laundering; kidnapping; rape; assault; homicide; bail; testimony;
        convicted; inmate; jail; death row; hacker arrested; corruption trial; smuggling; gang;
        extradition; legal action; settlement; victim; criminal; crime scene; handcuffs""",
    "medtop:03000000": """
        earthquake; tsunami; plane crash; train derailment; car crash; house fire; explosion;
        rescue workers; death toll; survivors; flood victims; landslide; avalanche; shipwreck;
        ferry sank; building collapse; gas leak; evacuation; emergency services; firefighters;
        mine accident; volcano erupts; oil spill; famine; drowned; road accident; collision; blaze;
        disaster relief; helicopter crash; stampede; missing people; ambulance; wreckage""",
    "medtop:04000000": """
        economy; shares; stocks; stock market; wall street; profit; quarterly earnings; revenue;
        sales rise; merger; takeover; acquisition; bankruptcy; bank; interest rates; central bank;
        inflation; oil prices; currency; dollar; euro; exports; trade deficit; investors; ipo;
        company; chief executive; ceo; startup funding; small business; entrepreneur; retail;
        retailer; airline; carmaker; manufacturer; supplier; insurance; mortgage; housing market;
        tax; budget deficit; forecast; growth; gdp; consumer spending; bitcoin; crypto; marketing;
        brand; customers; sales; business plan; industry; supply chain; shareholders; dividend""",
    "medtop:05000000": """
        school; teacher; pupils; students; classroom; university; college; campus; degree; exam;
        homework; essay; lecture; professor; tuition fees; scholarship; graduation; curriculum;
        kindergarten; education policy; learning; study; studying; semester; thesis; phd;
        literacy; school board; online course; lesson; finals week; freshman; high school;
        headteacher; training course; student loan; assignment due; tutoring; midterm""",
    "medtop:06000000": """
        climate change; global warming; carbon emissions; greenhouse gas; pollution; air quality;
        plastic waste; recycling; deforestation; rainforest; wildlife; endangered species;
        conservation; biodiversity; renewable energy; solar power; wind farm; nature reserve;
        coral reef; ocean; sustainability; ecosystem; environmentalists; toxic waste; clean water;
        drought; glacier melting; national park; habitat; whales; net zero; fossil fuels;
        energy saving; landfill; pesticides; green activists; carbon footprint""",
    "medtop:07000000": """
        health; hospital; doctor; nurse; patient; surgery; disease; virus; vaccine; covid;
        pandemic; flu; cancer; diabetes; heart attack; stroke; mental health; depression; anxiety;
        therapy; medicine; drug trial; pharmacy; symptoms; infection; obesity; diet; nutrition;
        fitness; workout; gym; weight loss; sleep; pregnancy; health insurance; clinic;
        treatment; diagnosis; epidemic; alzheimer; antibiotics; blood pressure; yoga; running
        for health; personal trainer; calories; side effects; wellbeing; medication; vitamins""",
    "medtop:08000000": """
        record breaking feat; world's oldest person; lottery winner; heartwarming story; cute
        puppy; lost dog found; funny cat; birthday; anniversary; wedding; royal baby; queen's
        birthday; award ceremony; guinness record; strange coincidence; viral video of a man;
        reunited after years; good samaritan; hero saves; bizarre; prank; superstition; ghost;
        long lost; local hero; hobby collector; unusual pet; rescued animal; inspiring story;
        kindness of strangers; zoo animal born; royal family; prince and princess""",
    "medtop:09000000": """
        strike; trade union; workers; union members; wages; minimum wage; pay rise; layoffs; job
        cuts; redundancies; unemployment; jobless claims; hiring; job market; working hours;
        overtime; remote work; labour dispute; collective bargaining; picket line; employer;
        employees; staff shortage; pension; retirement age; workplace safety; unfair dismissal;
        working conditions; walkout; fired from my job; unfair labor practice; union busting;
        job interview; salary; gig workers; recruitment; quit my job; night shift; coworkers""",
    "medtop:10000000": """
        recipe; cooking; baking; restaurant; dinner; breakfast; delicious; pizza; coffee; wine;
        beer; cocktail; vegan food; holiday; vacation; travel; trip; beach; hotel; tourist; flight
        to; road trip; hiking; camping; garden; gardening; knitting; crafts; diy; video game;
        gaming; playstation; xbox; nintendo; game update; gamers; twitch stream; board game;
        puzzle; chess; fishing; makeup; skincare; outfit; hairstyle; shopping; home decor;
        weekend; party; nightclub; collecting; cosplay; tattoo; lunch; cake; street food; picnic;
        sightseeing; backpacking; cruise; fortnite; minecraft; brunch; new shoes; nails""",
    "medtop:11000000": """
        president; prime minister; parliament; senate; congress; government; election; vote;
        voters; ballot; campaign rally; candidate; party leader; democrats; republicans;
        conservative party; labour party; minister; cabinet; policy; legislation; bill passed;
        referendum; brexit; european union; united nations; diplomat; foreign minister; embassy;
        sanctions; summit; treaty; opposition leader; coalition; governor; mayor; white house;
        immigration policy; border; political; politician; democracy; coup; dictator; supreme
        leader; nuclear talks; trump; biden; obama; putin; human rights; state visit; lobbying""",
    "medtop:12000000": """
        church; mosque; temple; synagogue; priest; bishop; pope; vatican; imam; rabbi; prayer;
        pray; bible; quran; god; jesus; christian; muslim; islam; catholic; hindu; buddhist;
        jewish; faith; worship; sermon; gospel; religious; pilgrimage; ramadan; eid; easter mass;
        christmas service; baptism; holy; saint; cathedral; blessing; scripture; heaven; atheism;
        monk; theology; lord; psalm; amen; spiritual; cult; religious freedom""",
    "medtop:13000000": """
        scientists; researchers; study finds; physics; chemistry; biology; astronomy; nasa; space;
        rocket; satellite; mars; telescope; software; internet; web browser; search engine;
        google; microsoft; apple iphone; smartphone; computer; laptop; chip; semiconductor;
        artificial intelligence; machine learning; robot; algorithm; programming; open source;
        linux; database; cyber security; hackers; malware; virus patch; data breach; cloud
        computing; app; operating system; wireless; broadband; gene; dna; fossil; quantum;
        laboratory; engineers; electric car battery; drone; virtual reality; website; server;
        code; developer; python; github; spam; download; gadget; spacecraft; genome; api""",
    "medtop:14000000": """
        racism; discrimination; gender equality; women's rights; lgbtq; pride march; abortion;
        poverty; homeless; refugees; migrants; charity; donation; volunteers; family; parents;
        children; mother; father; siblings; marriage; divorce; relationship; boyfriend;
        girlfriend; dating; love; friendship; community; social justice; protest against
        inequality; black lives matter; minorities; indigenous people; disability rights;
        population; ageing; child care; adoption; domestic violence; social media debate;
        feminism; ethnic; elderly care; welfare; husband; wife; daughter; son; my best friend""",
    "medtop:15000000": """
        football; soccer; basketball; baseball; tennis; golf; cricket; rugby; hockey; boxing; ufc;
        formula one; nascar; olympic; world cup; champions league; premier league; nba; nfl; mlb;
        nhl; super bowl; world series; quarterback; touchdown; goal; striker; coach; manager
        sacked; team; match; game; season; playoffs; final score; win over; defeat; tournament;
        championship; title; medal; athlete; marathon; race; grand prix; transfer; signing; league
        table; stadium; referee; penalty; innings; pitcher; home run; wicket; grand slam; draft
        pick; injury; doping; wrestling; wwe; swimming; cycling; horse racing; fifa; fans; club""",
    "medtop:16000000": """
        war; troops; soldiers; army; military; air strike; missile; bombing; insurgents; rebels;
        militants; ceasefire; peace talks; invasion; occupation; civilians killed; car bomb;
        suicide bomber; terrorist attack; hostage; iraq; afghanistan; gaza; israel; palestinian;
        ukraine; russia; frontline; guerrilla; civil war; genocide; war crimes; nato; tank;
        drone strike; navy; peacekeepers; baghdad; fallujah; taliban; hamas; isis; weapons;
        gunmen; clashes; coup d'etat; mass grave; truce; darfur; ambush; nuclear weapons""",
    "medtop:17000000": """
        weather forecast; heavy rain; snow; snowstorm; blizzard; thunderstorm; lightning;
        hurricane; tropical storm; typhoon; cyclone; tornado; heatwave; cold front; frost; fog;
        sunny; cloudy; temperature; degrees; humidity; wind gusts; storm warning; hail; freezing;
        showers; national weather service; meteorologist; rainfall; sunshine; barometer;
        severe weather; flood warning; wind chill; rain tomorrow; it is so hot today; sleet""",
}
"""Code of a media topic -> phrases that stand for it, separated by semicolons."""

SENTENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "medtop:01000000": (
        "That finale was the best hour of television this year, what a cast",
        "Her new album is on repeat, the second track made me cry",
        "The gallery opens a retrospective of the painter on Friday",
        "The sequel took 80 million at the box office on its first weekend",
        "Can't wait for the band to come back on tour, got tickets in row three",
        "The star was photographed on the red carpet in a silver gown",
    ),
    "medtop:02000000": (
        "A man was arrested after two shops were robbed at knifepoint",
        "The judge sentenced the former banker to nine years in prison for fraud",
        "The company is being sued by its former partner over a patent",
        "Jury finds woman guilty of killing her neighbour",
        "Police are looking for witnesses of the burglary",
    ),
    "medtop:03000000": (
        "At least 40 people died when the ferry capsized in rough seas",
        "A strong earthquake shook the coast, buildings collapsed in two towns",
        "Firefighters are still fighting the blaze in the warehouse",
        "A passenger plane made an emergency landing, three people are hurt",
        "The search for survivors of the landslide goes on",
    ),
    "medtop:04000000": (
        "Shares fell four percent after the retailer cut its profit forecast",
        "The central bank left interest rates unchanged as inflation slows",
        "Our small shop turns five today, thank you to every customer",
        "The carmaker agreed to buy its rival for 3 billion dollars",
        "Oil prices climbed to a new high and stocks closed lower",
        "Five tips for founders who want to raise their first round",
    ),
    "medtop:05000000": (
        "Two exams tomorrow and I have not opened a single book",
        "The university will raise tuition fees for new students",
        "Teachers say classes are too large to give every pupil attention",
        "Finally handed in my thesis, graduation here I come",
        "Our free course teaches you how to read data in six lessons",
    ),
    "medtop:06000000": (
        "Emissions have to fall by half before 2030, a new report warns",
        "The river is full of plastic and fish are dying",
        "Volunteers planted ten thousand trees to bring the forest back",
        "The wolf population is growing again after decades of protection",
        "A wind farm off the coast will power half a million homes",
    ),
    "medtop:07000000": (
        "The hospital has run out of beds as flu cases rise",
        "Got my second vaccine dose today, sore arm but happy",
        "A new drug slows the disease in early trials",
        "Leg day at the gym, down ten pounds since January",
        "Take care of your mental health and ask for help when you need it",
    ),
    "medtop:08000000": (
        "A 104-year-old woman celebrates her birthday with her first parachute jump",
        "A dog walked 200 miles home to its family",
        "He found a message in a bottle that was thrown into the sea in 1952",
        "The prince and his bride greeted the crowd outside the palace",
        "Man sets a world record for juggling on a unicycle",
    ),
    "medtop:09000000": (
        "Train drivers will go on strike on Monday over pay",
        "The factory cuts 1,200 jobs and workers fear for the rest",
        "We voted to form a union at our store",
        "The jobless rate fell to five percent as employers keep hiring",
        "My boss wants me to do three people's work for the same salary",
    ),
    "medtop:10000000": (
        "Sunday morning, pancakes, coffee and nowhere to be",
        "Ten days of beaches and temples, this trip was worth every cent",
        "The new update broke matchmaking and the raid boss is impossible",
        "I painted the kitchen green and finished my first knitted scarf",
        "This ramen place downtown is the best in the city",
        "New outfit, new hair, feeling pretty today",
    ),
    "medtop:11000000": (
        "The prime minister called an early election after losing her majority",
        "Senators voted against the bill by a narrow margin",
        "Foreign ministers met to discuss new sanctions",
        "This government does nothing for the people who elected it",
        "The opposition wants a referendum on the constitution",
    ),
    "medtop:12000000": (
        "The pope spoke to pilgrims on the square on Easter Sunday",
        "Lord, thank you for another day, your grace is enough",
        "Muslims around the world begin the fasting month of Ramadan",
        "The old church is holding its last service after 300 years",
        "Read the scripture and pray for those who hurt you",
    ),
    "medtop:13000000": (
        "Researchers found a gene that makes wheat resist drought",
        "The probe landed on the comet and sent back its first pictures",
        "A security hole in the browser lets attackers read passwords",
        "The chip maker unveils a faster processor for phones",
        "How I rewrote our database layer in Rust",
        "The search company launches a new version of its mail service",
    ),
    "medtop:14000000": (
        "Thousands marched for equal pay and against racism",
        "The number of homeless families has doubled in a decade",
        "My sister and I have not talked in a year and I miss her",
        "He still texts his ex and calls it friendship",
        "The charity collected coats for refugees",
        "Nobody tells you how hard the first year as a mother is",
    ),
    "medtop:15000000": (
        "They won 3-1 after going behind in the first half",
        "The striker is out for six weeks with a knee injury",
        "Two home runs in the ninth inning, what a comeback",
        "She took gold in the 400 metres and broke her own record",
        "The coach was sacked after five straight defeats",
        "Best quarterback of the league and it is not close",
    ),
    "medtop:16000000": (
        "Five soldiers were killed when a bomb exploded beside their convoy",
        "The two sides agreed to a ceasefire after a week of shelling",
        "Rebels have taken the airport, thousands of civilians flee",
        "Air strikes hit the capital overnight",
        "Gunmen took hostages at an embassy",
    ),
    "medtop:17000000": (
        "Heavy snow is expected in the north, with gusts up to 90 km/h",
        "The hurricane was upgraded to category four and heads for the coast",
        "38 degrees again, when does this heatwave end",
        "It has been raining for eleven days",
        "Sunny spells tomorrow, a few showers in the west",
    ),
}
"""Code of a media topic -> sentences about it, written for this project."""
