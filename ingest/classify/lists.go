package classify

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"strings"
	"sync"

	"selda/fault"
	"selda/nhs"
	"selda/policy"
)

// This file reads the lists by which what is sensitive gets its label when it
// comes in (G8): one file a label, which a Caldicott guardian can read.

//go:embed sensitive/*.txt
var boxed embed.FS

// List is what is labelled with one label, and why.
type List struct {
	Label    policy.Labels
	Title    string
	Why      string
	Sections []Section
}

// Section is a part of a list, under its heading.
type Section struct {
	Title   string
	Entries []Entry
}

// Entry is one code, or words, of a list.
type Entry struct {
	System string // "snomed", "icd10", "specialty", "flag", "consent", "words" or "medicine"
	Code   string // of "icd10" a category or code with all below it, or a range of them
	Below  bool   // with all that a release of SNOMED CT has below it
	Within bool   // Code is a reference set of SNOMED CT: all that a release has in it
	Words  string
	Origin string // whose list it was taken from
}

// Lists are all of them, ready to be looked up in. They are never changed.
type Lists struct {
	all       []List
	origins   map[string]string
	snomed    map[string]policy.Labels
	icd10     map[string]policy.Labels // by prefix, without the point
	specialty map[string]policy.Labels
	consents  map[string]policy.Labels // types of consent, of HL7 v2
	flags     map[string]policy.Labels
	medicines map[string]policy.Labels
	words     map[string][]phrase // by their first word
	sources   map[nhs.Source]policy.Labels
	teams     map[nhs.ODS][]policy.Team
	hash      string

	may        filter                // of all that means something
	named      filter                // of what a name has: words and medicines
	categories map[string]bool       // of ICD-10, for May
	flagged    map[string][][]string // of flags' codes, by their first word, for May
}

// phrase is words in a row.
type phrase struct {
	rest  []string
	label policy.Labels
	exact bool // a short form in capitals: HIV, FGM
}

// Box are the lists in the binary.
var Box = sync.OnceValue(func() *Lists {
	entries, err := boxed.ReadDir("sensitive")
	if err != nil {
		panic(err)
	}
	l := &Lists{origins: map[string]string{}}
	for _, e := range entries {
		b, err := boxed.ReadFile("sensitive/" + e.Name())
		if err != nil {
			panic(err)
		}
		if e.Name() == "ORIGINS.txt" {
			for line := range strings.Lines(string(b)) {
				if code, words, ok := strings.Cut(line, " = "); ok {
					l.origins[code] = strings.TrimSpace(words)
				}
			}
			continue
		}
		list, err := ParseList(e.Name(), string(b))
		if err != nil {
			panic(err)
		}
		l.all = append(l.all, list)
	}
	l.compile(nil)
	return l
})

// ParseList reads one list. It begins with "label:", "title:" and "why:"; a line
// "# …" begins a section; each other is "system | code | words | origin".
func ParseList(name, text string) (List, error) {
	const op = "classify.ParseList"
	var l List
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		wrong := func(words string) (List, error) {
			return l, fault.E(op, fault.Value, words, name+" line "+itoa(n))
		}
		switch head, rest, ok := strings.Cut(line, ":"); {
		case line == "":
			continue
		case ok && head == "label":
			if l.Label = policy.ParseLabel(strings.TrimSpace(rest)); l.Label == 0 {
				return wrong("there is no such label")
			}
			continue
		case ok && head == "title":
			l.Title = strings.TrimSpace(rest)
			continue
		case ok && head == "why":
			l.Why = strings.TrimSpace(rest)
			continue
		}
		if title, ok := strings.CutPrefix(line, "#"); ok {
			l.Sections = append(l.Sections, Section{Title: strings.TrimSpace(title)})
			continue
		}
		part := strings.Split(line, "|")
		if len(part) != 4 || len(l.Sections) == 0 || l.Label == 0 {
			return wrong("write system | code | words | origin, below a heading")
		}
		for i := range part {
			part[i] = strings.TrimSpace(part[i])
		}
		e := Entry{System: part[0], Code: part[1], Words: part[2], Origin: part[3]}
		e.Code, e.Below = strings.CutPrefix(e.Code, "<<")
		e.Code, e.Within = strings.CutPrefix(e.Code, "^")
		switch e.System {
		case "snomed", "icd10", "specialty", "flag", "consent", "words", "medicine":
		default:
			return wrong("the system is snomed, icd10, specialty, flag, consent, words or medicine")
		}
		if e.Code == "" || (e.Below || e.Within) && e.System != "snomed" {
			return wrong("say the code; << and ^ are for SNOMED CT")
		}
		s := &l.Sections[len(l.Sections)-1]
		s.Entries = append(s.Entries, e)
	}
	return l, nil
}

