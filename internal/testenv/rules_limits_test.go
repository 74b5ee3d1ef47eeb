package testenv

import (
	"strings"
	"testing"
	"time"

	"selda/cmd/selda/region"
	"selda/nhs"
	"selda/policy"
)

// seals has an organisation seal what a file says.
func (o *outside) seals(at nhs.ODS, file string) {
	o.Helper()
	if err := o.Region.PutLimits(o.Context(), region.OperatorSubject(), at, []byte(file)); err != nil {
		o.Fatal(err)
	}
}

// joins has a user be in a team.
func (o *outside) joins(user string, teams ...string) {
	o.Helper()
	a, ok := o.Region.Auth.Accounts.Find(user)
	if !ok {
		o.Fatal("nobody is called", user)
	}
	a.Teams = teams
	if err := o.Region.Auth.Accounts.Put(a); err != nil {
		o.Fatal(err)
	}
}

// G4: a limit inside an organisation is a seal that its controller sets: nobody of it
// outside the team knows of the item by any door; the team, other organisations and
// the citizen see what they saw; emergency access opens it, and is reviewed.
func TestG4ASealHidesFromOwnStaffOutsideTheTeam(t *testing.T) {
	o := known(t)
	clinic := `"serviceType":{"coding":[{"system":"https://kings.example/clinic","code":"656"}]}`
	o.writes("RJZ:PAS", "Encounter", "clinic", `"status":"in-progress","class":{"code":"IMP"},"period":{"start":"2026-11-05T08:00:00Z"},"type":[{"text":"Psychology clinic of seals"}],`+clinic+`,`+atKings)
	o.writes("RJZ:PAS", "Condition", "of-clinic", `"code":{"text":"Panic of seals"},"recordedDate":"2026-11-05","encounter":{"reference":"Encounter/clinic"},`+atKings)
	o.writes("RJZ:PAS", "Condition", "other", `"code":{"text":"Sprain of the ankle"},"recordedDate":"2026-11-05",`+atKings)
	doors := []string{"/fhir/Condition?patient={citizen}", "/fhir/Condition/of-clinic", "/fhir/Patient/{citizen}/$everything", "/record/{citizen}", "/record/{citizen}/problems"}
	if at := o.sees("nurse", "Panic of seals", doors...); len(at) < 4 {
		t.Fatal("before the seal seen only at", at)
	}
	o.seals("RJZ", `
teams:
  - {name: Psychology, groups: ["655694018104"], wrote: ["656"]}
seals:
  - {id: psychology, title: What psychology wrote, teams: [Psychology], of: [Psychology], reason: agreed with the service}
`)
	o.joins("nurse", "655694018104")
	o.markedBy("of-clinic", policy.TeamMark(0))
	if at := o.sees("nurse", "Panic of seals", doors...); len(at) < 4 {
		t.Error("the team itself sees it only at", at)
	}
	if at := o.sees("doctor", "of seals", append(doors, "/fhir/Encounter?patient={citizen}", "/record/{citizen}/timeline")...); at != nil {
		t.Error("own staff outside the team see it at", at)
	}
	if at := o.sees("doctor", "Sprain of the ankle", doors[0]); at == nil {
		t.Error("what is not the team's is hidden, too")
	}
	if n := o.total("doctor", "/fhir/Condition?patient={citizen}&_summary=count"); n != 1 {
		t.Error("a total counts what is sealed:", n)
	}
	before := o.sees("gp", "Panic of seals", doors[0])
	if before == nil {
		t.Error("another organisation is hidden an item by a seal that is not about it")
	}
	o.breaksGlass("doctor", "emergency")
	if at := o.sees("doctor", "Panic of seals", doors...); len(at) < 4 {
		t.Error("under emergency access it is seen only at", at)
	}
}

