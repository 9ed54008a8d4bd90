package offline

import (
	"regexp"
	"slices"
	"strings"
)

// verb is what an owner wants.
type verb string

const (
	verbBuild      verb = "build"
	verbChange     verb = "change"
	verbOpen       verb = "open"
	verbApps       verb = "apps"
	verbHistory    verb = "history"
	verbUndo       verb = "undo"
	verbTheme      verb = "theme"
	verbRemind     verb = "remind"
	verbReminders  verb = "reminders"
	verbUnremind   verb = "unremind"
	verbRemember   verb = "remember"
	verbRecall     verb = "recall"
	verbForget     verb = "forget"
	verbMemories   verb = "memories"
	verbAttach     verb = "attach"
	verbStatus     verb = "status"
	verbHelp       verb = "help"
	verbHello      verb = "hello"
	verbThanks     verb = "thanks"
	verbSetup      verb = "setup" // the owner wants to be got to know
	verbModel      verb = "model"
	verbDelete     verb = "delete"
	verbRow        verb = "row"       // enter or change a row, which needs the app
	verbAskData    verb = "ask-data"  // a question about rows
	verbWhich      verb = "which"     // a change, but of which app?
	verbNoApp      verb = "no-app"    // a change or open, but there is no such app
	verbRefuse     verb = "refuse"    // needs a language model
	verbPasswords  verb = "passwords" // a plain app is no place for them
	verbLive       verb = "live-data" // needs a source on the internet
	verbOtherGame  verb = "game"      // a game that we have no rules for
	verbYes        verb = "yes"
	verbNo         verb = "no"
	verbUnknown    verb = "unknown"
	verbUnfinished verb = "unfinished" // a build or change with nothing in it
)

// intent is an owner's request, understood.
type intent struct {
	verb    verb
	de      bool
	text    string
	arg     string // what to remember, to remind of, to open, …
	app     string // slug, where one is meant
	spec    *Spec
	changes []Change
	again   bool // "another one", though there is such an app
	vague   bool // a build of something unknown, of which nothing says what to note
}

// rule is a request that a pattern alone tells; its first group, if any, is
// the argument.
type rule struct {
	verb verb
	re   *regexp.Regexp
}

func pattern(v verb, expr string) rule {
	return rule{v, regexp.MustCompile(`(?i)^(?:` + expr + `)[\s.!?]*$`)}
}

const courtesy = `(?:(?:hi|hello|hey|hallo)[ ,!]+)?(?:please |bitte |can you |could you |would you |kannst du |könntest du )*`

