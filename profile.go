package instagram

// This file answers: who is the account behind a token?

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-922467ee/instagram/internal/wire"
)

// ProfileField is the name of a field of an account's profile. Any name may be
// asked for; what this package has no place for is read with [Profile.Field].
type ProfileField string

// The fields that [Profile] has a place for. Sources: "Get started" of the
// Instagram API with Instagram Login, and the IG User reference, read 2026.
const (
	FieldUsername       ProfileField = "username"
	FieldName           ProfileField = "name"
	FieldAccountType    ProfileField = "account_type" // Instagram Login only
	FieldBiography      ProfileField = "biography"    // documented for Facebook Login only
	FieldWebsite        ProfileField = "website"      // documented for Facebook Login only
	FieldPictureURL     ProfileField = "profile_picture_url"
	FieldFollowersCount ProfileField = "followers_count"
	FieldFollowsCount   ProfileField = "follows_count"
	FieldMediaCount     ProfileField = "media_count"
)

// AccountType says what kind of professional account it is.
type AccountType string

// The kinds of professional account. Personal accounts have no API.
const (
	BusinessAccount AccountType = "BUSINESS"
	CreatorAccount  AccountType = "MEDIA_CREATOR"
)

// Profile is what the platform tells of an account. A field that was not asked
// for, or that it left out, has its zero value; counts are nil then, which is
// not zero.
type Profile struct {
	// AccountID is the professional account ID: the one in API paths and webhooks.
	AccountID string
	// AppScopedID is the one in deauthorize and data-deletion requests; only
	// Instagram Login tells it here.
	AppScopedID string

	Username   string
	Name       string
	Type       AccountType // in capitals, however the platform writes it
	Biography  string
	Website    string
	PictureURL string // signed by the platform and good for a few days: fetch it, do not keep it

	FollowersCount *int64
	FollowsCount   *int64
	MediaCount     *int64

	raw wire.Value
}

// Field returns a field as it came, nil when there is none.
func (p *Profile) Field(name ProfileField) json.RawMessage {
	if v := p.raw.Get(string(name)); v.Exists() {
		return v.Raw()
	}
	return nil
}

// Fields yields every field that came.
func (p *Profile) Fields() iter.Seq2[ProfileField, json.RawMessage] {
	return func(yield func(ProfileField, json.RawMessage) bool) {
		for name, v := range p.raw.Members() {
			if !yield(ProfileField(name.Text()), v.Raw()) {
				return
			}
		}
	}
}

// Profile asks who the account is. Without fields it asks for all that [Profile]
// has a place for and the login product documents. The IDs come in any case.
//
// On Facebook Login the token source must be an account's: [Client.Account], or
// [Client.With] and one of [LoginResult].Accounts. A person's own token belongs
// to no account, and gives [ErrInvalidRequest].
func (a *Account) Profile(ctx context.Context, fields ...ProfileField) (*Profile, error) {
	p, err := a.profile(ctx, fields)
	if err != nil {
		return nil, fmt.Errorf("instagram: profile: %w", err)
	}
	return p, nil
}

func (a *Account) profile(ctx context.Context, fields []ProfileField) (*Profile, error) {
	path, ids, all := "me", []ProfileField{"id", "user_id"}, instagramProfile()
	if a.c.cfg.Login == FacebookLogin {
		id, err := a.accountID(ctx)
		if err != nil {
			return nil, err
		}
		path, ids, all = id, ids[:1], facebookProfile()
	}
	if len(fields) == 0 {
		fields = all
	}
	var body json.RawMessage
	if err := a.call(ctx, http.MethodGet, path, url.Values{"fields": {joinFields(ids, fields)}}, &body); err != nil {
		return nil, err
	}
	p := readProfile(a.c.cfg.Login, body)
	if p.AccountID == "" {
		return nil, a.answerError(path, "no account ID in the answer")
	}
	return p, nil
}

func instagramProfile() []ProfileField {
	return []ProfileField{
		FieldUsername, FieldName, FieldAccountType, FieldPictureURL,
		FieldFollowersCount, FieldFollowsCount, FieldMediaCount,
	}
}

func facebookProfile() []ProfileField {
	return []ProfileField{
		FieldUsername, FieldName, FieldBiography, FieldWebsite, FieldPictureURL,
		FieldFollowersCount, FieldFollowsCount, FieldMediaCount,
	}
}

func joinFields(ids, fields []ProfileField) string {
	all := slices.Clone(ids)
	for _, f := range fields {
		if f != "" && !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	names := make([]string, len(all))
	for i, f := range all {
		names[i] = string(f)
	}
	return strings.Join(names, ",")
}

// readProfile reads an answer, flat or in a data envelope, with numbers as
// numbers or as strings.
func readProfile(login Login, body []byte) *Profile {
	v := wire.Unwrap(wire.Parse(body))
	p := &Profile{
		Username:   v.Get("username").Text(),
		Name:       v.Get("name").Text(),
		Type:       AccountType(strings.ToUpper(v.Get("account_type").Text())),
		Biography:  v.Get("biography").Text(),
		Website:    v.Get("website").Text(),
		PictureURL: v.Get("profile_picture_url").Text(),

		FollowersCount: count(v.Get("followers_count")),
		FollowsCount:   count(v.Get("follows_count")),
		MediaCount:     count(v.Get("media_count")),

		raw: v,
	}
	p.AccountID = v.Get("id").ID()
	if login == InstagramLogin {
		p.AccountID, p.AppScopedID = v.Get("user_id").ID(), p.AccountID
	}
	return p
}

func count(v wire.Value) *int64 {
	if n, ok := v.Int(); ok {
		return &n
	}
	return nil
}

// accountID returns the ID for paths of the account that the calls are for.
func (a *Account) accountID(ctx context.Context) (string, error) {
	if named, ok := a.src.(interface{ accountID() string }); ok && named.accountID() != "" {
		return named.accountID(), nil
	}
	tok, err := a.src.Token(ctx)
	switch {
	case err != nil:
		return "", err
	case tok.AccountID != "":
		return tok.AccountID, nil
	case a.c.cfg.Login == FacebookLogin:
		return "", fmt.Errorf("the token is a person's and belongs to no account: use one of the result's Accounts: %w", ErrInvalidRequest)
	}
	p, err := a.profile(ctx, []ProfileField{FieldUsername})
	if err != nil {
		return "", err
	}
	return p.AccountID, nil
}
