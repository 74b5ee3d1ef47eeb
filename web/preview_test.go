package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/a-h/templ"

	"selda/access/record"
	"selda/fhir"
	"selda/ingest/classify"
	"selda/internal/browser"
	"selda/nhs"
	"selda/policy"
	"selda/store"
	"selda/web/assets"
	"selda/web/page"
	"selda/web/view"
)

var now = time.Date(2026, 11, 22, 14, 7, 0, 0, time.UTC)

// sample is the record of the tests, as a Grant that hides nothing shows it.
func sample(t testing.TB) *record.View {
	t.Helper()
	f, err := os.Open("testdata/folake.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v := &record.View{Citizen: "0197c0ffee"}
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var line struct {
			Source   nhs.Source
			Received time.Time
			Resource json.RawMessage
		}
		if err := json.Unmarshal(s.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		r, err := fhir.Parse(line.Resource)
		if err != nil {
			t.Fatal(err)
		}
		c := classify.Of(r, line.Source, classify.By{})
		if line.Source.System() == "MOSAIC" {
			c.DataSet = policy.SocialCare
		}
		v.Items = append(v.Items, record.Item{Res: r, Version: &store.Version{When: c.When,
			Columns: policy.Columns{Type: r.Type, ID: r.ID, Source: line.Source, DataSet: c.DataSet, Recorded: line.Received}}})
	}
	n, err := nhs.ParseNumber("9991234519")
	if err != nil {
		t.Fatal(err)
	}
	v.Person = record.Person{Family: "Adeyemi", Given: "Folake", Title: "Miss", Preferred: "Folly", Born: "1951-11-05", Gender: "female", NHSNumber: n, Verified: true, Practice: "Old Kent Road Surgery"}
	return v
}

// names are the sources of the tests.
func names(s nhs.Source) string {
	known := map[nhs.ODS]string{"G85001": "Old Kent Road Surgery", "RJZ": "King's College Hospital", "RPG": "Oxleas", "LAMBETH": "Lambeth Social Care", "RJ1": "Synnovis laboratory"}
	return known[s.Organisation()]
}

func frame(kind page.Kind, title string) page.Frame {
	f := page.Frame{Title: title, Kind: kind, User: "Dr A Okafor", Role: "General practitioner · Old Kent Road Surgery", Now: now, Search: true,
		CSS: "/assets/selda.css", JS: []string{"/assets/selda.js"}}
	if kind == page.Citizen {
		f.Search, f.User, f.Role = false, "Folake Adeyemi", "Your own record"
	}
	return f
}

// pages are all pages, by name, as they look with a record.
func pages(t testing.TB) map[string]templ.Component {
	v := sample(t)
	rec := rows(v, names, time.Date(2026, 11, 19, 0, 0, 0, 0, time.UTC), now, false)
	b0 := banner(v, rec, "/record/0197c0ffee", now)
	base := "/record/0197c0ffee"
	on := func(section string) page.RecordPage {
		return page.RecordPage{Frame: frame(page.Staff, "ADEYEMI, Folake"), Banner: b0, Base: base, Relation: "she is registered with your practice",
			Nav: page.Nav(rec, base, section), Sources: []page.SourceLine{{Name: "GP record", AsAt: "2 min ago"}, {Name: "King's", AsAt: "live"}, {Name: "Oxleas", AsAt: "3 min ago"}, {Name: "Lambeth SC", AsAt: "OUT 14:02", Out: true}}}
	}
	all := map[string]templ.Component{}
	summary := on("")
	summary.Summary = page.NewSummary(rec, view.ParseDate("2026-11-19"), now)
	all["record"] = page.Record(summary)
	crew := summary
	crew.Frame.Kind = page.Crew
	all["record-crew"] = page.Record(crew)
	for _, s := range []view.Section{view.Problems, view.Medicines, view.Allergies, view.Results, view.Documents, view.Plans, view.Encounters} {
		p := on(string(s))
		part := rec.Part(s)
		p.Part = &part
		all["record-"+string(s)] = page.Record(p)
	}
	empty := on("immunisations")
	none := rows(&record.View{}, names, time.Time{}, now, false).Part(view.Immunisations)
	empty.Part = &none
	all["record-empty"] = page.Record(empty)
	tl := on("timeline")
	days, _ := rec.Days(0, 40)
	tl.Timeline = &page.Timeline{Days: days, Count: len(rec.All), Older: base + "/timeline?page=2"}
	all["record-timeline"] = page.Record(tl)
	o := on("results")
	o.Origin = &page.Origin{Item: "Creatinine", Source: "King's College Hospital", Received: view.ParseDate("2026-11-20T06:31:00Z"), Format: "HL7 v2", Place: "OBX", Back: base + "/results",
		Lines:  []page.Line{{Text: `MSH|^~\&|EPR|RJZ|SELDA|QVI|20261120063100||ORU^R01|88123|P|2.5`}, {Text: "OBX|1|NM|2160-0^Creatinine^LN||142|umol/L|45-84|HH|||F|||20261120061000", Marks: [][2]int{{9, 15}, {32, 35}}}},
		Fields: []page.OriginField{{Element: "value quantity, value", Place: "OBX-5", Value: "142"}}}
	all["record-origin"] = page.Record(o)
	b := on("")
	b.Break = &page.BreakGlass{Action: base + "/emergency", Hours: 12, Reasons: []page.Reason{{Code: "emergency", Text: "The patient can't be asked, and treatment can't wait"}, {Code: "safeguarding", Text: "A safeguarding enquiry"}}}
	all["record-emergency"] = page.Record(b)
	hit := page.Found{Href: base, Name: view.Name{Family: "Adeyemi", Given: "Folake", Title: "Miss"}, Born: view.ParseDate("1951-11-05"), Age: "75y", Gender: "Female", Number: "999 123 4519", NumberSays: "verified", Address: "14 Ilderton Road, SE15 1NW", Practice: "Old Kent Road Surgery"}
	other := hit
	other.Name.Given, other.Number, other.NumberSays, other.Warn = "Folasade", "", "no NHS number", "Same family name and birthday as the one above"
	all["search"] = page.Search(page.SearchPage{Frame: frame(page.Staff, "Find a person")})
	all["search-found"] = page.Search(page.SearchPage{Frame: frame(page.Staff, "2 people found"), Asked: true, As: "name and birth date", Found: []page.Found{hit, other}})
	all["search-none"] = page.Search(page.SearchPage{Frame: frame(page.Staff, "Nobody found"), Asked: true, As: "name and birth date"})
	all["declare"] = page.Declare(page.DeclarePage{Frame: frame(page.Staff, "Are you caring for this person?"), Banner: b0, Action: base + "/declare", Break: base + "/emergency", Why: []page.Reason{{Code: "here", Text: "The patient is in front of me"}, {Code: "asked", Text: "I was asked for advice about them"}}})
	all["record-sharing"] = page.Behalf(page.BehalfPage{Frame: frame(page.Staff, "Sharing choices"), Banner: b0, Base: base, Sharing: page.Sharing{Behalf: "Folake Adeyemi", Action: base + "/sharing", Details: &page.Details{Choice: page.Choice{Code: "object", Title: "Don't share"}, Authorities: []page.Reason{{Code: "telephone", Text: "The person told me by telephone, and I checked who they are"}}}}})
	all["message"] = page.Message(page.MessagePage{Frame: frame(page.Staff, "Not found"), Heading: "There is no such page", Text: []string{"Nothing was changed."}, Link: page.Link{Href: "/", Text: "Go to the search"}, Trace: "01K9"})
	for name, c := range citizenPages(rec) {
		all[name] = c
	}
	for name, c := range deskPages() {
		all[name] = c
	}
	return all
}

func citizenPages(rec *view.Record) map[string]templ.Component {
	my := func(title string) page.MyPage {
		return page.MyPage{Frame: frame(page.Citizen, title), First: "Folake", Base: "/me", Back: true}
	}
	home := my("Your record")
	home.Back = false
	home.Home = &page.Home{New: rec.New[:3], Coming: rec.Part(view.Referrals).First(1, "Appointments"), Menu: page.MyMenu("/me", "")}
	results := my("Test results")
	rows := page.PlainRows("Test results", "", rec.Part(view.Results), "")
	results.Rows = &rows
	letters := my("Letters")
	l := page.PlainRows("Letters", "", rec.Part(view.Documents), "")
	letters.Rows = &l
	choices := []page.Choice{{Code: "share", Title: "Share with everyone who cares for me", Text: "Your GP, hospitals, mental health and social care teams see what they need.", Now: true}, {Code: "object", Title: "Don't share", Text: "Each service sees only what it wrote itself.", Now: false}}
	sharing := my("Sharing choices")
	sharing.Sharing = &page.Sharing{Choices: choices, Action: "/me/sharing"}
	preview := my("Sharing choices")
	preview.Sharing = &page.Sharing{Choices: choices, Action: "/me/sharing", Preview: &page.Preview{Choice: choices[1], Words: "Everything is kept from everyone", Fields: []page.Field{{Name: "choice", Value: "object"}}, Changes: []string{"A&E at King's College Hospital will not see your GP medicines."}, Keeps: []string{"Your GP still sees what your practice wrote."}}}
	sharing.Sharing.Now = []page.Stated{{Words: "Letters are kept from King's College Hospital, until the end of 31 March 2027", Who: "You chose this", When: "on 12 November 2026", Back: "/me/sharing/back/c1"},
		{Words: "Everything is kept from everyone", Who: "Dr A Okafor, General practitioner, Old Kent Road Surgery, stated this for you. The person told me by telephone, and I checked who they are (called back)", When: "on 1 November 2026", Back: "/me/sharing/back/c2"}}
	sharing.Sharing.Past = []page.Stated{{Words: "“Creatinine” is kept from everyone", Who: "You chose this", When: "on 2 October 2026", Until: "on 5 October 2026"}}
	details := my("Sharing choices")
	details.Sharing = &page.Sharing{Action: "/me/sharing", Error: "Choose at least one kind of information", Details: &page.Details{Choice: page.Choice{Code: "kind", Title: "Share, but keep some kinds of information private"}, Kinds: []page.Option{{Code: "documents", Text: "Letters", On: true}, {Code: "results", Text: "Test results"}},
		Organisations: []page.Option{{Code: "RJZ", Text: "King's College Hospital"}}, Closed: true, From: "2026-12-01"}}
	looked := my("Who has looked")
	looked.Looked = &page.Looked{Days: []page.DayCount{{Day: view.ParseDate("2026-11-22"), Count: 2}}, Looks: []page.Look{{At: view.ParseDate("2026-11-22T09:10:00Z"), Who: "Dr A Okafor", Where: "Old Kent Road Surgery", Did: "Looked at your record", Why: "You are registered there", Rule: "G7 registration", Ask: "/me/ask/12"}, {At: view.ParseDate("2026-11-21T02:10:00Z"), Who: "Dr V Stone", Where: "Darent Valley Hospital", Did: "Opened your record in an emergency", Why: "You could not be asked", Rule: "G9 emergency access", Emergency: true}}}
	return map[string]templ.Component{"me": page.My(home), "me-results": page.My(results), "me-letters": page.My(letters), "me-sharing": page.My(sharing), "me-preview": page.My(preview), "me-sharing-details": page.My(details), "me-looked": page.My(looked)}
}

func deskPages() map[string]templ.Component {
	at := view.ParseDate("2026-11-21T02:10:00Z")
	f := frame(page.Staff, "Privacy")
	f.Search = false
	day := []int{31, 28, 20, 12, 9, 8, 12, 25, 48, 61, 70, 66, 58, 60, 64, 62, 57, 50, 44, 41, 38, 36, 33, 12}
	feeds := []page.FeedRow{{Source: "LAMBETH:MOSAIC", Name: "Lambeth Social Care", State: "stopped", Tone: view.Bad, LastHeard: "5 hours ago", Rate: "0 this hour, usually 4", Hours: make([]int, 24), Usual: day, Quarantined: 1, Held: 3, Href: "/feeds/LAMBETH:MOSAIC", HeldHref: "/quarantine?source=LAMBETH:MOSAIC"},
		{Source: "RJZ:EPR", Name: "King's College Hospital", State: "live", Tone: view.Good, LastHeard: "just now", Rate: "12 this hour, usually 35", Hours: day, Usual: day, Oldest: "just now", Waiting: 2, Total: 90412, Href: "/feeds/RJZ:EPR"}}
	feed := page.FeedPage{Frame: f, Row: feeds[0], Looked: 1000, Unmapped: []page.UnmappedRow{{Kind: "ZPI", Reason: "a segment of the sender's own", Count: 41, Href: "/trace/M0000124"}},
		Extracts: []page.ExtractRow{{Name: "social-care-packages", File: "social-care-packages-2026-11-20.csv", At: at, Rows: 1204, Kept: 12, Unchanged: 1190, Refused: 2, Vanished: 3, Totals: "they agree · COST 120.50", Tone: view.Good},
			{Name: "community-caseload", File: "community-caseload.csv", At: at, Totals: "Nothing of it was taken: the totals say 12 rows, the file has 11", Tone: view.Bad}},
		Latest: []page.MessageRow{{ID: "M0000124", Received: at, What: "CSV clients", State: "quarantined"}}}
	return map[string]templ.Component{
		"privacy":       page.Privacy(page.PrivacyPage{Frame: f, Organisation: "King's College Hospital", Done: "The outcome is in the trail.", Outcomes: []page.Reason{{Code: "justified", Text: "Justified: the access was right"}, {Code: "asked", Text: "The user was asked"}}, Reviewed: []page.Case{{At: at, Who: "Nurse B Okoro", What: "Same family name", Outcome: "Justified: the access was right", By: "H Fletcher, 22-Nov-2026 10:00"}}, Queue: []page.Case{{Action: "/privacy/outcome/12", At: at, Who: "Dr V Stone", Role: "Hospital doctor", Citizen: "0197c0ffee", What: "Emergency access", Reason: "The patient can't be asked", Facts: []string{"At 02:10, outside the user's usual hours"}, Tone: view.Bad, Href: "/privacy/trail?near=12"}}}),
		"privacy-trail": page.Privacy(page.PrivacyPage{Frame: f, Organisation: "King's College Hospital", ShowTrail: true, Trail: []page.TrailRow{{At: at, Who: "Dr V Stone", Role: "Hospital doctor", Did: "read the record", Citizen: "0197c0ffee", Purpose: "BTG", Rules: "G9", Outcome: "permit", Number: "12"}}}),
		"feeds": page.Feeds(page.FeedsPage{Frame: f, Feeds: feeds, Wrong: 1, Ending: []page.SecretRow{{Title: "The certificate of the feed RJZ:PAS", State: "ends within 30 days", Tone: view.Warn, Ends: "12-Dec-2026", Left: "in 20 days", Owner: "Integration team, King's", Contact: "integration@kch.example", How: "Name its successor beside it in the feeds file; two hold at a time"},
			{Title: "The certificate of the feed RJ1:LAB", State: "overdue", Tone: view.Bad, Ends: "20-Nov-2026", Left: "2 days ago", How: "Name its successor beside it in the feeds file; two hold at a time"}}, Untold: []page.UntoldRow{{User: "epr", ID: "results", Channel: "rest-hook", State: "turned off", Tone: view.Bad, Since: "8 days ago",
			Waiting: 1204, Aside: 3, Reason: "it answered 503; nothing was accepted for a week"}}}),
		"feed":       page.Feed(feed),
		"quarantine": page.Quarantine(page.QuarantinePage{Frame: f, Groups: []page.QuarantineGroup{{Source: "Lambeth Social Care", Code: "LAMBETH:MOSAIC", Count: 41, Reason: "the date is not one", Place: "column dob", Rows: []page.QuarantineRow{{ID: "M0000124", Place: "row 7, column dob", Received: at, Format: "CSV clients"}}}}}),
		"held":       page.Held(page.HeldPage{Frame: f, ID: "M0000124", Source: "LAMBETH:MOSAIC", Reason: "the date is not one", Place: "row 7, column dob", Format: "CSV clients", Received: at, Action: "/quarantine/M0000124/replay", Lines: []page.Line{{Text: "id,name,dob"}, {Text: "77,31/02/1951,SE15", Marks: [][2]int{{3, 13}}}}}),
		"trace":      page.Trace(page.TracePage{Frame: f, ID: "M0000124", Fields: []page.FieldRow{{Place: "row 7", Item: "Patient/x7"}, {Place: "row 7, column dob", Item: "Patient/x7", Element: "birthDate"}}, More: 3, Stages: []page.Stage{{At: "14:02:01.120", Name: "received", Detail: "1,204 bytes from LAMBETH:MOSAIC"}, {At: "14:02:01.125", Name: "quarantined", Detail: "row 7, column dob: the date is not one", Tone: view.Warn}}}),
	}
}

// rendered is a page as HTML.
func rendered(t testing.TB, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Every page in a browser, wide and narrow.
func TestPagesInABrowser(t *testing.T) {
	b := browser.Open(t, "..")
	all := pages(t)
	files, err := assets.New()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/assets/", files)
	mux.HandleFunc("/{name}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", page.CSP)
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, rendered(t, all[r.PathValue("name")]))
	})
	server := httptest.NewServer(mux)
	defer server.Close()
	names := make([]string, 0, len(all))
	for n := range all {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, name := range names {
		b.Dark(name == "record-crew")
		for _, width := range []int64{1280, 360} {
			b.Width(width)
			b.Go(server.URL + "/" + name)
			b.Look(fmt.Sprintf("%s-%d", name, width))
		}
	}
}