// rules are tried in order, before anything that needs the lexicon.
var rules = []rule{
	pattern(verbSetup, courtesy+`(?:(?:please )?set me up|set (?:it|everything|this home|matrix os) up|get to know me|let'?s get started|start (?:the )?(?:setup|onboarding)|onboard me|richte (?:mich|alles|es) ein|lern(?:e)? mich kennen|lass uns anfangen|los geht'?s)`),
	pattern(verbHello, `(?:hi|hello|hey|hallo|moin|servus|good (?:morning|evening|afternoon|day)|guten (?:morgen|tag|abend)|grüß gott|hi there|hello there|hey there|howdy|yo)(?:[ ,]+(?:matrix|there|you|again|du|computer|os|friend))*`),
	pattern(verbThanks, `(?:many )?(?:thanks|thank you|thx|ty|cheers|danke|vielen dank|dankeschön|great|nice|cool|perfect|super|ok|okay|well done|good job|prima|toll|wunderbar|awesome|lovely|alles klar)(?:[ ,]+(?:so much|very much|a lot|thanks|thank you|sehr|schön|dir|you|job|work|that's all|bye|for .*))*|bye|goodbye|tschüss`),
	pattern(verbYes, `(?:yes|yep|yeah|ja|sure|do it|go ahead|confirm|ok do it|mach das|yes please|ja bitte)(?:[ ,]+(?:please|delete|lösche|bitte|it|do it).*)?`),
	pattern(verbNo, `(?:no|nope|nein|cancel|don't|do not|never mind|nevermind|stop|lass es|abbrechen|nicht)(?:[ ,]+(?:thanks|thank you|danke|please|it).*)?`),
	pattern(verbHelp, `help(?: me)?|hilfe|what can (?:you|i) do(?: here)?|what can i ask(?: you)?|how (?:does this|do you) work|who are you|what are you|was kannst du|wer bist du|how do i (?:start|begin)|\?+|what now|what (?:is|can) (?:this|matrix os)(?: do)?|examples?|beispiele?|hilf mir|show me what you can do|commands?|get started`),
	pattern(verbAttach, courtesy+`(?:add|attach|connect|install|set up|use|enable|füge?|verbinde|installiere?)\s+(?:the |a |an |my |den |einen )?((?:file ?system|files?|memory|dateisystem|gedächtnis)(?: mcp)?[ -]?server\b.*)`),
	pattern(verbAttach, courtesy+`(?:add|attach|connect(?: to)?|install|set up|use|enable|füge?|verbinde|schließe?)\s+(?:the |a |an |my |den |einen |mit dem )?((?:[\w-]+[ -])?(?:mcp[ -]?)?server\b.*https?://\S+.*|https?://\S+/mcp\S*.*|(?:[\w-]+[ -])?mcp[ -]?server\b.*)`),
	pattern(verbModel, `.*\b(?:attach|connect|use|add|set up|switch (?:to|the)|change (?:the|to)|anschließen|verbinden)\b.*\b(?:model|modell|claude|gpt|openai|anthropic|ollama|llm|api[ -]?key|chatgpt|gemini|mistral)\b.*|.*\bapi[ -]?key\b.*|which model .*|what model .*|welches modell .*|are you (?:an? )?(?:ai|llm|claude|gpt|chatgpt|language model|human|robot|bot|real).*`),
	pattern(verbUndo, courtesy+`(?:undo|revert|roll ?back|take (?:that|it) back|rückgängig|mach(?:e)? (?:das|es|die letzte änderung)? ?rückgängig|nimm (?:das|es) zurück|undo (?:that|it|this|the last (?:change|one|thing)|my last change|last change|letzte änderung)|go back|zurücknehmen|bring (?:it|that) back)(?: please| bitte)?`),
	pattern(verbUndo, courtesy+`(?:undo|revert|roll ?back)\s+(?:landing\s+|change\s+)?(l?\d+)`),
	pattern(verbApps, courtesy+`(?:list|show|show me|what are|which are|zeige?|zeig mir|liste)?\s*(?:all |all of |alle )?(?:my |the |meine |die )?(?:apps|applications|anwendungen)(?: do i have| are there| i have| habe ich| gibt es| auflisten| list)?|(?:what|which|how many) apps (?:do i have|are there|exist|have i got)|(?:welche|wie viele) apps (?:habe ich|gibt es)|list apps|list everything|what do i have`),
	pattern(verbHistory, courtesy+`(?:show |list |show me |what is |zeige? |zeig mir )?(?:the |my |recent |all |den |die |alle )*(?:history|landings|changes|recent changes|change log|changelog|verlauf|änderungen|log)|what (?:has )?changed(?: lately| recently| today| here)?|what did you (?:do|change)(?: last| today| just)?|was hat sich geändert|was wurde geändert`),
	pattern(verbStatus, courtesy+`(?:show |what is |what's |how is |wie ist )?(?:the |your |my |system |der |dein )*status(?: report)?|how are (?:you|things)(?: doing)?|system state|is everything (?:ok|okay|fine|alright)|health|wie geht es dir|wie geht's|what's running|what is running|läuft alles`),
	pattern(verbReminders, courtesy+`(?:list|show|show me|what are|zeige?|zeig mir|what)?\s*(?:all |alle )?(?:my |the |meine |die )?(?:reminders|schedules|scheduled (?:things|tasks|reminders)|cron jobs|erinnerungen)(?: do i have| are (?:there|set)| have i set| habe ich)?|what (?:will|do) you remind me of|which reminders .*|welche erinnerungen .*`),
	pattern(verbUnremind, courtesy+`(?:delete|remove|cancel|stop|clear|drop|lösche|entferne|streiche)\s+(?:the |my |die |meine |all |alle )*(?:reminders?|erinnerung(?:en)?)\s*(?:to |for |about |of |called |an |für |zu |about the )*(.*)|(?:stop reminding me|don't remind me|erinnere mich nicht mehr)\s*(?:to |of |about |an )*(.*)`),
	pattern(verbMemories, courtesy+`what do you (?:remember|know)(?: about me)?|(?:list|show|show me)\s+(?:all |your |my |the )*memor(?:ies|y)|was (?:hast du dir gemerkt|weißt du (?:über mich|von mir))|what have you remembered|zeig(?:e)? (?:mir )?(?:deine |meine )?erinnerungen an mich`),
	pattern(verbRecall, courtesy+`(?:what (?:do|did) you (?:remember|know|note) (?:about|of)|what did i (?:tell you|say) about|recall|do you (?:remember|know)|was weißt du über|was habe ich (?:dir )?(?:über|zu)|erinnerst du dich an|weißt du noch)\s+(?:my |the |that |when |where |what |mein\w* )?(.+?)(?: gesagt)?`),
	pattern(verbForget, courtesy+`(?:forget|vergiss)[\s,]+(?:about |that |what i said about |the fact that |dass |bitte )*(.+)`),
	pattern(verbRemember, courtesy+`(?:remember|note|keep in mind|memori[sz]e|make a note|don't forget|merke? dir|merke|notiere)[\s,:]+(?:(?:that|this|dass|the fact that)[\s,:]+)*(.+)`),
}