// markedBy waits until an item has the mark of a team.
func (o *outside) markedBy(id string, mark policy.Labels) {
	o.Helper()
	for range 200 {
		v, err := o.Region.Store.Read(o.Context(), "Condition", id, 1<<62, everything)
		if err != nil {
			o.Fatal(err)
		}
		if v.Labels&mark != 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	o.Fatal("the item does not get the team's mark")
}

// G4: only the organisation's own guardian sets a seal, of its own systems, with a
// reason, and who sees it.
func TestG4OnlyTheControllerSetsASeal(t *testing.T) {
	o := known(t)
	good := "seals:\n  - {id: a, title: Alerts, roles: [nurse], data-sets: [alerts], reason: because}\n"
	for name, c := range map[string]struct {
		user string
		at   nhs.ODS
		file string
		want string // of the refusal; "" where it is kept
	}{
		"the guardian":                {"guardian", "RJZ", good, ""},
		"a doctor":                    {"doctor", "RJZ", good, "only the organisation's Caldicott guardian"},
		"another's guardian":          {"guardian", "RJ1", good, "only the organisation's Caldicott guardian"},
		"another's system":            {"guardian", "RJZ", strings.Replace(good, "data-sets: [alerts]", "from: [\"RJ1:PAS\"]", 1), "own systems"},
		"without a reason":            {"guardian", "RJZ", strings.Replace(good, "because", "''", 1), "say why"},
		"for nobody":                  {"guardian", "RJZ", strings.Replace(good, "roles: [nurse], ", "", 1), "which teams or roles"},
		"over everything":             {"guardian", "RJZ", strings.Replace(good, "data-sets: [alerts], ", "", 1), "say what is sealed"},
		"for a team that there isn't": {"guardian", "RJZ", strings.Replace(good, "roles: [nurse]", "teams: [X]", 1), "no such team"},
	} {
		s, err := o.Subject(c.user)
		if err != nil {
			t.Fatal(err)
		}
		err = o.Region.PutLimits(t.Context(), s, c.at, []byte(c.file))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	kept, err := o.Region.Access.LimitsOf(t.Context(), region.OperatorSubject(), "RJZ")
	if err != nil || len(kept.Seals) != 1 || kept.Seals[0].By == "" || kept.Seals[0].Set.IsZero() {
		t.Error(kept, err)
	}
}

// G7: how long a relationship lasts after discharge is for the controller to say, and
// never less than 28 days; the page says it, and the caseload holds it.
func TestG7AfterDischargeAsTheControllerHasSet(t *testing.T) {
	o := known(t)
	ended := o.Now().AddDate(0, 0, -40)
	o.writes("RJZ:PAS", "Encounter", "stay", `"status":"finished","class":{"code":"IMP"},"period":{"start":"`+ended.AddDate(0, 0, -3).Format(time.RFC3339)+`","end":"`+ended.Format(time.RFC3339)+`"},`+atKings)
	opens := func() bool {
		status, _ := o.asks("doctor", "GET", "/record/{citizen}", "")
		return status == 200
	}
	found := func() bool {
		_, body := o.asks("doctor", "GET", "/fhir/Encounter?status=finished", "")
		return strings.Contains(body, `"stay"`)
	}
	if opens() || found() {
		t.Fatal("40 days after discharge the record is open by the least:", opens(), found())
	}
	if err := o.Region.PutLimits(t.Context(), region.OperatorSubject(), "RJZ", []byte("after-care-days: 20")); err == nil {
		t.Error("less than 28 days can be set")
	}
	o.seals("RJZ", "after-care-days: 60")
	if !opens() || !found() {
		t.Error("60 days are set, and 40 days after discharge the record is closed, or not in the caseload:", opens(), found())
	}
	if _, body := o.asks("doctor", "GET", "/record/{citizen}", ""); !strings.Contains(body, ended.AddDate(0, 0, 60).Format("02-Jan-2006")) {
		t.Error("the page does not say until when the record is open")
	}
}

// G4: the guardian sets a seal on the page, sees who set what, and ends it; the privacy
// officer reads it, and nobody else.
func TestG4TheGuardianSetsASealOnThePage(t *testing.T) {
	o := known(t)
	o.writes("RJZ:PAS", "Condition", "c1", `"code":{"text":"Sprain under a seal"},"recordedDate":"2026-11-05",`+atKings)
	o.declares("doctor")
	sees := func() bool { return o.sees("doctor", "Sprain under a seal", "/record/{citizen}/problems") != nil }
	if !sees() {
		t.Fatal("before the seal it is not seen")
	}
	for form, want := range map[string]int{
		"set=seal&title=Problems&sets=problems&roles=nurse&reason=": 422,
		"set=seal&title=Problems&sets=problems&reason=why":          422,
		"set=after&days=20":                           422,
		"set=team&name=GUM&wrote=360&systems=RJ1:PAS": 422,
		"end=nothing":                                 422,
	} {
		if status, body := o.posts("guardian", "/privacy/limits", form); status != want || !strings.Contains(body, "There is a problem") {
			t.Error(form, status)
		}
	}
	if status, body := o.posts("guardian", "/privacy/limits", "set=seal&title=Problems&sets=problems&roles=nurse&reason=asked+for+by+the+board"); status != 200 || !strings.Contains(body, "asked for by the board") {
		t.Fatal(status, body)
	}
	if sees() {
		t.Error("the seal is not in force at once")
	}
	for user, want := range map[string]int{"privacy": 200, "doctor": 403, "gp": 403, "citizen": 403} {
		if status, _ := o.asks(user, "GET", "/privacy/limits", ""); status != want {
			t.Error(user, status)
		}
	}
	_, body := o.asks("privacy", "GET", "/privacy/limits", "")
	if !strings.Contains(body, "Dr Michael Rosenberg") || strings.Contains(body, "Set the seal") {
		t.Error("the privacy officer does not read who set it, or could change it")
	}
	o.Advance(time.Hour)
	_, body = o.asks("guardian", "GET", "/privacy/limits", "")
	_, end, _ := strings.Cut(body, `name="end" value="`)
	end, _, _ = strings.Cut(end, `"`)
	if status, _ := o.posts("guardian", "/privacy/limits", "end="+end); status != 200 || !sees() {
		t.Error("it can't be ended:", status, end)
	}
}
