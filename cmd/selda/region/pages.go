package region

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"

	"selda/access/origin"
	"selda/fault"
	"selda/ingest/classify"
	"selda/nhs"
	"selda/policy"
	"selda/proxy"
	"selda/proxy/asked"
	"selda/store"
	"selda/synth"
	"selda/web"
)

// pages wires the pages.
func (r *Region) pages() (*web.Web, error) {
	emergency := ""
	if d := r.downtime; d != nil {
		emergency = "Emergency mode: this is a copy of " + d.Made.In(time.Local).Format("02-Jan-2006 15:04") + ". It shows allergies, medicines, alerts and plans as they were then, and nothing that came later. Each look is recorded."
	}
	return web.New(web.Deps{Emergency: emergency, Subject: r.Auth.Subject, Lists: r.labels.lists, Retention: r.keptFor, Disposals: r, Watches: r.staff, Asked: asked.Register{Documents: r.documents}, SignOn: r.Auth, People: r.Auth, LeaveTo: r.Auth.LeaveTo(), Access: r.Access, Records: r.Records, Ingest: r.Ingest, Desk: desk{r}, Governance: govern{r}, Releasing: r, Secrets: r,
		Origins: &origin.Origins{Raws: r.Journal}, Name: r.sourceNames(), Short: shortNames(), Accounts: r.Auth.Accounts, LastHeard: r.Ingest.LastHeard, Now: r.Now, Log: r.Log})
}

// sourceNames are what people call sources: the name of the organisation as
// the directory has it, else as the footprint knows it, else its code.
func (r *Region) sourceNames() func(nhs.Source) string {
	known := map[nhs.ODS]string{"SELDA": "The person themselves", "": ""}
	for _, o := range synth.Organisations() {
		known[o.Code] = o.Name
		maps.Copy(known, o.Sites())
	}
	type entry struct {
		name string
		at   time.Time
	}
	var cache sync.Map // of nhs.ODS to entry: a page asks for hundreds
	return func(s nhs.Source) string {
		org := s.Organisation()
		if s == proxy.Source {
			return "SELDA, as the practice recorded"
		}
		if name, ok := known[org]; ok {
			return name
		}
		if e, ok := cache.Load(org); ok && time.Since(e.(entry).at) < namesHold {
			return e.(entry).name
		}
		name := r.OrganisationName(org)
		cache.Store(org, entry{name, time.Now()})
		return name
	}
}

// organisationNames are the names of organisations by their codes.
func (r *Region) organisationNames() func(nhs.ODS) string {
	names := r.sourceNames()
	return func(o nhs.ODS) string { return names(nhs.Source(string(o) + ":")) }
}

// shortNames are what people write of sources at the end of a row; "" where
// none is known.
func shortNames() func(nhs.Source) string {
	short := map[nhs.ODS]string{}
	for _, o := range synth.Organisations() {
		short[o.Code] = o.Short
	}
	return func(s nhs.Source) string { return short[s.Organisation()] }
}

// namesHold is how long an organisation's name is used before the directory is asked again.
const namesHold = time.Minute

// OrganisationName is the name that the directory has, else the code.
func (r *Region) OrganisationName(org nhs.ODS) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	everything := &policy.Predicate{Permit: true, Everything: true}
	found, err := r.Store.Search(ctx, store.Query{Type: "Organization", Groups: [][]string{{classify.Identifier(nhs.ODSSystem, string(org))}}, N: store.Latest, Limit: 1}, everything)
	if err != nil || len(found) == 0 {
		return string(org)
	}
	if v, err := r.Store.Shared(ctx, "Organization", found[0].ID); err == nil {
		if res, err := v.Resource(); err == nil && res.Get("name").Text() != "" {
			return res.Get("name").Text()
		}
	}
	return string(org)
}

// TakesPart says whether an organisation takes part: somebody of it has an account, or the
// directory has its name.
func (r *Region) TakesPart(o nhs.ODS) bool {
	if n, err := r.Auth.Accounts.Count(o); o == nhs.Exchange || err == nil && len(n) > 0 {
		return o != nhs.Exchange
	}
	return r.organisationNames()(o) != string(o)
}

// noPages answers where the pages could not be made.
func noPages(err error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "The pages could not be made: "+fault.Reason(err), http.StatusInternalServerError)
	})
}
