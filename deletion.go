package instagram

// This file answers: what happens when a person asks for their data to be deleted?

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// DataDeletion is a person's request that everything the app knows of them be
// deleted. Meta sends it when they ask for it in the settings of Facebook or
// Instagram, after they have removed the app.
type DataDeletion struct {
	// Code is the confirmation code that the person gets. The same request
	// always has the same one, in every process.
	Code string
	// AppScopedID is the person, as in [Token.AppScopedID].
	AppScopedID string
	// At is when Meta signed the request.
	At time.Time
	// Keys are the records that were deleted from the token store. It is empty
	// where the request is read from the status page's URL.
	Keys []TokenKey
	// Searched is false when the token store cannot find records by the
	// app-scoped ID (see [TokenFinder]): then what is left there is for erase to delete.
	Searched bool
}

// DataDeletionHandler answers the data-deletion request URL of the App
// Dashboard. It verifies the signed_request as [Client.DeauthorizeHandler] does,
// deletes the person's tokens from the token store, except those of a later
// login, and hands the request to erase, which deletes all else that the
// program knows of the person. Then it answers with
//
//	{"url":"https://…?id=…","confirmation_code":"…"}
//
// which Meta shows to the person. erase must not be nil. It should write the
// request down where it will be done, rather than do it while Meta waits; when
// it fails, the answer is 500, and the person can ask again. A request that was
// done in this process gets its answer again, and erase is not called.
//
// statusURL is the public address of a page that tells the person how far the
// deletion is, such as that of [Client.DeletionStatusHandler]. The answer's
// address is made from it alone, never from what the request says it was sent
// to, with the parameter id added, which holds the request in sealed form. It
// must be https, or http on a loopback address; else there is an error.
//
// Source: "Data Deletion Request Callback", read 2026. Meta prints the answer
// once without quotes around its keys, and makes it with json_encode; this is JSON.
func (c *Client) DataDeletionHandler(statusURL string, erase func(context.Context, DataDeletion) error, opts ...SignedRequestOption) (http.Handler, error) {
	if erase == nil {
		return nil, errors.New("instagram: data deletion: there is no function that erases what the program knows of a person")
	}
	page, err := checkStatusURL(statusURL)
	if err != nil {
		return nil, fmt.Errorf("instagram: data deletion: status URL: %w", err)
	}
	h := c.newSignedHandler("data-deletion", opts)
	seals := newDeletionSeals(c)
	h.work = func(ctx context.Context, request *SignedRequest) error {
		d := seals.request(request.UserID, request.IssuedAt)
		if err := c.eraseTokens(ctx, request, &d); err != nil {
			return err
		}
		return erase(ctx, d)
	}
	h.answer = func(w http.ResponseWriter, request *SignedRequest) {
		d := seals.request(request.UserID, request.IssuedAt)
		noStore(w)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		body := json.NewEncoder(w)
		body.SetEscapeHTML(false) // for people who read logs; & in JSON is no danger
		_ = body.Encode(struct {
			URL  string `json:"url"`
			Code string `json:"confirmation_code"`
		}{statusPage(page, seals.seal(d)), d.Code})
	}
	return h, nil
}

func checkStatusURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	switch {
	case err != nil || !u.IsAbs() || u.Host == "" || u.Opaque != "":
		return nil, errors.New("must be absolute, such as https://example.com/deletion-status")
	case u.User != nil || u.Fragment != "":
		return nil, errors.New("must have no user name, password or fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())):
		return nil, errors.New("must be https, or http on a loopback address")
	}
	return u, nil
}

func statusPage(page *url.URL, id string) string {
	u := *page
	query := u.Query()
	query.Set("id", id)
	u.RawQuery = query.Encode()
	return u.String()
}

// eraseTokens deletes the person's records. Each is marked first, so that a
// worker that is renewing it, and a login that comes meanwhile, are seen.
func (c *Client) eraseTokens(ctx context.Context, request *SignedRequest, d *DataDeletion) error {
	found, err := c.recordsOf(ctx, request.UserID)
	if err != nil {
		return err
	}
	d.Searched = found.searched
	for _, key := range found.keys {
		marked, err := c.deauthorize(ctx, key, request)
		if err == nil && marked {
			err = storeError(c.opts.tokenStore.DeleteToken(ctx, key))
		}
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if marked {
			d.Keys = append(d.Keys, key)
			c.tellTokenEvent(ctx, key, "deleted")
		}
	}
	return nil
}