var (
	remindMe   = regexp.MustCompile(`(?i)^` + courtesy + `(?:i (?:want|need) you to )?(?:remind me|set (?:up )?a reminder|create a reminder|add a reminder|make a reminder|new reminder|reminder|erinnere mich|erinner mich|erinnerung|wake me|alert me|weck mich|wecke mich)\b\s*:?\s*(.*)$`)
	openApp    = regexp.MustCompile(`(?i)^` + courtesy + `(?:open|launch|start|run|go to|switch to|bring up|show me|show|öffne|starte|zeige?(?: mir)?|geh zu|where is|wo ist)\s+(?:up )?(?:the |my |me |app |der |die |das |meine? )*(.+?)(?:\s+(?:app|window|application|please|bitte|anwendung))*[.!?]*$`)
	themeWord  = regexp.MustCompile(`(?i)\b(?:theme|dark ?mode|light ?mode|night ?mode|dark|light|darker|lighter|brighter|dunkel(?:modus|er|es|e)?|hell(?:er|es|e|en modus|modus)?|accent|akzent(?:farbe)?|colou?r scheme|farbschema|design|wallpaper|hintergrund|system theme|colou?rs?)\b`)
	themeVerb  = regexp.MustCompile(`(?i)^` + courtesy + `(?:(?:make|switch|change|set|use|turn|go|enable|i want|i prefer|i'd like|mach|mache|stell|stelle|schalte|wechsle|nutze|ich möchte|ich will|gib mir|give me|activate|aktiviere|put)\b.*|(?:the )?(?:dark|light|system|night|auto|automatic|dunkles?|helles?)\s*(?:mode|theme|design|modus)?(?: please| bitte)?|(?:dunkel|hell)(?:modus)?|theme .+|(?:accent|akzent).*)[.!?]*$`)
	whatCannot = regexp.MustCompile(`(?i)^` + courtesy + `(?:(?:(?:write|compose|draft|tell|sing|schreib\w*|verfasse|dichte|erzähl\w*)\s+(?:me |us |mir |uns )?(?:an? |the |some |another |my |ein\w* |mein\w* )?(?:\w+ ){0,2}?(?:poems?|stor(?:y|ies)|essay|e-?mail|letter|song|joke|jokes|article|blog(?: post)?|speech|code|script|novel|haiku|limerick|report|cover letter|cv|resume|thesis|paragraph|function|gedicht|geschichte|brief|aufsatz|witz|artikel|lied|rede|märchen))\b.*|(?:summari[sz]e|translate|explain|proofread|rewrite|rephrase|paraphrase|analy[sz]e|correct|review|fasse?|übersetze?|erkläre?|korrigiere?|analysiere?|brainstorm|imagine|compare|calculate|solve|google|search (?:the )?(?:web|internet|online)|browse|look up|suche? im (?:internet|netz)|generate an? (?:image|picture|photo)|draw (?:me )?an? |paint|send (?:an? |my |the )?(?:e-?mail|message|text|sms)|e-?mail |message |call (?:my |mom|dad|\+?\d)|book (?:me )?an? |order (?:me )?|buy (?:me )?|pay |post (?:on|to)|tweet|play (?:some )?music|schick\w*|sende)\b.*|(?:what(?:'s| is| are| was| were| does| do)|who(?:'s| is| was| are)|why|when (?:is|was|did|does)|where (?:is|are|was)|how (?:do|does|did|is|are|can|to|old|far|tall)|is it|should i|can i|wie wird|was ist|was sind|wer ist|wer war|warum|wann ist|wo ist|wie (?:viel|alt|weit|hoch|spät)|what time|how's)\b.*)$`)
	dataAsk    = regexp.MustCompile(`(?i)^` + courtesy + `(?:how (?:much|many)|what (?:did|have|is|was) (?:i|my|the)|what's (?:my|the)|when did i|which .* did i|wie ?viele?|was habe ich|wann habe ich|show me (?:the )?(?:total|sum|average))\b.*$`)
	otherGames = regexp.MustCompile(`(?i)\b(?:chess|tetris|sudoku|pong|breakout|pac-?man|mario|solitaire|poker|blackjack|checkers|draughts|go game|flappy|platformer|shooter|fps|mmo|mmorpg|multiplayer|racing|rpg|role-?playing|adventure game|3d|hangman|wordle|scrabble|crossword|asteroids|space invaders|connect four|battleships?|yahtzee|monopoly|schach|mühle|kniffel|galgenmännchen|rennspiel|mehrspieler)\b`)
	gameWord   = regexp.MustCompile(`(?i)\b(?:games?|spiele?|play|spielen)\b`)
	liveData   = regexp.MustCompile(`(?i)\b(?:weather|news|stock|share price|exchange rate|traffic|wetter|nachrichten|börsen\w*|aktien\w*)\s*-?(?:app|widget|forecast|report|ticker|vorhersage)?\s*$`)
	passwords  = regexp.MustCompile(`(?i)\b(?:passwords?|passw(?:o|ö)rte?r?n?|kennw(?:o|ö)rte?r?n?|pin codes?|credit card numbers?|kreditkarten\w*|logins|log-?in data|zugangsdaten|secret keys?)\b`)
	enterRow   = regexp.MustCompile(`(?i)^` + courtesy + `(?:add|log|enter|record|put in|insert|new|trage?|i (?:just )?(?:spent|paid|bought|ran|ate|read|finished|watched|drank|walked|slept))\b.*(?:\b\d+(?:[.,]\d+)?\s*(?:€|\$|£|euros?|dollars?|km|kg|pounds?|minutes?|hours?|pages|glasses)|(?:€|\$|£)\s*\d).*$`)
	enterFor   = regexp.MustCompile(`(?i)^` + courtesy + `(?:add|log|enter|record|trage?)\s+\d+(?:[.,]\d+)?\s+(?:for|on|für)\s+\S`)
	changeLead = regexp.MustCompile(`(?i)^(?:(?:rename|relabel|remove|delete|drop|hide|sort|order|group|ungroup|filter|search|change|switch|set|use|default|turn|convert|move|display|call|put|replace|stop|draw|plot|chart|graph)\b|make (?:it|them|the|this|that)|show (?:it|them|the|totals?|a|an|all|entries|sums?|only|by|amounts?|me (?:a|the))|umbenenne|benenne|nenne|entferne|lösche|sortiere|gruppiere|filtere|ändere|zeige?|füge|ergänze|verstecke|mach(?:e)? es|don't|do not|get rid|give (?:it|the)|let me (?:sort|filter|search|group)|(?:bar|line|pie|area) chart|(?:weekly|monthly|daily|yearly) (?:chart|graph)|add (?:an?|the|another|two|three|more|some|new|one)?\s*(?:\w+ )?(?:new |more )?(?:field|column|chart|graph|option|choice|total|totals|search|filter|sum|diagram|bar chart|line chart|pie chart|fields|columns|categor|status|rating|link|date|tag|note|price|priority|due)|neues feld|neue spalte|neue option|new option|(?:the )?currency (?:to|in|is|should)|totals|no |without|hinzu)`)
	buildNoun  = regexp.MustCompile(`(?i)\b(?:app|tracker|application|tool|program|anwendung)\b`)
	another    = regexp.MustCompile(`(?i)\b(?:another|second|separate|one more|noch ein\w*|zweite[nrs]?|a new|eine? neue[nrs]?|neue[nrs]?|2nd|different)\b`)
	alsoWord   = regexp.MustCompile(`(?i)\b(?:also|too|as well|in addition|additionally|auch|außerdem|zusätzlich)\b`)
	taskLead   = regexp.MustCompile(`(?i)^(?:build a new app|change the app|the owner (?:wrote|asks|wants)|task|owner's request)[^:\n]*:?\s*`)
)

