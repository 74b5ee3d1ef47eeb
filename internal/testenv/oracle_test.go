package testenv

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"selda/auth"
	"selda/cmd/selda/region"
	"selda/fhir"
	"selda/internal/oracle"
	"selda/nhs"
	"selda/policy"
	"selda/rights"
	"selda/store"
)

// The rules, judged twice: of random citizens, agreements, preferences and readers the
// decision, and what `GET /fhir/Type/id` answers, are what a naive reading of the
// rules' words says, for each item and each of its versions. SELDA_CASES says how
// many citizens, drawn anew; the test of every day is of the same 500.
func TestG1TheOracleAgrees(t *testing.T) {
	cases := cmp.Or(os.Getenv("SELDA_CASES"), "500")
	if testing.Short() {
		cases = "40"
	}
	flags := map[string]string{"rapid.checks": cases, "rapid.nofailfile": "true"}
	if os.Getenv("SELDA_CASES") == "" {
		flags["rapid.seed"] = "26112026"
		t.Cleanup(func() { _ = flag.Set("rapid.seed", "0") })
	}
	for name, value := range flags {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	x := &examined{T: t, ctx: stored(t), dir: t.TempDir(), verdicts: map[string]int{}}
	t.Cleanup(x.close) // before its folder goes
	rapid.Check(t, x.one)
	t.Logf("%d citizens, %d verdicts of items and versions", x.serial, x.judged)
	for rule, n := range x.verdicts {
		t.Logf("%7d %s", n, rule)
	}
}

// perRegion is how many citizens a region is asked of, before another is opened: the
// clock of a region goes on with each, and every change of what is agreed is kept.
const perRegion = 60

// examined is the system that is asked.
type examined struct {
	*testing.T
	ctx     context.Context
	dir     string
	env     *Env
	handler http.Handler
	as      policy.Subject // who asks next

	serial, judged, messages int
	verdicts                 map[string]int
}

func (x *examined) close() {
	if x.env != nil {
		_ = x.env.Close()
	}
}

func (x *examined) must(err error) {
	x.Helper()
	if err != nil {
		x.Fatal(err)
	}
}

// open opens a region in which nothing is agreed, and whose API takes the test's word
// for who asks.
func (x *examined) open() {
	x.close()
	var err error
	x.env, err = Open(x.ctx, filepath.Join(x.dir, strconv.Itoa(x.serial)), Start)
	x.must(err)
	x.env.Region.FHIR().Subject = func(*http.Request) (policy.Subject, error) { return x.as, nil }
	x.handler = x.env.Region.Handler()
	operator := operatorSubject()
	_, err = x.env.Region.WithdrawAgreement(x.ctx, operator, direct)
	x.must(err)
	x.send(&oracle.World{}, []word{{source: "RJZ:PAS", typ: "Organization", id: "drawn-rjz", body: fhir.Object{"resourceType": "Organization", "id": "drawn-rjz", "name": "A hospital",
		"identifier": []fhir.Object{{"system": nhs.ODSSystem, "value": "RJZ"}}}}})
}

// one is one citizen, and three who ask.
func (x *examined) one(t *rapid.T) {
	if x.serial%perRegion == 0 {
		x.open()
	}
	x.serial++
	x.env.Advance(time.Second)
	j := drawJudged(t, x.serial, x.env.Now())
	w := oracle.World{Number: j.number.Digits(), Agreements: j.files, Lists: sensitiveLists(x), Limits: j.limits, Directory: map[string]string{"Organization/drawn-rjz": "RJZ"}}
	for organisation, file := range j.limits {
		x.must(x.env.Region.PutLimits(x.ctx, operatorSubject(), nhs.ODS(organisation), []byte(file)))
	}
	if j.together {
		people := slices.DeleteFunc(slices.Clone(j.stages[0]), func(s word) bool { return s.typ != "Patient" })
		x.send(&w, people)
		x.sendTogether(&w, j.stages[0])
	} else {
		x.send(&w, j.stages[0])
	}
	x.env.Advance(j.wait)
	citizen, err := x.env.Region.Access.ByNumber(x.ctx, j.number)
	x.must(err)
	gp, err := x.env.Subject("gp")
	x.must(err)
	for _, ref := range j.reviewed {
		typ, id, _ := strings.Cut(ref, "/")
		x.must(x.env.Region.Access.Declare(x.ctx, gp, citizen, ""))
		w.Stated = append(w.Stated, oracle.Stated{User: "gp", At: x.env.Now()})
		if x.env.Region.Access.Review(x.ctx, gp, citizen, typ, id) == nil {
			w.Reviewed = append(w.Reviewed, oracle.Reviewed{Type: typ, ID: id, At: x.env.Now()})
		}
	}
	x.env.Advance(time.Second)
	x.send(&w, j.stages[1])
	x.env.Advance(j.since)
	x.send(&w, j.lastly)
	x.practice(j, &w, citizen)
	if j.severed != "" {
		_, err := x.env.Region.Sever(x.ctx, operatorSubject(), j.key+"-"+strconv.Itoa(slices.Index(j.sources, j.severed)))
		x.must(err)
		w.Severed = append(w.Severed, string(j.severed))
	}
	x.restricts(j, &w, citizen)
	for _, file := range j.files {
		_, err := x.env.Region.PutAgreement(x.ctx, operatorSubject(), []byte(file))
		if err != nil {
			x.Fatalf("%v\n%s", err, file)
		}
	}
	for _, a := range j.readers {
		x.asks(t, j, &w, a, citizen)
	}
}

// restricts has the use of something stopped, as a case does.
func (x *examined) restricts(j *judged, w *oracle.World, citizen string) {
	r := j.restricted
	if r == nil {
		return
	}
	r.From = x.env.Now().Add(-time.Minute)
	if j.over {
		r.To = x.env.Now()
	}
	o := rights.BuildRestraint(&rights.Case{ID: j.key}, *r, j.number)
	sent, err := x.env.Region.Ingest.Submit(x.ctx, raw(rights.Source, "PUT Basic/"+rights.RestraintID(j.key), string(fhir.Marshal(o)), citizen))
	x.must(err)
	out, err := sent.Committed(x.ctx)
	x.must(err)
	x.must(out.Err)
	told := oracle.Restricted{Source: string(r.Source), Organisation: string(r.Organisation), From: r.From, Until: r.To}
	for _, i := range r.Items {
		told.Items = append(told.Items, i.Type+"/"+i.ID)
	}
	w.Restricted = append(w.Restricted, told)
}

// asks has one reader say what they say, and holds all that they may know of against
// the oracle.
func (x *examined) asks(t *rapid.T, j *judged, w *oracle.World, a asker, citizen string) {
	s := x.subject(j, a)
	if s.Role.Clinician() || s.Role == nhs.SocialWorker { // who else has no other purpose that is care
		s.Purpose = cmp.Or(a.purpose, s.Purpose)
	}
	r := oracle.Reader{User: a.user, Purpose: string(s.Purpose), Role: string(s.Role), Organisation: string(s.Organisation), Number: s.NHSNumber.Digits(), Source: string(s.Source), Teams: s.Teams}
	for _, n := range s.For {
		r.For = append(r.For, n.Digits())
	}
	for _, say := range a.says {
		switch {
		case say == "declare" && x.env.Region.Access.Declare(x.ctx, s, citizen, "") == nil:
			w.Stated = append(w.Stated, oracle.Stated{User: a.user, At: x.env.Now()})
		case say != "declare" && x.env.Region.Access.BreakGlass(x.ctx, s, citizen, say) == nil:
			w.Stated = append(w.Stated, oracle.Stated{User: a.user, Reason: say, At: x.env.Now()})
		}
	}
	if a.scopes != nil {
		s.Scopes = scopesOf(x.T, a.scopes, citizen)
		r.App, r.Scopes = true, a.scopes
	}
	w.Now, x.as = x.env.Now(), s
	p := x.decision(s, citizen)
	seen := map[string]bool{}
	for _, item := range w.Sent {
		ref := item.Type + "/" + item.ID
		if seen[ref] || slices.Contains(w.Severed, item.Source) { // of somebody else now
			continue
		}
		seen[ref] = true
		now, versions := oracle.Judge(*w, r, item.Type, item.ID)
		all, err := x.env.Region.Store.History(x.ctx, item.Type, item.ID, store.Latest, everything)
		x.must(err)
		all = slices.DeleteFunc(all, reviewedLater(all))
		if len(all) != len(versions) {
			x.differ(t, j, w, a, fmt.Sprintf("%s has %d versions, %d were sent", ref, len(all), len(versions)), "", now)
			continue
		}
		latest := all[0]
		for i, v := range all { // the latest is first
			got := says(p, &v.Columns, &latest.Columns)
			want := versions[len(versions)-1-i]
			x.judged++
			x.verdicts[want.Rule]++
			if got != want.Sees {
				x.differ(t, j, w, a, fmt.Sprintf("%s version %d", ref, len(versions)-i), got, want)
			}
		}
		if status := x.get(ref); (status == http.StatusOK) != (now.Sees == oracle.Shown && !latest.Deleted) {
			x.differ(t, j, w, a, fmt.Sprintf("GET %s answers %d", ref, status), "", now)
		}
	}
}

// reviewedLater is true of a version that was reviewed: the same stands once more,
// with that mark.
func reviewedLater(all []*store.Version) func(*store.Version) bool {
	marked := map[*store.Version]bool{}
	for i, v := range all[1:] {
		marked[v] = all[i].Labels&policy.Reviewed != 0 && bytes.Equal(all[i].Body, v.Body)
	}
	return func(v *store.Version) bool { return marked[v] }
}

// says is what a predicate says of a version.
func says(p *policy.Predicate, v, latest *policy.Columns) oracle.Sees {
	switch {
	case p.Shows(v) && p.Shows(latest):
		return oracle.Shown
	case p.OfExistence().Shows(latest):
		return oracle.Exists
	}
	return oracle.Hidden
}

// decision is the predicate of the reader's Grant; one that shows nothing where they
// have none.
func (x *examined) decision(s policy.Subject, citizen string) *policy.Predicate {
	if s.Role == nhs.SourceSystem {
		if g, err := x.env.Region.Access.System(x.ctx, s, "read", "test"); err == nil {
			return g.Predicate()
		}
	} else if g, err := x.env.Region.Access.Record(x.ctx, s, citizen, "test"); err == nil {
		return g.Predicate()
	}
	return &policy.Predicate{}
}

func (x *examined) get(ref string) int {
	a := httptest.NewRecorder()
	x.handler.ServeHTTP(a, httptest.NewRequestWithContext(x.ctx, http.MethodGet, "http://selda.example/fhir/"+ref, nil))
	return a.Code
}

// subject is an account as it asks; the citizen's own and who acts for them are new
// with each citizen.
func (x *examined) subject(j *judged, a asker) policy.Subject {
	switch a.user {
	case "judged-citizen":
		x.must(x.env.Region.Auth.Accounts.Put(auth.Account{User: a.user, Name: "Ada", Role: nhs.Citizen, NHSNumber: j.number}))
	case "judged-proxy":
		x.must(x.env.Region.Auth.Accounts.Put(auth.Account{User: a.user, Name: "Eve", Role: nhs.Proxy, NHSNumber: testNumber(400_000), For: []nhs.Number{j.number}}))
	}
	if known, ok := x.env.Region.Auth.Accounts.Find(a.user); ok && known.Organisation != "" && known.Source == "" {
		if known.Teams = nil; j.member {
			known.Teams = []string{"Psychology"}
		}
		x.must(x.env.Region.Auth.Accounts.Put(known))
	}
	s, err := x.env.Subject(a.user)
	x.must(err)
	return s
}

func scopesOf(t *testing.T, words []string, citizen string) *policy.Scopes {
	s := &policy.Scopes{App: "drawn", Patient: citizen, Doing: policy.ToRead}
	for _, w := range words {
		one, ok := policy.ParseScope(w)
		if !ok {
			t.Fatalf("%s is no scope", w)
		}
		s.List = append(s.List, one)
	}
	return s
}

// differ says all that there is to know of a difference.
func (x *examined) differ(t *rapid.T, j *judged, w *oracle.World, a asker, what string, got oracle.Sees, want oracle.Verdict) {
	var b strings.Builder
	for _, s := range w.Sent {
		body, _ := json.Marshal(s.Body)
		fmt.Fprintf(&b, "%s %s %d %s/%s %s\n", s.At.Format(time.RFC3339), s.Source, s.Message, s.Type, s.ID, body)
	}
	fmt.Fprintf(&b, "restricted %+v, acting %+v, assessed %+v, refuted %+v, severed %v, limits %v\n", w.Restricted, w.Acting, w.Assessed, w.Refuted, w.Severed, w.Limits)
	t.Fatalf("%s as %s (%v, for %q, scopes %v): the system says %q, the oracle %q: %s\nnow %s, reviewed %v\n%s\n%s", what, a.user, a.says, a.purpose, a.scopes, got, want.Sees, want.Rule, w.Now.Format(time.RFC3339), w.Reviewed, b.String(), strings.Join(j.files, "---\n"))
}

// sensitiveLists are the value sets of what is sensitive, as a guardian reads them.
func sensitiveLists(x *examined) (out []string) {
	files, err := filepath.Glob("../../ingest/classify/sensitive/*.txt")
	x.must(err)
	for _, f := range files {
		b, err := os.ReadFile(f)
		x.must(err)
		out = append(out, string(b))
	}
	return out
}

func operatorSubject() policy.Subject { return region.OperatorSubject() }

func fhirBytes(s word) []byte {
	if s.body == nil {
		return []byte("{}")
	}
	return fhir.Marshal(s.body)
}
