package platform

import (
	"crypto/subtle"
	"html/template"
)

// pageTemplate parses the page anew: it is asked for seldom, and a variable would
// have to be initialised by a call.
func pageTemplate() *template.Template {
	return template.Must(template.New("page").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>groundwork</title>
<style>body{font:16px/1.5 system-ui;margin:3rem auto;max-width:44rem;padding:0 1rem}td,th{text-align:left;padding:.2rem 1rem .2rem 0}code{background:#eee;padding:.1rem .3rem}</style>
</head><body><h1>groundwork</h1>
{{if .Apps}}<table><tr><th>app</th><th>release</th><th></th></tr>
{{$port := .Port}}{{$domain := .Domain}}{{range .Apps}}<tr><td><a href="http://{{.Name}}.{{$domain}}{{$port}}/">{{.Name}}</a></td><td>{{.Current}}</td><td><a href="/apps/{{.Name}}/logs">logs</a></td></tr>
{{end}}</table>{{else}}<p>No app yet.</p>{{end}}
<p>Deploy: <code>git push http://{{.Host}}/git/NAME.git main</code></p>
</body></html>
`))
}

// tokenEqual compares without telling by its time how much is right.
func tokenEqual(got, want string) bool {
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}