// understand says what text asks for in a home that stands as st says. last is
// the app that the conversation dealt with last.
func (l *lexicon) understand(text string, st state, last string) intent {
	line := flat(taskLead.ReplaceAllString(text, ""))
	in := intent{de: l.german(line), text: line}
	if strings.Trim(line, " .,!?;") == "" {
		in.verb = verbHelp
		return in
	}
	for _, r := range rules {
		if m := r.re.FindStringSubmatch(line); m != nil && !l.appWish(r.verb, line) {
			in.verb = r.verb
			for _, g := range m[1:] {
				in.arg = orEmpty(in.arg, strings.Trim(g, " .!?"))
			}
			return in
		}
	}
	if m := remindMe.FindStringSubmatch(line); m != nil {
		in.verb, in.arg = verbRemind, m[1]
		return in
	}
	if liveData.MatchString(line) && !hasWord(fold(line), "track") && !whatCannot.MatchString(line) {
		in.verb = verbLive
		return in
	}
	if passwords.MatchString(line) {
		in.verb = verbPasswords
		return in
	}
	return l.aboutApps(in, st, last)
}

// appWish reports whether text, though it fits a rule, asks for an app: "note
// app", "remember all my books".
func (l *lexicon) appWish(v verb, line string) bool {
	if v != verbRemember && v != verbForget && v != verbModel && v != verbUnremind {
		return false
	}
	p := fold(line)
	return buildNoun.MatchString(line) && v == verbRemember || strings.HasPrefix(p, "note taking") || strings.HasPrefix(p, "remember all") ||
		v == verbModel && (strings.HasPrefix(p, "track") || strings.Contains(p, " field") || strings.Contains(p, " column"))
}

