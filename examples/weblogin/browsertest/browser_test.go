package browsertest

// This file answers: how does a test sit before a browser?

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	logs "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// startSite builds weblogin, starts it on the fake, and returns its address.
func startSite(t *testing.T, env ...string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "weblogin")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".")
	build.Dir, build.Env = "..", append(os.Environ(), "GOWORK=off")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	site := exec.CommandContext(t.Context(), binary, "-addr", "127.0.0.1:0")
	site.Env = append(os.Environ(), env...)
	site.Cancel = func() error { return site.Process.Signal(os.Interrupt) }
	site.WaitDelay = 20 * time.Second
	stdout, err := site.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, site.Start())
	t.Cleanup(func() { _ = site.Wait() })
	lines := bufio.NewScanner(stdout)
	require.True(t, lines.Scan(), "the site says where it is")
	return strings.TrimPrefix(lines.Text(), "Open ")
}

// chromium is where the browser is; without one the test is skipped.
func chromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("INSTAGRAM_TEST_CHROMIUM"), "chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	t.Skip("no Chromium here: apt-get install chromium, or set INSTAGRAM_TEST_CHROMIUM")
	return ""
}

// visitor is a person with a browser of a certain size.
type visitor struct {
	t     *testing.T
	ctx   context.Context //nolint:containedctx // chromedp's tab is its context
	shots string          // directory for screenshots
	size  string

	mu       sync.Mutex
	seen     []string // addresses and console lines
	breaches []string // of the Content-Security-Policy
}

func newVisitor(t *testing.T, size string, width, height int) *visitor {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.WindowSize(width, height),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, closeBrowser := chromedp.NewExecAllocator(t.Context(), opts...)
	tab, closeTab := chromedp.NewContext(allocator)
	ctx, cancel := context.WithTimeout(tab, 10*time.Minute)
	t.Cleanup(func() { cancel(); closeTab(); closeBrowser() })
	v := &visitor{t: t, ctx: ctx, shots: shotsDir(t), size: size}
	chromedp.ListenTarget(ctx, func(event any) {
		v.mu.Lock()
		defer v.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			v.seen = append(v.seen, e.Request.URL, e.Request.URLFragment)
		case *logs.EventEntryAdded:
			v.seen = append(v.seen, e.Entry.Text, e.Entry.URL)
			if strings.Contains(e.Entry.Text, "Content Security Policy") {
				v.breaches = append(v.breaches, e.Entry.Text)
			}
		case *runtime.EventConsoleAPICalled:
			for _, arg := range e.Args {
				v.seen = append(v.seen, string(arg.Value))
			}
		case *runtime.EventExceptionThrown:
			v.seen = append(v.seen, e.ExceptionDetails.Text)
		}
	})
	v.do(network.Enable(), logs.Enable(), chromedp.EmulateViewport(int64(width), int64(height)))
	return v
}

// shotsDir keeps screenshots outside of the repository: where
// INSTAGRAM_TEST_SCREENSHOTS says, else with the test's other temporary files.
func shotsDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("INSTAGRAM_TEST_SCREENSHOTS")
	if dir == "" {
		return t.TempDir()
	}
	require.NoError(t, os.MkdirAll(dir, 0o750))
	return dir
}

func (v *visitor) do(actions ...chromedp.Action) {
	v.t.Helper()
	require.NoError(v.t, chromedp.Run(v.ctx, actions...))
}

func (v *visitor) open(url string) { v.t.Helper(); v.do(chromedp.Navigate(url)) }

// click clicks what the XPath finds, and waits for the page after it.
func (v *visitor) click(xpath string) {
	v.t.Helper()
	_, err := chromedp.RunResponse(v.ctx, chromedp.Click(xpath, chromedp.BySearch))
	require.NoError(v.t, err, xpath)
}

// toggle clicks something that leads to no other page.
func (v *visitor) toggle(xpath string) {
	v.t.Helper()
	v.do(chromedp.Click(xpath, chromedp.BySearch))
}

