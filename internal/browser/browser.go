// Package browser is Chromium for tests: it opens pages, looks at them with
// axe, and keeps pictures. It is not for anything that runs outside a test.
//
// What a machine lacks (Chromium, axe-core) leaves the test out, with what to
// install; in CI that is a failure. SELDA_SCREENSHOTS=DIR keeps a picture of
// each page that is looked at.
package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is a tab of a browser.
type Browser struct {
	t   testing.TB
	ctx context.Context
	axe string
}

// Open starts a browser with a new profile, for as long as the test runs. root
// is the module's folder, where node_modules is.
func Open(t testing.TB, root string) *Browser {
	t.Helper()
	if testing.Short() {
		t.Skip("the browser is left out of the short tests")
	}
	axe, err := os.ReadFile(filepath.Join(root, "node_modules/axe-core/axe.min.js"))
	if err != nil {
		leaveOut(t, "axe-core is missing: npm ci")
	}
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(path(t)), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("hide-scrollbars", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, end := chromedp.NewContext(alloc)
	t.Cleanup(end)
	ctx, late := context.WithTimeout(ctx, 8*time.Minute)
	t.Cleanup(late)
	return &Browser{t: t, ctx: ctx, axe: string(axe)}
}

func path(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	leaveOut(t, "Chromium is missing: apt-get install chromium")
	return ""
}

func leaveOut(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

func (b *Browser) check(what string, err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("%s: %v", what, err)
	}
}

// Width sets the width of the window.
func (b *Browser) Width(width int64) {
	b.t.Helper()
	height := int64(740)
	if width > 500 {
		height = 900
	}
	b.check("viewport", chromedp.Do(b.ctx, chromedp.EmulateViewport(width, height)))
}

// Dark has the system ask for dark pages, or for light ones.
func (b *Browser) Dark(dark bool) {
	b.t.Helper()
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	b.check("media", err)
}

// Paper has pages be as they are on paper, or on a screen.
func (b *Browser) Paper(paper bool) {
	b.t.Helper()
	media := "screen"
	if paper {
		media = "print"
	}
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media})
	b.check("media", err)
}

// Go opens an address.
func (b *Browser) Go(url string) {
	b.t.Helper()
	b.check(url, chromedp.Do(b.ctx, chromedp.Navigate(url)))
}

// Submit fills fields, by id, and submits the form of the first; it waits for
// the page that comes.
func (b *Browser) Submit(fields ...[2]string) {
	b.t.Helper()
	var script strings.Builder
	for _, f := range fields {
		fmt.Fprintf(&script, "document.getElementById(%q).value = %q;", f[0], f[1])
	}
	fmt.Fprintf(&script, "const f = document.getElementById(%q).form; setTimeout(() => f.requestSubmit(), 0); true", fields[0][0])
	_, err := chromedp.RunResponse(b.ctx, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[bool]("(() => {"+strings.Replace(script.String(), "; true", "; return true", 1)+"})()")(ctx, t)
		return chromedp.Void{}, err
	})
	b.check("submit", err)
}

// Press clicks what a selector finds, and waits for the page that comes.
func (b *Browser) Press(selector string) {
	b.t.Helper()
	_, err := chromedp.RunResponse(b.ctx, func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		found, err := chromedp.Evaluate[bool](fmt.Sprintf("(() => { const e = document.querySelector(%q); if (e) setTimeout(() => e.click(), 0); return !!e })()", selector))(ctx, t)
		if err == nil && !found {
			err = fmt.Errorf("the page has no such thing")
		}
		return chromedp.Void{}, err
	})
	b.check(selector, err)
}

// Keys presses keys of the keyboard, one after another.
func (b *Browser) Keys(keys string) {
	b.t.Helper()
	b.check("keys "+keys, chromedp.Do(b.ctx, chromedp.KeyEvent(keys)))
}

// Wait waits until an expression of the page is true, also where another page
// comes meanwhile.
func (b *Browser) Wait(expression string) {
	b.t.Helper()
	for late := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		yes, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](expression))
		if err == nil && yes {
			return
		}
		if time.Now().After(late) {
			b.t.Fatalf("it never came that %s: %v", expression, err)
		}
	}
}

// Script has pages run scripts, or not.
func (b *Browser) Script(on bool) {
	b.t.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	b.check("scripts", err)
}

// Print is the page as it is printed, as a PDF.
func (b *Browser) Print(name string) []byte {
	b.t.Helper()
	printed, err := chromedp.Call(b.ctx, page.PrintToPDF, page.PrintToPDFParams{PreferCSSPageSize: new(true)})
	b.check(name, err)
	if dir := os.Getenv("SELDA_SCREENSHOTS"); dir != "" {
		b.check(name, os.WriteFile(filepath.Join(dir, name+".pdf"), printed.Data, 0o600))
	}
	return printed.Data
}

// Eval is what an expression of the page gives, as text.
func (b *Browser) Eval(expression string) string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](expression))
	b.check(expression, err)
	return s
}

// runAxe opens the first rows, so that what is in them is looked at too, and
// leaves them as they were.
const runAxe = `(async () => {
	const rows = document.querySelectorAll("details.s-item");
	const were = [...rows].map(d => d.open);
	rows.forEach((d, i) => { d.open = i < 3 });
	const r = await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]});
	rows.forEach((d, i) => { d.open = were[i] });
	return r.violations.map(v => v.id + " (" + v.impact + "): " + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160) + " " + n.failureSummary.slice(0, 200)).join(" | ")).join("\n");
})()`

// Look looks at the page that is open: no violation that axe finds, nothing
// that is reached by scrolling sideways only, no font of the NHS.
func (b *Browser) Look(name string) {
	b.t.Helper()
	if b.Eval(`String(document.documentElement.scrollWidth > window.innerWidth + 1)`) == "true" {
		b.t.Errorf("%s: the page scrolls sideways", name)
	}
	_, err := chromedp.Run(b.ctx, chromedp.Evaluate[int](b.axe+`;0`))
	b.check(name, err)
	found, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](runAxe, func(p *runtime.EvaluateParams) { p.AwaitPromise = new(true) }))
	b.check(name, err)
	if found != "" {
		b.t.Errorf("%s: %s", name, found)
	}
	if fonts := b.Eval(`getComputedStyle(document.body).fontFamily`); strings.Contains(strings.ToLower(fonts), "frutiger") {
		b.t.Errorf("%s: the font is %s", name, fonts)
	}
	dir := os.Getenv("SELDA_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	b.check(name, err)
	b.check(name, os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600))
}