// aboutApps understands what has to do with apps, and what is beyond us.
func (l *lexicon) aboutApps(in intent, st state, last string) intent {
	line := in.text
	named, rest := findApp(line, st.Apps)
	if isTheme(line, named) {
		in.verb = verbTheme
		return in
	}
	if m := openApp.FindStringSubmatch(line); m != nil {
		a, ok := sameApp(m[1], st.Apps)
		if d, whole := l.domainFor(subjectFrom(m[1])); !ok && d != nil && whole {
			if a, ok = sameApp(d.Name, st.Apps); !ok {
				a, ok = sameApp(d.German, st.Apps)
			}
		}
		if ok {
			in.verb, in.app = verbOpen, a.Slug
			return in
		}
		if regexp.MustCompile(`(?i)^` + courtesy + `(?:open|launch|öffne|go to|bring up)\b`).MatchString(line) {
			in.verb, in.arg = verbNoApp, trimArticles(m[1])
			return in
		}
	}
	if a, ok := sameApp(line, st.Apps); ok && !another.MatchString(line) {
		in.verb, in.app = verbOpen, a.Slug
		return in
	}
	if named != nil && otherGames.MatchString(line) && !another.MatchString(line) && !changeLead.MatchString(stripPolite(line)) {
		in.verb, in.app = verbOpen, named.Slug // a game that is there
		return in
	}
	if named == nil && gameWord.MatchString(line) || otherGames.MatchString(line) {
		if game, ok := l.game(in, line); ok {
			return game
		}
	}
	if whatCannot.MatchString(line) && !l.clearlyBuild(line) {
		in.verb = verbRefuse
		if (named != nil || st.Focus != "") && dataAsk.MatchString(line) {
			in.verb = verbAskData
			in.app = st.Focus
			if named != nil {
				in.app = named.Slug
			}
		} else if slug := meantByMoney(line, st.Apps); slug != "" && dataAsk.MatchString(line) {
			in.verb, in.app = verbAskData, slug
		}
		return in
	}
	if dataAsk.MatchString(line) {
		in.verb, in.app = verbAskData, st.Focus
		if named != nil {
			in.app = named.Slug
		}
		return in
	}
	return l.buildOrChange(in, st, last, named, rest)
}