func (v *visitor) fill(selector, text string) {
	v.t.Helper()
	v.do(chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q).value = ''", selector), nil), chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// text returns what the page says.
func (v *visitor) text() (text string) {
	v.t.Helper()
	v.do(chromedp.Text("body", &text, chromedp.ByQuery))
	return text
}

// shows checks that the page says something, that no token is to be found
// anywhere, and that it can be read and used on this screen, by day and by
// night. Of both it keeps a picture.
func (v *visitor) shows(name string, parts ...string) {
	v.t.Helper()
	text := v.text()
	for _, part := range parts {
		assert.Contains(v.t, text, part, name)
	}
	v.keepsSecrets(name)
	v.fitsTheScreen(name)
	for _, scheme := range []string{"light", "dark"} {
		v.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
		v.canBeRead(name + " in " + scheme)
		var shot []byte
		v.do(chromedp.FullScreenshot(&shot, 100))
		require.NoError(v.t, os.WriteFile(filepath.Join(v.shots, v.size+"-"+name+"-"+scheme+".png"), shot, 0o600))
	}
	v.canBeTouched(name)
	v.showsTheFocus(name)
}

// canBeRead reports text whose contrast with what is behind it is below the 4.5
// that the WCAG asks for.
func (v *visitor) canBeRead(name string) {
	v.t.Helper()
	const script = `(() => {
		const rgba = c => (c.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number)
		const light = c => { const [r, g, b] = c.map(x => (x /= 255) <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b }
		const behind = e => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c } return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255] }
		const dim = []
		for (const e of document.querySelectorAll("body *")) {
			if (!e.checkVisibility() || ![...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())) continue
			const [a, b] = [light(rgba(getComputedStyle(e).color)), light(behind(e))]
			if ((Math.max(a, b) + .05) / (Math.min(a, b) + .05) < 4.5) dim.push(e.tagName + ": " + e.textContent.trim())
		}
		return dim
	})()`
	var dim []string
	v.do(chromedp.Evaluate(script, &dim))
	assert.Empty(v.t, dim, "%s on %s: too little contrast", name, v.size)
}

// canBeTouched reports what is smaller than a fingertip, which takes 44 pixels.
func (v *visitor) canBeTouched(name string) {
	v.t.Helper()
	const script = `[...document.querySelectorAll("button, .button, main article summary, input:not([type=hidden], [type=checkbox], [type=radio]), textarea")]
		.filter(e => e.checkVisibility() && e.getBoundingClientRect().height < 43.9)
		.map(e => e.tagName + " " + e.textContent + " " + e.getBoundingClientRect().height)`
	var small []string
	v.do(chromedp.Evaluate(script, &small))
	assert.Empty(v.t, small, "%s on %s: too small to touch", name, v.size)
}

// showsTheFocus presses Tab, and reports when nobody can see where that led.
func (v *visitor) showsTheFocus(name string) {
	v.t.Helper()
	const script = `(() => { const e = document.activeElement; return e === document.body || parseFloat(getComputedStyle(e).outlineWidth) >= 2 && getComputedStyle(e).outlineStyle !== "none" })()`
	var seen bool
	v.do(chromedp.KeyEvent("\t"), chromedp.Evaluate(script, &seen))
	assert.True(v.t, seen, "%s: the focus cannot be seen", name)
}

// keepsSecrets searches page, address, console, requests and readable cookies
// for anything of the shape of a token.
func (v *visitor) keepsSecrets(name string) {
	v.t.Helper()
	var html, address, cookies string
	v.do(chromedp.OuterHTML("html", &html, chromedp.ByQuery), chromedp.Location(&address),
		chromedp.Evaluate("document.cookie", &cookies))
	assert.Empty(v.t, cookies, "%s: a script could read a cookie", name)
	v.mu.Lock()
	defer v.mu.Unlock()
	assert.Empty(v.t, v.breaches, "%s: the page wants what its policy forbids", name)
	token := regexp.MustCompile(`\b(IGAA|EAA)[A-Za-z0-9_-]{20,}|access_token=`)
	for _, place := range append([]string{html, address}, v.seen...) {
		assert.NotRegexp(v.t, token, place, name)
	}
}

// fitsTheScreen reports pages that have to be scrolled sideways.
func (v *visitor) fitsTheScreen(name string) {
	v.t.Helper()
	var fits bool
	v.do(chromedp.Evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth", &fits))
	assert.True(v.t, fits, "%s on %s has to be scrolled sideways", name, v.size)
}
