package region

import (
	"encoding/base32"
	"net/http/httptest"
	"strings"
	"testing"

	"selda/auth"
	"selda/auth/factor/factortest"
	"selda/internal/browser"
	"selda/nhs"
)

// shown is the code that a telephone with a secret shows now.
func shown(t *testing.T, secret string) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secret, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return factortest.Code(key, 0)
}

// A nurse of a region with real people signs in: once by setting up a telephone,
// then by a passkey; the pages are looked at, wide and narrow.
func TestPasskeysAndCodesInABrowser(t *testing.T) {
	b := &tab{Browser: browser.Open(t, "../../.."), t: t, user: "nurse"}
	r, err := Open(t.Context(), Options{Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	const own = "violet-harbour-mitten-93"
	first, err := r.Auth.Make(t.Context(), OperatorSubject(), auth.Account{User: "nurse", Name: "Ngozi Bello", Role: nhs.Nurse, Organisation: "RJZ", OrganisationName: "King's College Hospital"}, "began on Monday")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r.Handler())
	defer server.Close()
	b.base = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	b.Width(1280)
	b.Passkeys()
	b.Go(b.base + "/login?return=/account")
	b.Wait(`!document.querySelector("[data-passkey]").hidden`)
	b.look("sign-in")
	b.Submit([2]string{"user", "nurse"}, [2]string{"password", first})
	b.look("telephone")
	b.Submit([2]string{"code", shown(t, b.Eval(`[...document.querySelectorAll("main code")].pop().textContent`))})
	b.look("recovery")
	b.Press("main button")
	b.look("choose-password")
	b.Submit([2]string{"new", "kings college"}, [2]string{"again", "kings college"})
	b.says("would be guessed soon")
	b.look("choose-password-again")
	b.Submit([2]string{"new", own}, [2]string{"again", own})
	b.look("account")
	b.Eval(`document.getElementById("label").value = "Ward tablet"; document.querySelector("[data-passkey] button").click(); ""`)
	b.Wait(`document.body.textContent.includes("Ward tablet") && !document.body.textContent.includes("You have no passkey")`)
	b.look("account-passkey")
	b.Press(`form[action="/account/sessions/all"] button`)
	b.Go(b.base + "/login?return=/account")
	b.Wait(`!document.querySelector("[data-passkey]").hidden`)
	b.Eval(`document.querySelector("[data-passkey] button").click(); ""`)
	b.Wait(`location.pathname === "/account" && document.body.textContent.includes("Ward tablet")`)
	if used := b.Eval(`document.querySelector("[data-head='Last used']").textContent`); used == "never" {
		t.Error("the passkey was not used")
	}
	// Without scripts nobody is offered what does not work, and passwords do.
	b.Script(false)
	b.Go(b.base + "/login")
	if text := b.Eval(`document.querySelector("[data-passkey]").hidden + document.querySelector("noscript").textContent`); !strings.HasPrefix(text, "true") || !strings.Contains(text, "password work without it") {
		t.Error(text)
	}
}
