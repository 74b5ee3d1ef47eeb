package testenv

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The holes that the hostile tests are there for: each is opened in the system as it
// stands, and its test has to fail. Without that nobody knows whether a test of an
// attack attacks anything.
var holes = []seeded{
	{name: "a token's signature is not looked at", by: "TestHostileForgedTokensOpenNothing", edits: []edit{
		{file: "auth/token.go", old: "\terr = parsed.Claims(key, &c)\n", new: "\t_, err = key, parsed.UnsafeClaimsWithoutVerification(&c)\n"},
	}},
	{name: "a token goes on after its end", by: "TestHostileTokensOutOfTheirPlaceOrTime", edits: []edit{
		{file: "auth/token.go", old: "AnyAudience: jwt.Audience{audience}, Time: now}", new: "AnyAudience: jwt.Audience{audience}, Time: c.IssuedAt.Time()}"},
		{file: "auth/token.go", old: "|| err == nil && !now.Before(c.Expiry.Time())", new: "|| false"},
	}},
	{name: "a token goes on after its account has gone", by: "TestHostileTokensOutOfTheirPlaceOrTime", edits: []edit{
		{file: "auth/token.go", old: "\tif !ok {\n\t\treturn policy.Subject{}, fault.E(op, fault.Login, \"the token's account is gone\")\n\t}\n", new: "\tif !ok {\n\t\ta = Account{User: c.Subject, Role: \"citizen\"}\n\t}\n"},
	}},
	{name: "a token of another audience is taken", by: "TestHostileTokensOfAnotherAudienceOpenNothing", in: "auth", edits: []edit{
		{file: "auth/token.go", old: "AnyAudience: jwt.Audience{audience}, Time: now}", new: "AnyAudience: c.Audience, Time: now}"},
	}},
	{name: "a code is good twice", by: "TestHostileCodesAndRefreshTokensAreUsedOnce", edits: []edit{
		{file: "auth/exchange.go", old: "a.passing.End(passingAppCode, code, codeRemember)", new: "a.passing.Get(passingAppCode, code)"},
	}},
	{name: "an application is given what it was not registered for", by: "TestHostileScopesAreNotToBeWidened", edits: []edit{
		{file: "auth/authorize.go", old: "words(policy.Narrowed(resources(asks), client.Resources()))...", new: "words(resources(asks))..."},
	}},
	{name: "a refresh may ask for more", by: "TestHostileCodesAndRefreshTokensAreUsedOnce", edits: []edit{
		{file: "auth/exchange.go", old: "ok && !slices.ContainsFunc(most, s.Less) || !ok", new: `ok && slices.Contains(want, "none") || len(most) == 0 || !ok`},
	}},
	{name: "an application's answer goes wherever it says", by: "TestHostileRedirectsLeadNowhereElse", edits: []edit{
		{file: "auth/authorize.go", old: `if !slices.Contains(client.RedirectURIs, q.Get("redirect_uri")) {`, new: `if !slices.Contains(client.RedirectURIs, q.Get("redirect_uri")) && q.Get("redirect_uri") == "" {`},
	}},
	{name: "PKCE can be left out", by: "TestHostileRedirectsLeadNowhereElse", edits: []edit{
		{file: "auth/authorize.go", old: `case q.Get("code_challenge_method") != "S256" || !provider.PKCEText(q.Get("code_challenge"), 43, 43):`, new: `case q.Has("code_challenge") && !provider.PKCEText(q.Get("code_challenge"), 43, 43):`},
	}},
	{name: "a code is changed without its verifier", by: "TestHostileACodeIsWorthNothingWithoutItsVerifier", in: "auth", edits: []edit{
		{file: "auth/provider/token.go", old: "\tif !PKCEText(verifier, 43, 128) {\n\t\treturn false\n\t}", new: "\tif challenge != \"\" {\n\t\treturn true\n\t}"},
	}},
	{name: "an assertion is good twice", by: "TestHostileRegistrationsAndAssertions", edits: []edit{
		{file: "auth/exchange.go", old: "\tif !first {\n", new: "\tif !first && a == nil {\n"},
	}},
	{name: "pages can be framed", by: "TestHostileEveryAnswerIsGuarded", edits: []edit{
		{file: "cmd/selda/region/guarded.go", old: `frame-ancestors 'none'; base-uri 'none'"`, new: `base-uri 'none'"`},
		{file: "cmd/selda/region/guarded.go", old: "\t\"X-Frame-Options\":         \"DENY\",\n", new: ""},
	}},
	{name: "what anybody may keep", by: "TestHostileEveryAnswerIsGuarded", edits: []edit{
		{file: "cmd/selda/region/guarded.go", old: `return []string{"no-store"}`, new: "return nil"},
	}},
	{name: "browsers are not told to stay with https", by: "TestHostileCookiesAndTransport", edits: []edit{
		{file: "cmd/selda/region/guarded.go", old: "\tif w.secure {", new: "\tif w.secure && w.begun == false {"},
	}},
	{name: "a session's cookie goes over plain HTTP", by: "TestHostileCookiesOfSignOnAreKept", in: "auth", edits: []edit{
		{file: "auth/session.go", old: "Secure: conf.secure(), SameSite", new: "Secure: false, SameSite"},
	}},
	{name: "a script reads a session's cookie", by: "TestHostileCookiesOfSignOnAreKept", in: "auth", edits: []edit{
		{file: "auth/session.go", old: "HttpOnly: true, Secure: conf.secure()", new: "HttpOnly: false, Secure: conf.secure()"},
	}},
	{name: "a stranger's name is answered to", by: "TestHostileNamesOfStrangersAreNotAnsweredTo", edits: []edit{
		{file: "auth/auth.go", old: `strings.Contains(host, ".") && net.ParseIP(host) == nil`, new: `strings.Contains(host, "..") && net.ParseIP(host) == nil`},
	}},
	{name: "another site posts in a person's name", by: "TestHostileOtherSitesDoNothingInAPersonsName", edits: []edit{
		{file: "auth/session.go", old: "browsers := csrf.Handler(a.sessions.LoadAndSave(marked))", new: "browsers := a.sessions.LoadAndSave(marked)\n\t_ = csrf"},
	}},
	{name: "a session that was planted is taken over", by: "TestHostileSessionsAreNotFixedNorOutlived", edits: []edit{
		{file: "auth/session.go", old: "\tif err := a.sessions.RenewToken(ctx); err != nil {\n\t\treturn fault.E(op, err)\n\t}\n\tnow := time.Now()\n\tends", new: "\tnow := time.Now()\n\tends"},
	}},
	{name: "a session outlives its sign-out", by: "TestHostileSessionsAreNotFixedNorOutlived", edits: []edit{
		{file: "auth/session.go", old: "\tdelete(s.live, token)\n\ts.ended", new: "\ts.ended"},
	}},
	{name: "a guessed id is told from an unknown one", by: "TestHostileGuessedIDsAreUnknownOnes", edits: []edit{
		{file: "access/record/record.go", old: "\tv, err := rs.Store.Read(ctx, typ, id, g.N(), g.Predicate())\n", new: "\tv, err := rs.Store.Read(ctx, typ, id, g.N(), g.Predicate())\n\tif _, e := rs.Store.Read(ctx, typ, id, g.N(), &policy.Predicate{Permit: true, Everything: true}); e == nil && err != nil {\n\t\treturn nil, fault.E(\"record.Read\", fault.Deleted, typ+\" is not for you\")\n\t}\n"},
	}},
	{name: "an item of another's record is told from none", by: "TestHostileAnothersItemIsUnknownInThisRecord", edits: []edit{
		{file: "access/review.go", old: "return k.Subject == v.Subject })", new: "return k.Subject == v.Subject || v.Subject != 0 })"},
	}},
	{name: "a cursor is good for somebody else", by: "TestHostileCursorsAreNotToBeMade", edits: []edit{
		{file: "api/cursor.go", old: "case c.User != q.reader() || c.Type", new: "case c.Type"},
	}},
	{name: "a cursor is not sealed", by: "TestHostileCursorsAreNotToBeMade", edits: []edit{
		{file: "api/cursor.go", old: "c.aead.Seal(nonce, nonce, plain, nil)), nil", new: "append(nonce, plain...)), nil"},
		{file: "api/cursor.go", old: "plain, err := q.Cursors.aead.Open(nil, raw[:q.Cursors.aead.NonceSize()], raw[q.Cursors.aead.NonceSize():], nil)", new: "plain := raw[q.Cursors.aead.NonceSize():]"},
	}},
	{name: "a job is anybody's", by: "TestHostileJobsAndSubscriptionsAreTheirOwners", edits: []edit{
		{file: "bulk/bulk.go", old: "\tif !j.of(by) {", new: "\tif by.User == \"\" {"},
	}},
	{name: "a watch tells hidden from absent", by: "TestHostileNoWatchTellsHiddenFromAbsent", edits: []edit{
		{file: "api/even.go", old: "\tif !w.lacks {\n", new: "\tif w.step > 0 {\n"},
	}},
	{name: "an unknown user is answered at once", by: "TestHostileNobodyLearnsWhoHasAnAccount", edits: []edit{
		{file: "auth/login.go", old: "\t\thash = nobody\n", new: "\t\thash = PasswordHash{memoryKiB: 8, passes: 1, threads: 1, salt: nobody.salt, key: nobody.key}\n"},
	}},
	{name: "passwords can be guessed without end", by: "TestHostileGuessingIsSlowAndLocksNobodyOut", edits: []edit{
		{file: "auth/provider/tries.go", old: "\tif wait > 0 {\n\t\treturn wait", new: "\tif wait > time.Hour {\n\t\treturn wait"},
	}},
	{name: "a stranger locks somebody out", by: "TestHostileGuessingIsSlowAndLocksNobodyOut", edits: []edit{
		{file: "auth/provider/tries.go", old: "\tif at, ok := t.known[both]; !ok || now.Sub(at) > knownFor {", new: "\tif u != \"\" {"},
	}},
	{name: "what follows a chunked body is another request", by: "TestHostileSmuggledRequestsAreNotCarriedOut", edits: []edit{
		{file: "cmd/selda/region/guarded.go", old: "if len(req.TransferEncoding) > 0 && req.ProtoMajor == 1 {", new: "if len(req.TransferEncoding) > 0 && req.ProtoMajor == 9 {"},
	}},
	{name: "a client takes as long as it likes", by: "TestHostileSlowClientsHoldUpNobody", edits: []edit{
		{file: "cmd/selda/region/serve.go", old: "ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ReadTimeout: 2 * time.Minute,", new: "ReadHeaderTimeout: time.Hour, IdleTimeout: time.Hour, ReadTimeout: time.Hour,"},
	}},
	{name: "a form has no bound", by: "TestHostileOversizedBodies", edits: []edit{
		{file: "web/web.go", old: "http.MaxBytesReader(w, r.Body, 64<<10)", new: "http.MaxBytesReader(w, r.Body, 64<<40)"},
	}},
	{name: "a frame never ends", by: "TestHostileAFrameHasOneTime", in: "ingest/mllp", edits: []edit{
		{file: "ingest/mllp/mllp.go", old: "if f.wait != nil && time.Now().After(f.until) {", new: "if f.wait != nil && f.max < 0 {"},
		{file: "ingest/mllp/mllp.go", old: "f.limit(time.Until(f.until))", new: "f.limit(f.whole)"},
	}},
	{name: "frames under way have no bound", by: "TestHostileFramesUnderWayAreBounded", in: "ingest/mllp", edits: []edit{
		{file: "ingest/mllp/mllp.go", old: "return h == nil || h.now.Add(int64(n)) <= h.max.Load()", new: "return h == nil || h.now.Add(int64(n)) > -1"},
	}},
	{name: "a document type is read", by: "TestHostileDocumentsAreReadWithinBounds", edits: []edit{
		{file: "fhir/xmlread.go", old: `return nil, refuse(fault.Structure, "a document type is not read")`, new: "continue"},
	}},
	{name: "a body that is packed has no bound", by: "TestHostileDocumentsAreReadWithinBounds", edits: []edit{
		{file: "api/write.go", old: "io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, MaxBody))", new: "io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, MaxBody<<10))"},
	}},
	{name: "a subscriber is inside", by: "TestHostileParametersAreValues", edits: []edit{
		{file: "subscription/endpoint.go", old: "\treturn reach.Public(a)\n", new: "\treturn reach.Public(a) || a.IsValid()\n"},
	}},
	{name: "what is sent is markup", by: "TestHostileStoredScriptIsText", edits: []edit{
		{file: "web/page/record_templ.go", old: "templ.EscapeString(", new: "string(", all: true},
	}},
	{name: "what people write is markup", by: "TestHostileWhatPeopleWriteIsText", edits: []edit{
		{file: "web/page/rights_templ.go", old: "templ.EscapeString(", new: "string(", all: true},
	}},
	{name: "a count begins a formula", by: "TestHostileCountsAreNoFormulas", in: "population", edits: []edit{
		{file: "population/count.go", old: `v = "'" + v`, new: `v = "" + v`},
	}},
	{name: "a name is trusted once it was looked up", by: "TestHostileNamesThatLeadInside", in: "subscription", edits: []edit{
		{file: "subscription/endpoint.go", old: "\t\t\tif err != nil || !c.allowed(p.Addr()) {", new: "\t\t\tif err != nil || !p.IsValid() {"},
	}},
	{name: "an application's keys are fetched from within", by: "TestHostileKeysAreNotFetchedFromWithin", in: "auth/app", edits: []edit{
		{file: "auth/app/keys.go", old: "if err != nil || !reach.Public(at.Addr()) && !(loopback && at.Addr().Unmap().IsLoopback()) {", new: "if err != nil || !reach.Public(at.Addr()) && !at.IsValid() {"},
		{file: "auth/app/keys.go", old: "func NewKeys(loopback bool) *Keys {\n", new: "func NewKeys(loopback bool) *Keys {\n\t_ = loopback\n"},
	}},
	{name: "keys that have moved are followed", by: "TestHostileKeysThatHaveMovedAreNotFollowed", in: "auth/app", edits: []edit{
		{file: "auth/app/keys.go", old: "return http.ErrUseLastResponse", new: "return nil"},
	}},
	{name: "a socket binds another's subscription", by: "TestHostileSockets", in: "subscription", edits: []edit{
		{file: "subscription/socket.go", old: "if e == nil || e.sub.User != b.User || e.req.kind", new: "if e == nil || e.req.kind"},
		{file: "subscription/socket.go", old: `user != "" && e.sub.User == user && e.sub.ID == id`, new: `user != "" && e.sub.ID == id`},
	}},
	{name: "one address takes every socket", by: "TestHostileSocketsOfOneAddressLeaveRoom", in: "subscription", edits: []edit{
		{file: "subscription/socket.go", old: "if f.idle[address] >= mostUnbound {", new: "if f.idle[address] >= mostSockets {"},
	}},
	{name: "an address writes a letter's headers", by: "TestHostileAddressesOfLetters", in: "subscription", edits: []edit{
		{file: "subscription/mail.go", old: `if err != nil || to.Name != "" || strings.ContainsAny(to.Address, "?&%\r\n") {`, new: "if err != nil {"},
	}},
	{name: "a package is as large as it likes", by: "TestHostilePackages", in: "fhir/definition", edits: []edit{
		{file: "fhir/definition/package.go", old: "if files > maxFiles || head.Size > maxFile {", new: "if files > 100*maxFiles || head.Size > maxPackage {"},
		{file: "fhir/definition/package.go", old: "io.LimitReader(z, maxPackage)", new: "io.LimitReader(z, 100*maxPackage)"},
	}},
	{name: "a password is enough", by: "TestHostileAPasswordAloneIsNotEnough", in: "auth", edits: []edit{
		{file: "auth/provider/second.go", old: "\tif need == Nothing {", new: "\tif need != Setup {"},
	}},
	{name: "a stranger's wrong codes are counted", by: "TestHostileAStrangerLocksNobodysCodes", in: "auth", edits: []edit{
		{file: "auth/provider/second.go", old: "\tif !ok || json.Unmarshal(b, &h) != nil", new: "\tif h = (halfway{Halfway: r.PostForm.Get(\"user\"), For: req.client.ID, Until: time.Now().Add(halfFor)}); ok && json.Unmarshal(b, &h) != nil"},
	}},
	{name: "a sign-in of another audience is taken", by: "TestEveryBrokenSignInIsRefused", in: "auth", edits: []edit{
		{file: "auth/party/verify.go", old: "\tcase !c.Audience.Contains(p.ID):", new: "\tcase len(c.Audience) == 0:"},
	}},
	{name: "a logout token is good twice", by: "TestBackChannelLogoutEndsSessions", in: "auth", edits: []edit{
		{file: "auth/backchannel.go", old: "err == nil && !first {", new: `err == nil && !first && t.ID == "" {`},
	}},
	{name: "a provider is asked for its keys without end", by: "TestUnknownKeysAreNotAWayToHammerAProvider", in: "auth", edits: []edit{
		{file: "auth/party/keys.go", old: "\tif !k.tries.allow(now) {", new: "\tif p == nil {"},
	}},
	{name: "part of a state is enough", by: "TestHostileTheWholeStateIsCompared", in: "auth", edits: []edit{
		{file: "auth/login.go", old: `subtle.ConstantTimeCompare([]byte(l.State), []byte(q.Get("state"))) != 1`, new: `subtle.ConstantTimeCompare([]byte(l.State)[:8], []byte(q.Get("state") + "        ")[:8]) != 1`},
	}},
	{name: "a sign-in leads wherever it is told", by: "TestHostileSignInLeadsNowhereElse", in: "auth", edits: []edit{
		{file: "auth/login.go", old: "func localPath(s string) string {\n", new: "func localPath(s string) string {\n\tif s != \"\" {\n\t\treturn s\n\t}\n"},
	}},
	{name: "a role is taken that was not offered", by: "TestARoleIsChosenAndChanged", in: "auth", edits: []edit{
		{file: "auth/roles.go", old: `i := slices.IndexFunc(v.accounts, func(o option) bool { return o.ID == r.PostForm.Get("role") })`, new: `i := max(0, slices.IndexFunc(v.accounts, func(o option) bool { return o.ID == r.PostForm.Get("role") }))`},
	}},
	{name: "a purpose widens", by: "TestG1APurposeOnlyNarrows", in: "policy", edits: []edit{
		{file: "policy/purpose.go", old: "return slices.Contains(all, to) && (to == from || from == all[0])", new: "return slices.Contains(all, to)"},
	}},
	{name: "an administrator changes their own account", by: "TestAnAdministratorLooksAfterTheirOwnPeople", in: "cmd/selda/region", edits: []edit{
		{file: "auth/administer.go", old: "\tcase by.User == a.User:", new: "\tcase a.User == \"\":"},
	}},
	{name: "what is looked for is carried out", by: "TestHostileParametersAreValues", edits: []edit{
		{file: "store/sqlite/posting.go", old: `b = append(text(append(b, '"'), adapter.Token(typ, t)), '"')`, new: `b = append(append(append(b, '"'), t...), '"')`},
	}},
	{name: "a query of GraphQL has no bound of fields", by: "TestHostileParametersAreValues", edits: []edit{
		{file: "fhir/graphql/graphql.go", old: "maxNodes    = 5_000 ", new: "maxNodes    = 5_000_000 "},
	}},
	{name: "a query of GraphQL has no bound of depth", by: "TestHostileParametersAreValues", edits: []edit{
		{file: "fhir/graphql/graphql.go", old: "maxDepth    = 24 ", new: "maxDepth    = 24_000 "},
	}},
	{name: "a query of GraphQL searches without end", by: "TestHostileFloodsHoldUpNobody", edits: []edit{
		{file: "fhir/graphql/graphql.go", old: "maxSearches = 50\n", new: "maxSearches = 50_000\n"},
		{file: "fhir/graphql/graphql.go", old: "maxFollowed = 2_000 ", new: "maxFollowed = 2_000_000 "},
	}},
}

