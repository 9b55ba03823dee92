// What does a person see? The pages of both dialogs.

package instagramtest

import (
	"bytes"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// pageSet are the parsed pages of one platform.
type pageSet struct {
	consent, problem, front *template.Template
}

// maxPagesShown bounds the Pages to tick in a dialog; with more of them all are
// meant.
const maxPagesShown = 50

type choice struct {
	ID, Label, Note, Link string
	Fixed, Chosen         bool
}

type consentView struct {
	Product, Look, App, Name, PersonID string
	Others                             []choice
	Scopes                             []choice
	Pages                              []choice
	Already                            []string
	AllOrNothing                       bool
}

// showConsent is the page with the question.
func (p *Platform) showConsent(d *dialog) *reply {
	g := p.consent(d)
	v := consentView{Product: "Instagram", Look: "instagram", App: d.app.Name, AllOrNothing: d.config != nil}
	if d.login == FacebookLogin {
		v.Product, v.Look = "Facebook", "facebook"
	}
	link := func(id string) string {
		q := url.Values{}
		maps.Copy(q, d.query)
		q.Set("person", id)
		return "?" + q.Encode()
	}
	if d.account != nil {
		v.Name, v.PersonID = "@"+d.account.Username, d.account.ID
		for _, a := range p.shown {
			if a != d.account {
				v.Others = append(v.Others, choice{Label: "@" + a.Username, Link: link(a.ID)})
			}
		}
	} else {
		v.Name, v.PersonID = d.person.name, d.person.id
		for _, h := range p.people[:min(len(p.people), maxShown)] {
			if h != d.person {
				v.Others = append(v.Others, choice{Label: h.name, Link: link(h.id)})
			}
		}
	}
	asks := d.asks(g)
	for _, s := range d.scopes {
		switch {
		case slices.Contains(asks, s):
			fixed := s == "instagram_business_basic" || s == "public_profile" || d.config != nil
			v.Scopes = append(v.Scopes, choice{ID: s, Label: scopeText(s), Fixed: fixed})
		case slices.Contains(g.scopes, s):
			v.Already = append(v.Already, s)
		}
	}
	if d.choosesPages() {
		for _, pg := range d.person.pages {
			c := choice{ID: pg.ID, Label: pg.Name, Note: "no Instagram account", Chosen: g.pages == nil || g.pages[pg.ID]}
			if pg.account != nil {
				c.Note = "@" + pg.account.Username
			}
			if !pg.lost {
				v.Pages = append(v.Pages, c)
			}
		}
	}
	return p.show(p.pages().consent, http.StatusOK, v)
}

// choosesPages reports whether the dialog lets the person pick Pages.
func (d *dialog) choosesPages() bool {
	if d.person == nil || len(d.person.pages) == 0 || len(d.person.pages) > maxPagesShown {
		return false
	}
	return slices.ContainsFunc(d.scopes, func(s string) bool {
		return strings.HasPrefix(s, "pages_") || strings.HasPrefix(s, "instagram_")
	})
}

func (p *Platform) showProblem(c *call, status int, wrong *problem) *reply {
	look := "instagram"
	if c.host == hostFacebook {
		look = "facebook"
	}
	r := p.show(p.pages().problem, status, map[string]string{"Title": wrong.title, "Text": wrong.text, "Look": look})
	r.problem = wrong.text
	return r
}

func (p *Platform) show(t *template.Template, status int, view any) *reply {
	var out bytes.Buffer
	if err := t.Execute(&out, view); err != nil {
		out.WriteString(template.HTMLEscapeString(err.Error()))
	}
	return &reply{
		status: status, contentType: "text/html; charset=utf-8", body: out.Bytes(),
		header: http.Header{
			"Content-Security-Policy": {"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"},
			"X-Frame-Options":         {"DENY"},
			"Referrer-Policy":         {"origin-when-cross-origin"},
		},
	}
}

// frontView is what the front page of a listener lists.
func (p *Platform) frontView() any {
	type shownApp struct{ Name, InstagramAppID, MetaAppID string }
	var v struct {
		Apps     []shownApp
		Accounts []choice
		People   []choice
	}
	for _, a := range p.apps[:min(len(p.apps), maxShown)] {
		v.Apps = append(v.Apps, shownApp{a.Name, a.InstagramAppID, a.MetaAppID})
	}
	for _, a := range p.shown {
		v.Accounts = append(v.Accounts, choice{ID: a.ID, Label: "@" + a.Username, Note: a.Type})
	}
	for _, h := range p.people[:min(len(p.people), maxShown)] {
		v.People = append(v.People, choice{ID: h.id, Label: h.name})
	}
	return v
}

// scopeText says what a scope allows, in a person's words.
func scopeText(s string) string {
	switch s {
	case "instagram_business_basic", "instagram_basic":
		return "See your profile and posts"
	case "instagram_business_content_publish", "instagram_content_publish":
		return "Publish posts, reels and stories"
	case "instagram_business_manage_comments", "instagram_manage_comments":
		return "Read and answer comments"
	case "instagram_business_manage_messages", "instagram_manage_messages":
		return "Read and answer messages"
	case "instagram_business_manage_insights", "instagram_manage_insights":
		return "See insights"
	case "instagram_manage_contents":
		return "Delete posts"
	case "public_profile":
		return "See your name and profile picture"
	case "email":
		return "See your email address"
	case "pages_show_list":
		return "See a list of the Pages you manage"
	case "pages_read_engagement":
		return "Read content posted on your Pages"
	case "pages_manage_metadata":
		return "Manage settings of your Pages"
	case "business_management":
		return "Manage your business"
	case "ads_management", "ads_read":
		return "See your ads"
	case "openid":
		return "Confirm who you are"
	default:
		return strings.ReplaceAll(s, "_", " ")
	}
}

func parsePages() *pageSet {
	base := template.Must(template.New("base").Parse(baseHTML))
	with := func(html string) *template.Template {
		return template.Must(template.Must(base.Clone()).Parse(html))
	}
	return &pageSet{consent: with(consentHTML), problem: with(problemHTML), front: with(frontHTML)}
}
