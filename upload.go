package instagram

// This file answers: how does a video of this machine get to Meta, also over a
// line that breaks?

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-922467ee/instagram/internal/backoff"
	"github.com/seed-922467ee/instagram/internal/redact"
	"github.com/seed-922467ee/instagram/internal/wire"
)

const (
	// maxUploads is how often the sending of one file is begun or gone on with.
	maxUploads = 6
	// uploadPause is the longest first pause between two of them; it doubles.
	uploadPause = 2 * time.Second
)

// uploadDead is the text of a container to which nothing can be uploaded any more.
const uploadDead = "the upload failed for good"

// uploadURL returns where the bytes of a container go: what Meta said, if that
// is on the upload host, or else what it documents.
func (c *Client) uploadURL(containerID, said string) *url.URL {
	if u, err := url.Parse(said); err == nil && said != "" && within(u, c.hosts.upload) {
		return u
	}
	u := at(c.hosts.upload, "ig-api-upload")
	if c.cfg.Version != Unversioned {
		u = at(u, c.cfg.Version)
	}
	return at(u, containerID)
}

// explainUpload adds what is known of a refusal that does not explain itself.
// Source: "Resumable uploads" ("only for apps that have implemented Facebook
// Login for Business"), and a report of the message on graph.instagram.com.
func (p *publisher) explainUpload(params url.Values, err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok || params.Get("upload_type") == "" || p.a.c.cfg.Login != InstagramLogin || !strings.Contains(e.Message, "video_url") {
		return err
	}
	return fmt.Errorf("uploads are documented for Facebook Login only, and refused on Instagram Login: give a VideoURL: %w", err)
}

// upload sends what Meta does not have yet of a file, and goes on from where
// Meta is when the line breaks.
func (p *publisher) upload(ctx context.Context, k *PublishContainer, u *Upload) error {
	file, size, done, err := u.open()
	if err != nil {
		return err
	}
	defer done()
	var last error
	fresh := p.age(*k) < time.Second // nothing is there yet: no need to ask
	for n := range maxUploads {
		if n > 0 {
			if err := backoff.Wait(ctx, backoff.Pause(uploadPause, pollEvery, n)); err != nil {
				return err
			}
		}
		var s containerState
		if n > 0 || !fresh {
			s, err = p.uploadState(ctx, k.ID)
			switch {
			case errors.Is(err, ErrTransient) && context.Cause(ctx) == nil:
				last = err
				continue
			case err != nil:
				return err
			case s.uploadError:
				return &ContainerError{ContainerID: k.ID, Status: ContainerFailed, Text: uploadDead}
			case s.code == ContainerFailed || s.code == ContainerExpired:
				return s.failure(k.ID)
			case s.uploaded || s.code == ContainerFinished || s.code == ContainerPublished || s.transferred >= size:
				p.tell(size, size)
				return nil
			}
		}
		last = p.send(ctx, k, io.NewSectionReader(file, s.transferred, size-s.transferred), s.transferred, size)
		if last == nil || isFinalUploadError(ctx, last) {
			return last
		}
	}
	if refusal, ok := errors.AsType[*Error](last); ok && refusal.Host == p.a.c.hosts.upload.Host {
		return &ContainerError{ContainerID: k.ID, Status: ContainerFailed, Text: uploadDead, Err: refusal}
	}
	return fmt.Errorf("the upload broke off %d times: %w", maxUploads, last)
}

// open returns the file, its size, and what closes it.
func (u *Upload) open() (file io.ReaderAt, size int64, done func(), err error) {
	if u.Content != nil {
		return u.Content, u.Size, func() {}, nil
	}
	if u.Path == "" {
		return nil, 0, nil, &PostError{Field: "Upload", Problem: "has neither Path nor Content: Content is not written down with a ticket, give it again"}
	}
	f, err := os.Open(u.Path)
	if err != nil {
		return nil, 0, nil, &PostError{Field: "Upload.Path", Problem: err.Error()}
	}
	info, err := f.Stat()
	if err == nil && (info.IsDir() || info.Size() == 0 || u.Size != 0 && u.Size != info.Size()) {
		err = fmt.Errorf("%s has %d bytes and is not the file that was meant", u.Path, info.Size())
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, nil, &PostError{Field: "Upload.Path", Problem: err.Error()}
	}
	return f, info.Size(), func() { _ = f.Close() }, nil
}

// uploadState asks how much Meta has. A host that does not know the field is
// asked without it, and then has all or nothing.
func (p *publisher) uploadState(ctx context.Context, id string) (containerState, error) {
	s, err := p.a.containerState(ctx, id, "id,status_code,status,video_status")
	if errors.Is(err, ErrInvalidRequest) {
		return p.status(ctx, id)
	}
	return s, err
}

// send sends one stretch of a file. Source: "Resumable uploads": the token goes
// under the scheme OAuth, offset and file_size are headers. The type is that of
// the same host's reels guide for Facebook.
func (p *publisher) send(ctx context.Context, k *PublishContainer, rest *io.SectionReader, offset, size int64) error {
	var made *call
	ctx = WithCallOptions(ctx, func(o *callOptions) { o.once, o.made = true, &made }) // gone on with from where it breaks, never repeated
	body := &countingReader{r: rest, told: func(sent int64) { p.tell(offset+sent, size) }}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, k.UploadURI, body)
	if err != nil {
		return fmt.Errorf("the upload address of container %s is no URL: %w", k.ID, ErrInvalidRequest)
	}
	req.ContentLength = rest.Size()
	req.Header.Set("Content-Type", "application/octet-stream")
	req.Header.Set("Offset", strconv.FormatInt(offset, 10))
	req.Header.Set("File_size", strconv.FormatInt(size, 10))
	resp, err := p.a.http.Do(req)
	if err != nil {
		return fmt.Errorf("upload: %w", redact.Err(err))
	}
	defer func() { _ = resp.Body.Close() }()
	if err := made.failure("upload"); err != nil {
		return err
	}
	var answer json.RawMessage
	if err := decode(resp, &answer); err != nil {
		return fmt.Errorf("upload: %w", made.blot(err))
	}
	if v := wire.Parse(answer); !succeeded(v) {
		return fmt.Errorf("upload: Meta does not confirm it: %w", ErrOutcomeUnknown)
	}
	return nil
}

// isFinalUploadError reports whether to ask how much Meta has is no use after an
// error: it is about the token, the quota or the caller. After every other one
// it is asked, for Meta was seen to refuse bytes for good and to go on with them.
func isFinalUploadError(ctx context.Context, err error) bool {
	_, foreign := errors.AsType[*ForeignHostError](err)
	return foreign || context.Cause(ctx) != nil || errors.Is(err, ErrTokenInvalid) || errors.Is(err, ErrPermission) ||
		errors.Is(err, ErrThrottled) || errors.Is(err, ErrTokenNotFound)
}

func (p *publisher) tell(sent, total int64) {
	if p.opts.progress != nil {
		p.opts.progress(sent, total)
	}
}

// countingReader tells how much of a body was read.
type countingReader struct {
	r    io.Reader
	n    atomic.Int64
	told func(int64)
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	if n > 0 {
		c.told(c.n.Add(int64(n)))
	}
	return n, err //nolint:wrapcheck // as the file gave it
}