// Each hole, opened, is found by its test.
func TestHostileEachHoleIsFound(t *testing.T) {
	if os.Getenv("SELDA_FAULTS") == "" {
		t.Skip("each hole is a build of the system: SELDA_FAULTS=1")
	}
	for _, f := range holes {
		if !strings.Contains(f.name, os.Getenv("SELDA_FAULT")) {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			began := time.Now()
			if after, out := f.seek(t); after == "" {
				t.Fatalf("it was not found: %s", out)
			}
			t.Logf("| %s | %s | %v |", f.name, f.by, time.Since(began).Round(time.Second))
		})
	}
}

// Each fault and each hole can still be put into the source as it stands.
func TestHostileHolesAreOfTheSourceAsItStands(t *testing.T) {
	for _, f := range append(slices.Clone(seededFaults), holes...) {
		f.overlay(t)
	}
}

// Each attack of the list that a guardian reads has a hole that its test finds.
func TestHostileEveryAttackHasItsHole(t *testing.T) {
	b, err := os.ReadFile("../../docs/safety/hostile.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| (.+?) \| .* (Test\w+)`+"`").FindAllStringSubmatch(string(b), -1)
	if len(rows) < 40 {
		t.Fatal("the list has", len(rows), "attacks")
	}
	for _, row := range rows {
		if !slices.ContainsFunc(holes, func(f seeded) bool { return f.by == row[2] }) {
			t.Errorf("%s: no hole is opened for %s", row[1], row[2])
		}
	}
}
