// How do the pages look? Markup and style: no script, no outside file, light and dark.

package instagramtest

const baseHTML = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{{template "title" .}}</title>
<style>
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #fff; --line: #dcdfe4; --text: #16181d; --soft: #5c6370;
  --accent: #0866ff; --on-accent: #fff;
}
.instagram { --accent: #c1277a; }
@media (prefers-color-scheme: dark) {
  :root { --page: #101114; --card: #1b1d22; --line: #33363d; --text: #eceef2; --soft: #a3a9b5; --accent: #5b95ff; --on-accent: #0b0c0e; }
  .instagram { --accent: #f07ab5; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem 1rem; background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
main { width: 100%; max-width: 26rem; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 14px; padding: 1.5rem; }
.brand { margin: 0 0 1rem; font-weight: 700; color: var(--accent); }
h1 { margin: 0 0 .5rem; font-size: 1.3rem; line-height: 1.3; overflow-wrap: anywhere; }
p { margin: .5rem 0; overflow-wrap: anywhere; }
small, .soft { color: var(--soft); font-size: .875rem; }
fieldset { border: 0; border-top: 1px solid var(--line); margin: 1rem 0 0; padding: 1rem 0 0; min-width: 0; }
legend { float: left; width: 100%; padding: 0; font-weight: 600; }
legend ~ label { clear: both; }
label { display: flex; gap: .75rem; padding: .4rem 0; align-items: start; }
label input { width: 1.15rem; height: 1.15rem; margin: .2rem 0 0; flex: none; accent-color: var(--accent); }
label span { min-width: 0; overflow-wrap: anywhere; }
label small { display: block; }
.go { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; margin-top: 1.5rem; }
button { min-height: 2.75rem; border: 1px solid var(--line); border-radius: 10px; background: transparent; color: inherit; font: inherit; font-weight: 600; cursor: pointer; }
button[value=allow] { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.note { margin: 1rem 0 0; text-align: center; }
ul { margin: .25rem 0 0; padding-left: 1.2rem; }
code { font-size: .875em; overflow-wrap: anywhere; }
</style>
</head>
<body class="{{template "look" .}}">
<main>
{{template "main" .}}
<p class="note soft">A fake for tests and demos. This is not Meta, and no real account is involved.</p>
</main>
</body>
</html>
`

const consentHTML = `
{{define "title"}}{{.App}} asks for access{{end}}
{{define "look"}}{{.Look}}{{end}}
{{define "main"}}
<form class="card" method="post">
<p class="brand">{{.Product}}</p>
<h1>{{.App}} asks for access to your account</h1>
<p>You continue as <strong>{{.Name}}</strong>.</p>
<input type="hidden" name="person" value="{{.PersonID}}">
{{if .Others}}<details><summary class="soft">Somebody else</summary>
<ul>{{range .Others}}<li><a href="{{.Link}}">{{.Label}}</a></li>{{end}}</ul></details>{{end}}
{{if .Scopes}}<fieldset>
<legend>{{.App}} will be able to</legend>
{{$all := .AllOrNothing}}{{range .Scopes}}<label><input type="checkbox" name="scope" value="{{.ID}}" checked{{if .Fixed}} disabled{{end}}><span>{{.Label}} <small>{{.ID}}{{if .Fixed}}, {{if $all}}part of the whole{{else}}always needed{{end}}{{end}}</small></span></label>
{{if .Fixed}}<input type="hidden" name="scope" value="{{.ID}}">{{end}}{{end}}
</fieldset>{{end}}
{{if .Already}}<p class="soft">Already allowed: {{range $i, $s := .Already}}{{if $i}}, {{end}}{{$s}}{{end}}.</p>{{end}}
{{if .Pages}}<fieldset>
<legend>Pages that {{.App}} may use</legend>
<input type="hidden" name="choose_pages" value="1">
{{range .Pages}}<label><input type="checkbox" name="page" value="{{.ID}}"{{if .Chosen}} checked{{end}}><span>{{.Label}} <small>{{.Note}}</small></span></label>
{{end}}</fieldset>{{end}}
<div class="go"><button name="decision" value="deny">Cancel</button><button name="decision" value="allow">Allow</button></div>
</form>
{{end}}`

const problemHTML = `
{{define "title"}}{{.Title}}{{end}}
{{define "look"}}{{.Look}}{{end}}
{{define "main"}}
<div class="card">
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
</div>
{{end}}`

const frontHTML = `
{{define "title"}}Fake of Meta's platform{{end}}
{{define "look"}}front{{end}}
{{define "main"}}
<div class="card">
<h1>Fake of Meta's platform</h1>
<p>Each host is the first element of the path, such as <code>/graph.instagram.com/me</code>.</p>
<p><strong>Apps</strong></p>
<ul>{{range .Apps}}<li>{{.Name}}{{if .InstagramAppID}} <small>Instagram app ID {{.InstagramAppID}}</small>{{end}}{{if .MetaAppID}} <small>Meta app ID {{.MetaAppID}}</small>{{end}}</li>{{end}}</ul>
<p><strong>Instagram accounts</strong></p>
<ul>{{range .Accounts}}<li>{{.Label}} <small>{{.ID}} {{.Note}}</small></li>{{end}}</ul>
<p><strong>People on Facebook</strong></p>
<ul>{{range .People}}<li>{{.Label}} <small>{{.ID}}</small></li>{{end}}</ul>
</div>
{{end}}`
