// How do the bytes of a video arrive? The upload host, and uploads that break off.

package instagramtest

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
)

// UploadPlan is what becomes of one request to the upload host. Its zero value
// takes everything.
type UploadPlan struct {
	Break int64  // the connection dies after so many bytes were taken; 0: it does not
	Fail  string // the type of error in debug_info, such as ProcessingFailedError; "": none
	// Retriable is what debug_info says beside Fail.
	Retriable bool
	// Kill makes the container ERROR: nothing can be uploaded to it any more.
	// Source: field reports of ProcessingFailedError with nothing transferred.
	Kill bool
	// Keep takes all bytes in spite of Fail: the container goes on, as was
	// observed too.
	Keep bool
}

// PlanUploads says what becomes of the next uploads, one each, in order; further
// ones succeed.
func (p *Platform) PlanUploads(next ...UploadPlan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.uploads = append(p.uploads, next...)
}

// upload is how far the bytes of a container have come.
type upload struct {
	taken, size int64
	failed      bool
}

// videoStatus is the field in which Meta tells how far an upload has come.
// Source: "Resumable Uploads" guide, video_status of the IG container.
func (k *container) videoStatus(code string) object {
	phase := func(name string) object { return object{{"status", name}} }
	uploading, processing := phase("not_started"), phase("not_started")
	switch {
	case k.upload.failed:
		uploading = object{{"status", "error"}, {"errors", []object{{
			{"code", 1363008}, {"message", "OIL Error[FILE_NOT_FOUND: 6]: File not found."},
		}}}}
	case k.uploaded:
		uploading = phase("complete")
		processing = phase(map[bool]string{true: "in_progress", false: "complete"}[code == "IN_PROGRESS"])
	case k.upload.taken > 0:
		uploading = phase("in_progress")
	default:
	}
	uploading = uploading.with("bytes_transferred", k.upload.taken).with("source_file_size", k.upload.size)
	return object{{"uploading_phase", uploading}, {"processing_phase", processing}}
}

// serveUpload answers rupload.facebook.com: the bytes of a resumable container
// from an offset on, sent with Authorization: OAuth. Sources: "Content
// Publishing" and "Resumable Uploads" guides; the statuses of refusals, and
// 412 for a wrong offset, are those observed on the same host for other products.
func (p *Platform) serveUpload(c *call) *reply {
	path := strings.Split(strings.Trim(c.path, "/"), "/")
	if len(path) != 3 || path[0] != "ig-api-upload" || c.method != http.MethodPost {
		return uploadRefused(http.StatusBadRequest, "ProcessingFailedError", false)
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
		return uploadRefused(http.StatusBadRequest, "ProcessingFailedError", false)
	}
	var plan UploadPlan
	if len(p.uploads) > 0 {
		plan, p.uploads = p.uploads[0], p.uploads[1:]
	}
	return k.take(c, plan)
}

// take adds the bytes of a request to a container.
func (k *container) take(c *call, plan UploadPlan) *reply {
	if c.header.Get("File_url") != "" {
		k.uploaded = true
		return uploaded()
	}
	offset, errOffset := strconv.ParseInt(c.header.Get("Offset"), 10, 64)
	size, errSize := strconv.ParseInt(c.header.Get("File_size"), 10, 64)
	arrived := int64(len(c.body))
	switch {
	case errOffset != nil || errSize != nil || size <= 0 || k.upload.failed:
		return uploadRefused(http.StatusBadRequest, "ProcessingFailedError", false)
	case offset != k.upload.taken:
		return uploadRefused(http.StatusPreconditionFailed, "OffsetInvalidError", true)
	case plan.Break > 0 && plan.Break < arrived:
		k.upload.size, k.upload.taken = size, k.upload.taken+plan.Break
		return &reply{broken: true}
	case plan.Fail != "" && !plan.Keep:
		k.upload.failed = plan.Kill
		return uploadRefused(http.StatusBadRequest, plan.Fail, plan.Retriable)
	default:
	}
	k.upload.size, k.upload.taken = size, k.upload.taken+arrived
	k.uploaded = k.upload.taken >= size
	switch {
	case plan.Fail != "":
		return uploadRefused(http.StatusBadRequest, plan.Fail, plan.Retriable)
	case !k.uploaded:
		return uploadRefused(http.StatusPartialContent, "PartialRequestError", true)
	default:
		return uploaded()
	}
}

func uploaded() *reply {
	return answer(object{{"success", true}, {"message", "Upload successful."}})
}

// uploadRefused is the envelope of the upload host.
func uploadRefused(status int, kind string, retriable bool) *reply {
	message := map[string]string{
		"OffsetInvalidError":  "Request starting offset is invalid",
		"PartialRequestError": "Partial request (did not match length of file)",
	}[kind]
	return &reply{status: status, body: graphStyle().text(object{{"debug_info", object{
		{"retriable", retriable}, {"type", kind}, {"message", cmp.Or(message, "Request processing failed")},
	}}})}
}
