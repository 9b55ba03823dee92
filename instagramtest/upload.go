// How do the bytes of a resumable container arrive? rupload.facebook.com.

package instagramtest

import (
	"net/http"
	"strings"
)

// serveUpload answers rupload.facebook.com: the bytes of a resumable container,
// sent with Authorization: OAuth. Source: "Content Publishing" guide.
func (p *Platform) serveUpload(c *call) *reply {
	path := strings.Split(strings.Trim(c.path, "/"), "/")
	refuse := func(message string) *reply {
		return &reply{status: http.StatusBadRequest, body: graphStyle().text(object{{"debug_info", object{
			{"retriable", false}, {"type", "ProcessingFailedError"}, {"message", message},
		}}})}
	}
	if len(path) != 3 || path[0] != "ig-api-upload" || c.method != http.MethodPost {
		return refuse("Request processing failed")
	}
	value := headerToken(c.header)
	login := FacebookLogin
	if t := p.tokens[value]; t != nil {
		login = t.login
	}
	t, wrong := p.valid(value, login, c.now)
	if wrong != nil {
		return wrong.reply(c.trace)
	}
	k, ok := p.nodes[path[2]].(*container)
	if !ok || !k.resumable || (t.account != nil && t.account != k.account) || (t.account == nil && t.person.linked[k.account.ID] == nil) {
		return refuse("Request processing failed")
	}
	if len(c.body) == 0 && c.header.Get("File_url") == "" {
		return refuse("Request processing failed")
	}
	k.uploaded = true
	return answer(object{{"success", true}, {"message", "Upload successful."}})
}