// All are the lists as they are read.
func (l *Lists) All() []List { return l.all }

// Origin is whose list an entry was taken from, in words.
func (l *Lists) Origin(code string) string { return l.origins[code] }

// Hash tells lists apart: what was labelled by others is labelled again.
func (l *Lists) Hash() string { return l.hash }

// With are the lists with the sources all of whose items have labels, and with
// what more gives for an entry that stands for all below it, or for all of a reference
// set; nil gives none.
func (l *Lists) With(sources map[nhs.Source]policy.Labels, more func(Entry) []string) *Lists {
	return l.WithTeams(nil, sources, more)
}

// Sources are those all of whose items have labels.
func (l *Lists) Sources() []nhs.Source { return sortedSources(l.sources) }

// OfSource are the labels that all items of a source have.
func (l *Lists) OfSource(s nhs.Source) policy.Labels { return l.sources[s] }

func (l *Lists) compile(more func(Entry) []string) {
	l.consents = map[string]policy.Labels{}
	l.snomed, l.icd10, l.specialty, l.flags, l.medicines, l.words = map[string]policy.Labels{}, map[string]policy.Labels{}, map[string]policy.Labels{}, map[string]policy.Labels{}, map[string]policy.Labels{}, map[string][]phrase{}
	sum := sha256.New()
	for _, list := range l.all {
		for _, s := range list.Sections {
			for _, e := range s.Entries {
				_, _ = sum.Write([]byte(list.Label.String() + e.System + "|" + e.Code + "\n"))
				l.enter(list.Label, e)
				if (e.Below || e.Within) && more != nil {
					for _, code := range more(e) {
						if l.snomed[code]&list.Label == 0 {
							l.snomed[code] |= list.Label
							_, _ = sum.Write([]byte(code + "\n"))
						}
					}
				}
			}
		}
	}
	teamsInto(sum, l.teams)
	for _, s := range sortedSources(l.sources) {
		_, _ = sum.Write([]byte(string(s) + "=" + l.sources[s].String() + "\n"))
	}
	l.categories, l.flagged = map[string]bool{}, map[string][][]string{}
	l.quick()
	l.hash = hex.EncodeToString(sum.Sum(nil)[:8])
}

func (l *Lists) enter(label policy.Labels, e Entry) {
	switch e.System {
	case "snomed":
		if !e.Within { // a reference set itself is in no record
			l.snomed[e.Code] |= label
		}
	case "icd10":
		for _, c := range categories(e.Code) {
			l.icd10[c] |= label
		}
	case "specialty":
		l.specialty[e.Code] |= label
	case "consent":
		l.consents[e.Code] |= label
	case "flag":
		l.flags[e.Code] |= label
	case "medicine":
		l.medicines[strings.ToLower(e.Code)] |= label
	case "words":
		w := wordsOf(strings.ToLower(e.Code))
		exact := len(w) == 1 && e.Code == strings.ToUpper(e.Code)
		if exact {
			w[0] = e.Code
		}
		key := strings.ToLower(w[0])
		l.words[key] = append(l.words[key], phrase{w[1:], label, exact})
	}
}
