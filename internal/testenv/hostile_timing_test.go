package testenv

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// took is how long a request takes, to the last byte of its answer.
func (h *hostile) took(c *http.Client, path, token string) time.Duration {
	began := time.Now()
	h.sent(c, "GET", path, "", "Authorization: Bearer "+token)
	return time.Since(began)
}

func median(d []time.Duration) time.Duration {
	d = slices.Clone(d)
	slices.Sort(d)
	return d[len(d)/2]
}

// differ says how far the medians of two samples are apart, and how often a difference as
// large comes of chance alone: the samples are thrown together and dealt out again.
func differ(a, b []time.Duration) (apart time.Duration, chance float64) {
	apart = median(a) - median(b)
	all := append(slices.Clone(a), b...)
	r := rand.New(rand.NewPCG(1, 2))
	as := 0
	const deals = 1000
	for range deals {
		r.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		if (median(all[:len(a)]) - median(all[len(a):])).Abs() >= apart.Abs() {
			as++
		}
	}
	return apart, float64(as) / deals
}

// toldApart says whether a watch tells two things apart: three times in one way, where chance
// alone would do so once in a hundred.
func toldApart(t *testing.T, name string, sample func() (a, b []time.Duration)) {
	t.Helper()
	var sum time.Duration
	for range 3 {
		a, b := sample()
		apart, chance := differ(a, b)
		t.Logf("%s: medians %v and %v, apart %v, by chance %.3f", name, median(a), median(b), apart, chance)
		if chance >= 0.01 || sum != 0 && (apart < 0) != (sum < 0) {
			return
		}
		sum += apart
	}
	t.Errorf("%s: a watch tells them apart, by %v", name, sum/3)
}

// No watch tells what is hidden from what never was: a read, a version, a history, a search by
// id, one by what the item says, a chain, a batch. Opened by taking api.Evened out of
// region.Serve (a read is then apart by some 100 µs), and by waiting with Go's timers alone.
func TestHostileNoWatchTellsHiddenFromAbsent(t *testing.T) {
	h := attacked(t)
	h.declares("visitor")
	token, err := h.Token(t.Context(), "visitor")
	if err != nil {
		t.Fatal(err)
	}
	c := h.from("127.0.0.1")
	if a := h.sent(c, "GET", "/fhir/Observation/secret1", "", "Authorization: Bearer "+token); a.Status != 200 {
		t.Fatal("it is not there to be hidden:", a.Status)
	}
	h.objects("")
	paths := []string{"/fhir/Observation/%s", "/fhir/Observation?_id=%s", "/fhir/Observation?patient={citizen}&code:text=%s", "/fhir/Patient?_id={citizen}&_has:Observation:patient:_id=%s", "/fhir/Observation/%s/_history/1", "/fhir/Observation/%s/_history", "/fhir/Observation/%s/$graphql?query=%%7Bid%%7D"}
	times := 100
	if testing.Short() {
		paths, times = paths[:2], 60
	}
	for _, path := range paths {
		path = strings.ReplaceAll(path, "{citizen}", h.citizen)
		names := [2]string{"secret1", "absent1"}
		if strings.Contains(path, "code:text") {
			names = [2]string{"SECRETWORD", "ABSENTWORD"}
		}
		toldApart(t, path, func() (a, b []time.Duration) {
			for i := range times + 10 {
				for k := range 2 {
					which := (i + k) % 2
					took := h.took(c, fmt.Sprintf(path, names[which]), token)
					if i < 10 {
						continue
					}
					if which == 0 {
						a = append(a, took)
					} else {
						b = append(b, took)
					}
				}
			}
			return a, b
		})
	}
}

// guess tries a password, from an address, and says what came of it.
func (h *hostile) guess(c *http.Client, form, user, password string) *Answer {
	h.Helper()
	return h.sent(c, "POST", form, url.Values{"user": {user}, "password": {password}}.Encode(), asForm)
}

// form is where a password is posted to.
func (h *hostile) form(c *http.Client) string {
	h.Helper()
	return h.sent(c, "GET", "/login", "").Header.Get("Location")
}

// Neither words nor time say who has an account. Opened by answering before the password of
// nobody is checked (auth.people.SignIn), or by other words.
func TestHostileNobodyLearnsWhoHasAnAccount(t *testing.T) {
	h := attacked(t)
	var users []string
	for _, a := range h.Region.Auth.Accounts.List() {
		users = append(users, a.User)
	}
	network := 0
	words := map[string]bool{}
	toldApart(t, "a wrong password", func() (there, not []time.Duration) {
		for i := range 4 * len(users) {
			network++
			c := h.from(fmt.Sprintf("127.6.%d.%d", network/200, 1+network%200))
			form := h.form(c)
			user := users[i/2%len(users)]
			unknown := (i%2+i/2/3)%2 == 1 // each check takes memory: which comes first changes
			if unknown {
				user = "x" + user
			}
			began := time.Now()
			a := h.guess(c, form, user, "a wrong password")
			took := time.Since(began)
			if a.Status == 429 {
				t.Fatal("too soon:", user)
			}
			words[fmt.Sprint(a.Status, strings.ReplaceAll(string(a.Body), `value="`+user+`"`, `value=""`))] = true
			if unknown {
				not = append(not, took)
			} else {
				there = append(there, took)
			}
		}
		return there, not
	})
	same := map[string]bool{}
	for w := range words { // state and nonce are new each time
		i := strings.Index(w, "<form")
		j := strings.Index(w[i:], ">")
		same[w[:i]+w[i+j:]] = true
	}
	if len(same) != 1 {
		t.Errorf("%d answers differ by their words", len(same))
	}
	a := h.sent(h.from("127.0.0.1"), "GET", "/oidc/authorize?client_id=x&login_hint=gp", "")
	if a.Status != 400 {
		t.Error(a.Status)
	}
}

// Who guesses is slowed down by account and by network, many at once included; and nobody is
// locked out by it: whoever has signed in from a network does so there, whatever is tried
// elsewhere. Opened by not counting in provider.tries.try, by counting after the password was
// checked, and by holding other networks' tries against a known one.
func TestHostileGuessingIsSlowAndLocksNobodyOut(t *testing.T) {
	h := attacked(t)
	home := h.from("127.7.0.1")
	if a := h.guess(home, h.form(home), "gp", hostilePassword); a.Status != 303 {
		t.Fatal(a.Status)
	}
	checked := func(from string, tries int, user func(int) string) (n int) {
		c := h.from(from)
		form := h.form(c)
		answers := make(chan int)
		for i := range tries { // at once
			go func() { answers <- h.guess(c, form, user(i), fmt.Sprint("guess number ", i)).Status }()
		}
		for range tries {
			if <-answers == 422 {
				n++
			}
		}
		return n
	}
	if n := checked("127.7.1.1", 40, func(int) string { return "gp" }); n > 5 {
		t.Errorf("%d passwords of one account were checked at once from one network", n)
	}
	if n := checked("127.7.2.1", 60, func(i int) string { return fmt.Sprint("user", i) }); n > 25 {
		t.Errorf("%d passwords were checked at once from one network", n)
	}
	// From ever new networks one account is still bounded.
	n := 0
	for i := range 60 {
		n += checked(fmt.Sprintf("127.7.3.%d", i+1), 1, func(int) string { return "gp" })
	}
	if n > 40 {
		t.Errorf("%d passwords of one account were checked from many networks", n)
	}
	if a := h.guess(home, h.form(home), "gp", hostilePassword); a.Status != 303 {
		t.Error("the account's own people are locked out:", a.Status)
	}
}