func (l *lexicon) clearlyBuild(line string) bool {
	return regexp.MustCompile(`(?i)^`+courtesy+`(?:make|build|create|track|erstelle|baue)\b`).MatchString(line) || regexp.MustCompile(`(?i)\bapp\b.*\b(?:with|to|for|that)\b`).MatchString(line)
}

// isTheme tells "dark mode" from "a field for the color".
func isTheme(line string, named *stateApp) bool {
	if !themeWord.MatchString(line) || !themeVerb.MatchString(line) || named != nil && !strings.Contains(fold(line), "theme") {
		return false
	}
	p := fold(line)
	for _, w := range []string{"field", "column", "app", "tracker", "chart", "feld", "spalte", "icon", "board", "game"} {
		if hasWord(p, w) {
			return false
		}
	}
	mode, accent := themeOf(line)
	return mode != "" || accent != "" || hasWord(p, "theme") || hasWord(p, "wallpaper") || hasWord(p, "accent")
}

// game answers for games: ours are built, of others we say what there is.
func (l *lexicon) game(in intent, line string) (intent, bool) {
	k, _ := l.kindFor(stripPolite(line))
	if m := otherGames.FindString(line); m != "" {
		if k == nil || k.Category != "games" || strings.EqualFold(m, "multiplayer") || strings.EqualFold(m, "3d") {
			if d, _ := l.domainFor(subjectFrom(l.dissect(line).head)); d != nil && l.dissect(line).verb == "keep" {
				return in, false
			}
			in.verb, in.arg = verbOtherGame, strings.ToLower(m)
			return in, true
		}
	}
	if k != nil && k.Category == "games" {
		return in, false
	}
	r := l.dissect(line)
	plain := set("game games spiel spiele video videospiel")[fold(subjectFrom(r.head))]
	if d, _ := l.domainFor(subjectFrom(r.head)); (d == nil || plain) && k == nil && !r.listed && r.verb != "keep" {
		in.verb, in.arg = verbOtherGame, ""
		return in, true
	}
	return in, false
}

// buildOrChange decides whether text is about an app that is there.
func (l *lexicon) buildOrChange(in intent, st state, last string, named *stateApp, rest string) intent {
	target, ambiguous := l.target(named, st, last)
	if (enterRow.MatchString(in.text) || enterFor.MatchString(in.text)) && !strings.Contains(in.text, " with ") && !changeLead.MatchString(stripPolite(in.text)) {
		in.verb = verbRow
		if target != nil {
			in.app = target.Slug
		}
		return in
	}
	r := l.dissect(in.text)
	if l.isChange(r, rest, st, target, named) {
		return l.change(in, target, ambiguous, rest)
	}
	u := l.buildFrom(in.text, r)
	if u.sure {
		in.verb, in.spec = verbBuild, &u.spec
		in.again = another.MatchString(in.text)
		return in
	}
	if target != nil && (named != nil || st.Focus != "" || alsoWord.MatchString(in.text)) {
		if ch := l.changes(rest, target.columns()); len(ch) > 0 {
			in.verb, in.app, in.changes = verbChange, target.Slug, ch
			return in
		}
	}
	if u.verb != "" && buildable(u.spec) && (u.verb == "keep" || buildNoun.MatchString(in.text)) {
		in.verb, in.spec, in.vague = verbBuild, &u.spec, !r.listed
		in.again = another.MatchString(in.text)
		return in
	}
	in.verb = verbUnknown
	if u.verb != "" {
		in.verb = verbUnfinished
	}
	return in
}

// buildable reports whether a spec of an unknown domain says enough.
func buildable(s Spec) bool {
	n := len(strings.Fields(s.Name))
	if set("app tool tracker list something thing things stuff it program page website database liste etwas anwendung nicer better")[fold(s.Name)] {
		return false
	}
	return s.Slug != "" && s.Name != "List" && s.Name != "Liste" && n > 0 && n <= 4 && !strings.ContainsAny(s.Name, "0123456789")
}

