package testenv

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"selda/audit"
	"selda/cmd/selda/region"
	"selda/fault"
	"selda/fhir"
	"selda/nhs"
)

// Actor is somebody who asks in a journey.
type Actor struct {
	User         string  `json:"user"`
	Organisation nhs.ODS `json:"organisation"`
}

// Result is what came of a journey.
type Result struct {
	Capability string  `json:"capability"`
	Actors     []Actor `json:"actors"`
	Messages   int     `json:"messages"` // that came in, by any door
	Audit      int     `json:"audit"`    // entries in the trail at the end
	Passed     bool    `json:"passed"`
	// Compared are whole answers that a fork held against each other.
	Compared int `json:"compared,omitempty"`
	// Differences say where what was seen is not what stands in the script.
	Differences []string `json:"differences,omitempty"`
	// Updated is the script with what was seen.
	Updated []byte `json:"-"`
}

// Play plays a journey in a fresh region under dir.
func Play(ctx context.Context, dir string, text []byte) (r *Result, err error) {
	s, err := parseScript(text)
	if err != nil {
		return nil, err
	}
	p := &player{ctx: ctx, dir: dir, names: map[string]string{}, ids: map[string]string{}, remembered: map[string]*Answer{}, last: map[*Env]*Answer{}, result: &Result{Capability: s.meta("capability"), Actors: []Actor{}}}
	if p.env, err = Open(ctx, filepath.Join(dir, "region"), Start); err != nil {
		return nil, err
	}
	defer func() {
		for _, e := range []*Env{p.env, p.with} {
			if e != nil {
				err = errors.Join(err, e.Close())
			}
		}
	}()
	for i := range s.sections {
		if err := p.section(&s.sections[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", s.sections[i].words, err)
		}
	}
	latest, err := p.env.Trail(ctx, audit.Query{Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(latest) > 0 {
		p.result.Audit = int(latest[0].Seq)
	}
	p.result.Passed = len(p.result.Differences) == 0
	p.result.Updated = s.format()
	return p.result, nil
}

// player plays one journey.
type player struct {
	ctx        context.Context
	dir        string
	env        *Env // the region
	with       *Env // its second copy, after a fork
	now        *Env // the one at work
	names      map[string]string
	ids        map[string]string // of the server, as they are shown
	last       map[*Env]*Answer
	remembered map[string]*Answer
	result     *Result
}

func (p *player) differ(words, format string, a ...any) {
	p.result.Differences = append(p.result.Differences, words+": "+fmt.Sprintf(format, a...))
}

func (p *player) section(s *section) error {
	words := s.words
	for name, v := range p.names {
		words = strings.ReplaceAll(words, "{"+name+"}", v)
	}
	if words == "fork" {
		return p.fork()
	}
	only, second := strings.CutPrefix(words, "with: ")
	p.now = p.env
	if second {
		if p.with == nil {
			return fmt.Errorf("there is no second copy: fork first")
		}
		p.now, words = p.with, only
	}
	body := string(s.body)
	for name, v := range p.names {
		body = strings.ReplaceAll(body, "{"+name+"}", v)
	}
	before := p.last[p.env]
	out, err := p.act(words, []byte(body))
	if err != nil {
		return err
	}
	if p.with != nil && !second {
		p.now = p.with
		theirs, err := p.act(words, []byte(body))
		if err != nil {
			return err
		}
		if out != theirs {
			p.differ(s.words, "what is hidden shows.\nwithout it:\n%s\nwith it:\n%s", out, theirs)
		}
		if mine := p.last[p.env]; mine != before {
			p.result.Compared++
			if a, b := p.whole(p.env, mine), p.whole(p.with, p.last[p.with]); a != b {
				p.differ(s.words, "what is hidden left a trace in the whole answer.\nwithout it:\n%s\nwith it:\n%s", a, b)
			}
		}
	}
	p.check(s, p.anonymous(out))
	return nil
}

// check holds what was seen against what the script says, and puts it there.
func (p *player) check(s *section, out string) {
	if out != "" && !strings.HasSuffix(out, "\n") {
		out += "\n"
	}
	if (s.sees || out != "") && string(s.see) != out {
		p.differ(s.words, "saw\n%s\nthe script has\n%s", out, s.see)
	}
	s.sees, s.see = s.sees || out != "", []byte(out)
}

// serverID is an id that the server made: thirteen of its letters and digits, which are
// those that no word of that length is of. One in a hundred has no digit.
var serverID = regexp.MustCompile(`\b[0-9a-hjkmnp-tv-z]{13}\b`)

// anonymous replaces the server's ids, which differ from run to run, by the
// order in which they were first seen.
func (p *player) anonymous(s string) string {
	return serverID.ReplaceAllStringFunc(s, func(id string) string {
		if strings.Trim(id, "0123456789") == "" {
			return id
		}
		for name, v := range p.names {
			if v == id {
				return "{" + name + "}"
			}
		}
		if p.ids[id] == "" {
			p.ids[id] = "<" + strconv.Itoa(len(p.ids)+1) + ">"
		}
		return p.ids[id]
	})
}

// cursor is a sealed place in a search; it differs each time it is made.
var cursor = regexp.MustCompile(`_page=[A-Za-z0-9_-]+`)

// whole is all of an answer that could tell something.
func (p *player) whole(e *Env, a *Answer) string {
	if a == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintln(&b, a.Status)
	var names []string
	for n := range a.Header {
		if n != "Date" {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		fmt.Fprintln(&b, n+":", strings.Join(a.Header[n], ", "))
	}
	b.Write(a.Body)
	text := strings.ReplaceAll(b.String(), e.HTTP, "http://server")
	return cursor.ReplaceAllStringFunc(text, func(c string) string { return fmt.Sprintf("_page=(%d sealed)", len(c)) })
}

// fork closes the region, copies its folder, and opens both.
func (p *player) fork() error {
	now := p.env.Now()
	if err := p.env.Close(); err != nil {
		return err
	}
	dir := p.env.Dir
	p.env = nil
	second := filepath.Join(p.dir, "with")
	if err := copyRegion(p.ctx, dir, second); err != nil {
		return err
	}
	var err error
	if p.env, err = Open(p.ctx, dir, now); err != nil {
		return err
	}
	p.with, err = Open(p.ctx, second, now)
	return err
}

// verbs are what is done by nobody in particular, with how many words each needs.
var verbs = map[string]struct {
	words int
	act   func(p *player, args []string, body []byte) (string, error)
}{
	"send": {0, (*player).send}, "ingest": {2, (*player).ingest}, "name": {2, (*player).name}, "keep": {2, (*player).keep}, "clock": {1, (*player).tick},
	"links": {0, (*player).links}, "undo": {1, (*player).undo}, "remember": {1, (*player).remember}, "same": {1, (*player).same}, "audit": {1, (*player).audit},
}

// asks is how many words each thing that a user does needs.
var asks = map[string]int{"GET": 1, "POST": 1, "PUT": 1, "DELETE": 1, "HEAD": 1, "next": 0, "record": 1, "declare": 1, "break-glass": 2, "trail": 0}

func (p *player) act(words string, body []byte) (string, error) {
	args := strings.Fields(words)
	if len(args) == 0 {
		return "", fmt.Errorf("a section says what is done")
	}
	if v, ok := verbs[args[0]]; ok {
		if len(args)-1 < v.words {
			return "", fmt.Errorf("%s takes %d words", args[0], v.words)
		}
		return v.act(p, args[1:], body)
	}
	if len(args) < 2 {
		return "", fmt.Errorf("a section begins with a verb or a user")
	}
	if n, ok := asks[args[1]]; !ok || len(args)-2 < n {
		return "", fmt.Errorf("%q is nothing that is done in a journey, or says too little", args[1])
	}
	user := args[0]
	if user == "nobody" {
		user = ""
	} else if err := p.actor(user); err != nil {
		return "", err
	}
	switch args[1] {
	case "next":
		return p.next(user)
	case "record":
		return p.record(user, args[2])
	case "declare", "break-glass":
		return p.claim(user, args[1:])
	case "trail":
		return p.trail(user)
	}
	return p.request(user, args[1], strings.Join(args[2:], " "), body)
}

func (p *player) actor(user string) error {
	s, err := p.now.Subject(user)
	if err != nil {
		return err
	}
	if a := (Actor{user, s.Organisation}); p.now == p.env && !slices.Contains(p.result.Actors, a) {
		p.result.Actors = append(p.result.Actors, a)
	}
	return nil
}

func (p *player) counted(n int) {
	if p.now == p.env {
		p.result.Messages += n
	}
}

func (p *player) send(_ []string, body []byte) (string, error) {
	message := bytes.ReplaceAll(bytes.TrimSpace(body), []byte("\n"), []byte("\r"))
	ack, err := p.now.Send(p.ctx, append(message, '\r'))
	if err != nil {
		return "", err
	}
	p.counted(1)
	out := ack.First("MSA").Comp(1, 1).Text()
	for e := range ack.All("ERR") {
		out += " " + cmp.Or(e.Comp(8, 1).Text(), e.Comp(1, 4).Text())
	}
	return out, nil
}

func (p *player) ingest(args []string, body []byte) (string, error) {
	source, err := nhs.ParseSource(args[0])
	if err != nil {
		return "", err
	}
	format, mapping := args[1], ""
	if len(args) > 2 {
		mapping = args[2]
	}
	sum, err := p.now.Ingest(p.ctx, source, format, mapping, "file."+format, body)
	if err != nil {
		return "", err
	}
	p.counted(sum.Messages)
	out := fmt.Sprintf("%d messages: %d stored, %d resources", sum.Messages, sum.Stored, sum.Resources)
	if sum.Quarantined > 0 {
		list, err := p.now.Region.Quarantine(p.ctx, region.OperatorSubject(), sum.Quarantined)
		if err != nil {
			return "", err
		}
		for _, q := range list {
			out += fmt.Sprintf("\nquarantined: %s: %s", q.Place, q.Reason)
		}
	}
	if sum.Duplicates > 0 {
		out += fmt.Sprintf(", %d duplicates", sum.Duplicates)
	}
	return out, nil
}

func (p *player) name(args []string, _ []byte) (string, error) {
	id, err := p.now.Citizen(p.ctx, args[1])
	p.names[args[0]] = id
	return "", err
}

func (p *player) keep(args []string, _ []byte) (string, error) {
	i := 0
	if len(args) > 2 {
		i, _ = strconv.Atoi(args[2])
	}
	last := p.last[p.now]
	if last == nil {
		return "", fmt.Errorf("there is no answer yet")
	}
	r, err := fhir.ParseTrusted(last.Body)
	if err != nil {
		return "", err
	}
	list := []fhir.Node{r.Root()}
	for _, e := range r.Root().List("entry") {
		list = append(list, e.Get("resource"))
	}
	for _, n := range list {
		if n.Get("resourceType").Is(args[1]) {
			if i == 0 {
				p.names[args[0]] = n.Get("id").Text()
				return "", nil
			}
			i--
		}
	}
	return "", fmt.Errorf("the last answer has no such %s", args[1])
}

func (p *player) tick(args []string, _ []byte) (string, error) {
	d, err := time.ParseDuration(args[0])
	p.now.Advance(d)
	return "", err
}

func (p *player) remember(args []string, _ []byte) (string, error) {
	p.remembered[args[0]] = p.last[p.now]
	return "", nil
}

func (p *player) same(args []string, _ []byte) (string, error) {
	if a, b := p.whole(p.now, p.remembered[args[0]]), p.whole(p.now, p.last[p.now]); a != b {
		return "", fmt.Errorf("the answer is not the same.\nit was:\n%s\nit is:\n%s", a, b)
	}
	return "", nil
}

func (p *player) request(user, method, path string, body []byte) (string, error) {
	a, err := p.now.Do(p.ctx, user, method, path, bytes.TrimSpace(body))
	if err != nil {
		return "", err
	}
	p.last[p.now] = a
	if method != "GET" && method != "HEAD" && a.Status < 300 {
		p.counted(1)
	}
	return tellAnswer(a), nil
}

func (p *player) next(user string) (string, error) {
	last := p.last[p.now]
	if last == nil {
		return "", fmt.Errorf("there is no answer yet")
	}
	r, err := fhir.ParseTrusted(last.Body)
	if err != nil {
		return "", err
	}
	for _, l := range r.Root().List("link") {
		if l.Get("relation").Is("next") {
			path, ok := strings.CutPrefix(l.Get("url").Text(), p.now.HTTP)
			if !ok {
				return "", fmt.Errorf("the next page is on another server")
			}
			return p.request(user, "GET", path, nil)
		}
	}
	return "", fmt.Errorf("the last answer has no next page")
}

func (p *player) claim(user string, args []string) (string, error) {
	s, err := p.now.Subject(user)
	if err != nil {
		return "", err
	}
	if args[0] == "declare" {
		err = p.now.Region.Access.Declare(p.ctx, s, args[1], "")
	} else {
		err = p.now.Region.Access.BreakGlass(p.ctx, s, args[1], args[2])
	}
	if err != nil {
		return "refused: " + fault.Reason(err), nil
	}
	return "taken", nil
}

func (p *player) links(_ []string, _ []byte) (string, error) {
	events, reviews, err := p.now.Region.Links(p.ctx, region.OperatorSubject(), 100)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%s %s: %s: %s%s\n", e.Kind, e.Rule, e.Reason, strings.Join(e.Citizens, " "), map[bool]string{true: ", undone"}[e.Undone])
	}
	for _, r := range reviews {
		fmt.Fprintf(&b, "in review %s: %s: %s\n", r.Rule, r.Reason, strings.Join(r.Citizens, " "))
	}
	return cmp.Or(b.String(), "none"), nil
}

func (p *player) undo(args []string, _ []byte) (string, error) {
	i, err := strconv.Atoi(args[0])
	if err != nil {
		return "", err
	}
	events, _, err := p.now.Region.Links(p.ctx, region.OperatorSubject(), 100)
	if err != nil {
		return "", err
	}
	if i >= len(events) {
		return "", fmt.Errorf("there are %d changes of links", len(events))
	}
	if err := p.now.Region.UndoLink(p.ctx, region.OperatorSubject(), events[i].ID); err != nil {
		return "refused: " + fault.Reason(err), nil
	}
	return "undone", nil
}