// isChange weighs what speaks for a change against what speaks for a new app.
func (l *lexicon) isChange(r request, rest string, st state, target, named *stateApp) bool {
	t := r.text
	k, _ := l.kindFor(t)
	switch {
	case named != nil && another.MatchString(t) && buildNoun.MatchString(t):
		return false
	case named != nil && stripPolite(rest) != t && changeLead.MatchString(rest):
		return true
	case named != nil && regexp.MustCompile(`(?i)\b(?:to|in|of|from|on|for|zu|in der)\s+(?:the |my |meine[rn]? |der )?`+regexp.QuoteMeta(named.Name)).MatchString(t) && len(l.changes(rest, named.columns())) > 0:
		return true
	case named != nil && r.verb == "" && !r.listed && !r.views.empty() && fillerOnly(strings.ReplaceAll(" "+fold(r.head)+" ", " "+fold(named.Name)+" ", " ")):
		return true // "show expenses as a board"
	case changeLead.MatchString(t):
		if buildNoun.MatchString(r.head) && named == nil && r.verb == "make" && !strings.HasPrefix(fold(t), "rename") && !regexp.MustCompile(`(?i)\b(?:the|this|my|die|diese) app\b`).MatchString(t) {
			return false
		}
		if k != nil && named == nil && !k.Kind.records() && r.verb == "make" && !regexp.MustCompile(`(?i)\b(?:field|column|chart)\b`).MatchString(t) {
			return false
		}
		if regexp.MustCompile(`(?i)^(?:make|give) (?:me|us) `).MatchString(t) {
			return false
		}
		if d, exact := l.domainFor(subjectFrom(r.head)); d != nil && exact && r.listed && named == nil {
			return false
		}
		return true
	case target == nil:
		return !r.views.empty() && (r.head == "" || fillerOnly(r.head))
	case !r.views.empty() && (r.head == "" || fillerOnly(r.head)):
		return true
	case alsoWord.MatchString(t) && (st.Focus != "" || named != nil || len(st.Apps) == 1):
		return true
	case addVerb.MatchString(t) && regexp.MustCompile(`(?i)^(?:add|include|insert|ergänze|füge)\b`).MatchString(t):
		return !buildNoun.MatchString(t) && k == nil && !l.namesList(t)
	}
	return false
}

// namesList reports whether text adds a whole list or app: "add a shopping
// list".
func (l *lexicon) namesList(text string) bool {
	r := l.dissect(text)
	d, exact := l.domainFor(subjectFrom(r.head))
	return d != nil && exact && regexp.MustCompile(`(?i)\b(?:list|liste|log|journal|diary|board|calendar|planner)\b`).MatchString(r.head)
}

func (l *lexicon) change(in intent, target *stateApp, ambiguous bool, rest string) intent {
	var columns []string
	if target != nil {
		columns = target.columns()
	}
	in.changes = l.changes(rest, columns)
	if target != nil {
		l.meansApp(in.changes, target)
	}
	switch {
	case len(in.changes) == 0:
		in.verb = verbUnfinished
	case ambiguous:
		in.verb = verbWhich
	case target == nil:
		in.verb = verbNoApp
	case slices.ContainsFunc(in.changes, func(c Change) bool { return c.Op == OpDeleteApp }):
		in.verb, in.app = verbDelete, target.Slug
	default:
		in.verb, in.app = verbChange, target.Slug
	}
	return in
}

// meansApp makes "rename expenses to Spending" and "delete expenses" changes of
// the app, unless a field is called that.
func (l *lexicon) meansApp(changes []Change, target *stateApp) {
	for i, c := range changes {
		if !strings.EqualFold(fold(c.Of), fold(target.Name)) && !strings.EqualFold(c.Of, target.Slug) || slices.Contains(target.columns(), identifier(c.Of, "_", 40)) {
			continue
		}
		switch c.Op {
		case OpRenameField:
			changes[i] = Change{Op: OpRenameApp, To: c.To}
		case OpRemoveField:
			changes[i] = Change{Op: OpDeleteApp}
		}
	}
}
